"""How each bundled model is trained, read from recipes.toml."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bundled.augment import View
from bundled.scene_set import FIRST_TRAINING_SEED
from bundled.targets import MatchRule
from validation.errors import CatalogueError
from validation.files.structured import Positive, PositiveNumber, read_toml, structure_table
from validation.zoo.catalogue_file import PlainName, RelativePath

RECIPES_VERSION = 1
DEFAULT_RECIPES = Path(__file__).with_name("recipes.toml")

# What a model says for itself only.
_OWN_KEYS = ("name", "config", "starts_from")


class ClassLoss(StrEnum):
    """How classes are judged."""

    FOCAL = "focal"
    """Each class by itself; easy answers weigh little."""
    MINED_SOFTMAX = "mined_softmax"
    """Classes against each other; of the background only the worst answers count."""


@dataclass(frozen=True)
class LossOptions:
    """Weights and shapes of the losses.

    Args:
        kind: How classes are judged.
        alpha: Weight of the positives in the focal loss; negatives have 1 - alpha.
        gamma: How little easy answers weigh in the focal loss.
        negatives: For each match, negatives that the mining leaves.
        box_weight: Of the box loss in the sum.
        delta: Error of an encoding from which the box loss grows linearly.
    """

    kind: ClassLoss = ClassLoss.FOCAL
    alpha: float = 0.25
    gamma: float = 2.0
    negatives: float = 3.0
    box_weight: float = 1.0
    delta: float = 1.0


@dataclass(frozen=True)
class TrainingOptions:
    """How a model is trained.

    Args:
        steps: Batches in all.
        warm_up: Steps in which the learning rate grows to its peak.
        learning_rate: The peak.
        weight_decay: Factor of half the squared convolution weights in the loss.
        loss: Of classes and boxes.
        seed: Of the initial weights.
        calibrations: Times that the ranges of a quantised model are measured.
        threads: For TensorFlow; 0 leaves it to TensorFlow.
        optimised: TensorFlow rewrites the graph to run faster; a few steps do not earn that back.
    """

    steps: int
    warm_up: int
    learning_rate: float
    weight_decay: float = 4e-5
    loss: LossOptions = LossOptions()
    seed: int = 0
    calibrations: int = 3
    threads: int = 0
    optimised: bool = True


@dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Args:
        name: Of the model and its archive.
        config: Its pipeline.config.
        starts_from: The model whose weights it goes on from; empty: from nothing.
        seed: Of the scenes, of what happens to them and of the initial weights.
        scenes: How many are drawn.
        batch: Images of a step.
        training: Steps, learning rate and loss.
        rule: When an anchor answers for a box.
        view: What happens to the scenes.
    """

    name: str
    config: Path
    starts_from: str
    seed: int
    scenes: int
    batch: int
    training: TrainingOptions
    rule: MatchRule
    view: View


@dataclass(frozen=True)
class _LossTable:
    kind: ClassLoss
    alpha: PositiveNumber
    gamma: PositiveNumber
    negatives: PositiveNumber
    box_weight: PositiveNumber
    delta: PositiveNumber


@dataclass(frozen=True)
class _RecipeTable:
    name: PlainName
    config: RelativePath
    seed: Positive
    scenes: Positive
    steps: Positive
    warm_up: Positive
    batch: Positive
    learning_rate: PositiveNumber
    weight_decay: PositiveNumber
    calibrations: Positive
    loss: _LossTable
    matched: PositiveNumber
    unmatched: PositiveNumber
    crop: PositiveNumber
    light: PositiveNumber
    starts_from: PlainName | None = None


@dataclass(frozen=True)
class _RecipeFile:
    version: int
    common: dict[str, Any]
    model: tuple[dict[str, Any], ...]


def load_recipes(path: Path = DEFAULT_RECIPES) -> dict[str, Recipe]:
    """Recipes by the name of their model, in file order.

    Every recipe may leave out what ``common`` says.

    Args:
        path: TOML with a table ``common`` and an array ``model``.

    Raises:
        CatalogueError: Not TOML, a key that is unknown, missing or wrong, a seed that scenes
            for judging or calibrating have, or a start that comes later or not at all.
    """
    file = read_toml(path, _RecipeFile, RECIPES_VERSION)
    for key in file.common:
        if key in _OWN_KEYS:
            raise CatalogueError(f"unknown key {key!r}", where=f"{path.name}, common")
    recipes: dict[str, Recipe] = {}
    for number, model in enumerate(file.model, 1):
        where = f"{path.name}, model {model.get('name', number)!r}"
        table = structure_table(_RecipeTable, _merged(file.common, model), where=where)
        if table.name in recipes:
            raise _wrong("name", "a name of its own", table.name, where)
        if table.starts_from and table.starts_from not in recipes:
            raise _wrong("starts_from", "a model further up", table.starts_from, where)
        if table.seed < FIRST_TRAINING_SEED:
            expected = f"{FIRST_TRAINING_SEED} or more: smaller ones judge"
            raise _wrong("seed", expected, table.seed, where)
        recipes[table.name] = _recipe(table, path.parent)
    return recipes


def _wrong(key: str, expected: str, got: object, where: str) -> CatalogueError:
    return CatalogueError(f"{key} is wrong", expected=expected, got=repr(got), where=where)


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """A model may replace single values of the loss."""
    old, new = below.get("loss"), above.get("loss")
    merged = {**below, **above}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        merged["loss"] = {**old, **new}
    return merged


def _recipe(table: _RecipeTable, folder: Path) -> Recipe:
    return Recipe(
        name=table.name,
        config=folder / table.config,
        starts_from=table.starts_from or "",
        seed=table.seed,
        scenes=table.scenes,
        batch=table.batch,
        training=TrainingOptions(
            steps=table.steps,
            warm_up=table.warm_up,
            learning_rate=table.learning_rate,
            weight_decay=table.weight_decay,
            loss=LossOptions(**dataclasses.asdict(table.loss)),
            seed=table.seed,
            calibrations=table.calibrations,
        ),
        rule=MatchRule(table.matched, table.unmatched),
        view=View(crop=table.crop, light=table.light),
    )
