"""How each bundled model is trained, read from recipes.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bundled.augment import View
from bundled.scene_set import FIRST_TRAINING_SEED
from bundled.targets import MatchRule
from validation.zoo.toml_table import Table, read_toml

RECIPES_VERSION = 1
DEFAULT_RECIPES = Path(__file__).with_name("recipes.toml")

_KEYS = frozenset(
    {
        "name",
        "config",
        "starts_from",
        "seed",
        "scenes",
        "steps",
        "warm_up",
        "batch",
        "learning_rate",
        "weight_decay",
        "calibrations",
        "loss",
        "matched",
        "unmatched",
        "crop",
        "light",
    }
)
_LOSS_KEYS = frozenset({"kind", "alpha", "gamma", "negatives", "box_weight", "delta"})


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
    """

    steps: int
    warm_up: int
    learning_rate: float
    weight_decay: float = 4e-5
    loss: LossOptions = LossOptions()
    seed: int = 0
    calibrations: int = 3
    threads: int = 0


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


def load_recipes(path: Path = DEFAULT_RECIPES) -> dict[str, Recipe]:
    """Recipes by the name of their model, in file order.

    Every recipe may leave out what ``common`` says.

    Args:
        path: TOML with a table ``common`` and an array ``model``.

    Raises:
        CatalogueError: Not TOML, a key that is unknown, missing or wrong, a seed that scenes
            for judging or calibrating have, or a start that comes later or not at all.
    """
    top = read_toml(path, RECIPES_VERSION)
    top.refuse_unknown({"version", "common", "model"})
    common = top.table("common")
    common.refuse_unknown(_KEYS - {"name", "config", "starts_from"})
    recipes: dict[str, Recipe] = {}
    for table in top.tables("model"):
        table.refuse_unknown(_KEYS)
        merged = Table(_merged(common.values, table.values), table.where)
        recipe = _recipe(merged, path.parent)
        if recipe.name in recipes:
            raise merged.wrong("name", "a name of its own")
        if recipe.starts_from and recipe.starts_from not in recipes:
            raise merged.wrong("starts_from", "a model further up")
        recipes[recipe.name] = recipe
    return recipes


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """A model may replace single values of the loss."""
    old, new = below.get("loss"), above.get("loss")
    merged = {**below, **above}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        merged["loss"] = {**old, **new}
    return merged


def _recipe(table: Table, folder: Path) -> Recipe:
    seed = table.positive("seed")
    if seed < FIRST_TRAINING_SEED:
        raise table.wrong("seed", f"{FIRST_TRAINING_SEED} or more: smaller ones judge")
    return Recipe(
        name=table.plain("name"),
        config=folder / table.relative_path("config"),
        starts_from=table.plain("starts_from") if "starts_from" in table else "",
        seed=seed,
        scenes=table.positive("scenes"),
        batch=table.positive("batch"),
        training=TrainingOptions(
            steps=table.positive("steps"),
            warm_up=table.positive("warm_up"),
            learning_rate=table.figure("learning_rate"),
            weight_decay=table.figure("weight_decay"),
            loss=_loss(table.table("loss")),
            seed=seed,
            calibrations=table.positive("calibrations"),
        ),
        rule=MatchRule(table.figure("matched"), table.figure("unmatched")),
        view=View(crop=table.figure("crop"), light=table.figure("light")),
    )


def _loss(table: Table) -> LossOptions:
    table.refuse_unknown(_LOSS_KEYS)
    kind = table.text("kind")
    if kind not in list(ClassLoss):
        raise table.wrong("kind", " | ".join(ClassLoss))
    return LossOptions(
        kind=ClassLoss(kind),
        alpha=table.figure("alpha"),
        gamma=table.figure("gamma"),
        negatives=table.figure("negatives"),
        box_weight=table.figure("box_weight"),
        delta=table.figure("delta"),
    )
