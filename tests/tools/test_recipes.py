"""Recipes say how each bundled model is trained, and what is trained is packed alike."""

from __future__ import annotations

import functools
import math
import tarfile
from pathlib import Path

import pytest
import train_bundled
from bundled.recipes import ClassLoss, load_recipes

from validation.errors import ArtefactMissing, CatalogueError, UsageError
from validation.export.from_checkpoint import built_once, model_variables
from validation.pipeline.config import load_pipeline

RECIPES = load_recipes()


RECIPE_FILE = """\
version = 1
[common]
scenes = 4
batch = 2
warm_up = 1
weight_decay = 1e-5
calibrations = 1
matched = 0.5
unmatched = 0.4
crop = 0.5
light = 1.0
seed = 1000
steps = 2
learning_rate = 0.01
loss = { kind = "focal", alpha = 0.25, gamma = 2.0, negatives = 3.0, box_weight = 1.0, delta = 1.0 }
[[model]]
name = "small"
config = "small.config"
[[model]]
name = "small_quantized"
config = "small_quantized.config"
starts_from = "small"
loss.kind = "mined_softmax"
"""


@functools.cache
def recipe_variables(name: str) -> dict[str, tuple[int, ...]]:
    """Of the graph that a config describes; a quantised model's float counterpart is built once."""
    config = load_pipeline(RECIPES[name].config)
    return model_variables(built_once(config))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_config_that_builds(name: str) -> None:
    """Eight classes, few parameters; a quantised one has the graph of its float counterpart."""
    recipe = RECIPES[name]
    config = load_pipeline(recipe.config)
    shapes = recipe_variables(name)
    assert config.num_classes == 8
    assert sum(math.prod(shape) for shape in shapes.values()) < 550_000
    assert config.is_quantized == bool(recipe.starts_from)
    if recipe.starts_from:
        counterpart = recipe_variables(recipe.starts_from)
        assert counterpart == {key: shapes[key] for key in counterpart}
    softmax = recipe.training.loss.kind is ClassLoss.MINED_SOFTMAX
    assert (config.score_converter == "SOFTMAX") == softmax


@pytest.mark.parametrize("name", RECIPES)
def test_a_config_tells_how_its_model_is_trained(name: str) -> None:
    """What only training reads is in the config as the recipe has it."""
    recipe = RECIPES[name]
    text = recipe.config.read_text()
    training, loss = recipe.training, recipe.training.loss
    lines = [
        f"batch_size: {recipe.batch}",
        f"num_steps: {training.steps}",
        f"total_steps: {training.steps}",
        f"warmup_steps: {training.warm_up}",
        f"learning_rate_base: {training.learning_rate}",
        f"matched_threshold: {recipe.rule.matched}",
        f"unmatched_threshold: {recipe.rule.unmatched}",
        # The OD API divides the box loss by the four numbers of an encoding.
        "normalize_loc_loss_by_codesize: true",
        f"localization_weight: {4 * loss.box_weight:g}\n",
    ]
    if loss.kind is ClassLoss.FOCAL:
        lines += [f"alpha: {loss.alpha}", f"gamma: {loss.gamma}"]
    else:
        lines += ["weighted_softmax", f"max_negatives_per_positive: {loss.negatives:g}"]
    assert [line for line in lines if line not in text] == []


def test_the_recipes_differ_where_they_should() -> None:
    """No two share a seed; sizes, converters and moving averages vary."""
    configs = [load_pipeline(recipe.config) for recipe in RECIPES.values()]
    assert len({recipe.seed for recipe in RECIPES.values()}) == len(RECIPES) == 8
    assert any(height != width for height, width in (each.input_size for each in configs))
    assert any(each.use_moving_averages for each in configs)
    assert {each.score_converter for each in configs} == {"SIGMOID", "SOFTMAX"}


def recipes_from(folder: Path, text: str) -> dict[str, object]:
    path = folder / "recipes.toml"
    path.write_text(text)
    return dict(load_recipes(path))


def test_a_recipe_takes_from_common_what_it_leaves_out(tmp_path: Path) -> None:
    """A model replaces single values, those of the loss too."""
    recipes = recipes_from(tmp_path, RECIPE_FILE)
    loss = recipes["small_quantized"].training.loss
    assert loss.kind is ClassLoss.MINED_SOFTMAX
    assert loss.alpha == 0.25
    assert recipes["small"].config == tmp_path / "small.config"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("version = 1", "version = 2", "another layout"),
        ("[common]", "[common]\nname = 'all'", "unknown key 'name'"),
        ('name = "small"\n', 'name = "small"\nstep = 3\n', "unknown key 'step'.*'steps'"),
        ("seed = 1000", "seed = 2", "seed is wrong.*1000 or more"),
        ("alpha = 0.25", "alfa = 0.25", "unknown key 'alfa'"),
        ('"focal"', '"hinge"', r"kind is wrong.*focal \| mined_softmax"),
        ('starts_from = "small"', 'starts_from = "large"', "starts_from is wrong.*further up"),
        ('name = "small_quantized"', 'name = "small"', "name is wrong.*a name of its own"),
        ("steps = 2", "steps = 0", "steps is wrong"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """The complaint names the key and what is right."""
    assert old in RECIPE_FILE
    with pytest.raises(CatalogueError, match=complaint):
        recipes_from(tmp_path, RECIPE_FILE.replace(old, new, 1))


def test_models_are_chosen_in_file_order() -> None:
    """A float counterpart comes before what starts from it, however they were asked for."""
    names = ["ssd_mobilenet_v1_quantized", "ssd_mobilenet_v1"]
    chosen = train_bundled.chosen_recipes(names, RECIPES)
    assert [each.name for each in chosen] == names[::-1]
    assert train_bundled.chosen_recipes([], RECIPES) == tuple(RECIPES.values())


def test_a_model_without_a_recipe_is_refused() -> None:
    """With the nearest name as advice."""
    with pytest.raises(UsageError, match=r"no recipe for 'ssd_mobilenet_v9'.*did you mean"):
        train_bundled.chosen_recipes(["ssd_mobilenet_v9"], RECIPES)


def test_packing_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither time nor owner nor the order on the disk shows in an archive."""
    packed = []
    for parent in ("one", "other"):
        folder = tmp_path / parent / "model"
        (folder / "saved_model").mkdir(parents=True)
        names = ["b", "saved_model/c", "a"]
        for name in names if parent == "one" else reversed(names):
            (folder / name).write_text(name)
        target = tmp_path / parent / "model.tar.gz"
        train_bundled.pack(folder, target)
        packed.append(target.read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(tmp_path / "one" / "model.tar.gz") as tar:
        assert tar.getnames() == [
            "model",
            "model/a",
            "model/b",
            "model/saved_model",
            "model/saved_model/c",
        ]
        assert {member.mtime for member in tar} == {0}


def test_a_loss_curve_is_short_and_keeps_the_mean() -> None:
    """Means over stretches of equal length; a short run keeps every step."""
    assert train_bundled.loss_curve([3.0, 1.0, 4.0, 2.0], 2) == [(2, 2.0), (4, 3.0)]
    assert train_bundled.loss_curve([3.0, 1.0]) == [(1, 3.0), (2, 1.0)]
    assert len(train_bundled.loss_curve(list(range(1001)))) == 200


def test_a_start_that_was_not_trained_is_told(tmp_path: Path) -> None:
    """With the model that has to come first."""
    recipe = RECIPES["ssd_mobilenet_v1_quantized"]
    with pytest.raises(ArtefactMissing, match="train ssd_mobilenet_v1 first"):
        train_bundled.start_of(recipe, tmp_path)
