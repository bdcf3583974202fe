"""What names and shapes tell of a checkpoint that does not fit."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import first_few
from validation.graphs.mismatch import NAMED, Described, Shapes, mismatches
from validation.graphs.network_names import other_network
from validation.root_cause import FaultKind, RootCause

_NET = "FeatureExtractor/MobilenetV1"
_SHARED = "WeightSharedConvolutionalBoxPredictor"
_LAYERS: dict[str, tuple[int, ...]] = {
    f"{_NET}/Conv2d_0/weights": (3, 3, 3, 8),
    f"{_NET}/Conv2d_0/BatchNorm/gamma": (8,),
    f"{_NET}/Conv2d_1/weights": (1, 1, 8, 16),
    f"{_NET}/Conv2d_13_2_Conv2d_2_3x3_s2_64/weights": (3, 3, 16, 64),
    f"{_NET}/Conv2d_13_2_Conv2d_2_3x3_s2_64/BatchNorm/gamma": (64,),
}
# Three anchors a cell, two classes.
_SHARED_HEAD = {f"{_SHARED}/BoxPredictor/biases": (12,), f"{_SHARED}/ClassPredictor/biases": (9,)}
_ONE_HEAD = {"BoxEncodingPredictor/biases": (12,), "ClassPredictor/biases": (9,)}


def causes(variables: Shapes, tensors: Shapes, config: Described | None = None) -> list[str]:
    """In words."""
    return [each.clause for each in mismatches(variables, tensors, config)]


_CONFIG = Described(2, lambda path: f"p.config, line 1, {path}")


@given(
    st.dictionaries(
        st.sampled_from([*_LAYERS, *_SHARED_HEAD, *_ONE_HEAD, "a/act_quant/min"]),
        st.lists(st.integers(0, 64), max_size=4).map(tuple),
    )
)
@settings(deadline=None, max_examples=50)
def test_what_fits_has_no_cause(shapes: Shapes) -> None:
    """Whatever the shapes: heads without anchors and scalars included."""
    assert causes(shapes, shapes) == []


@given(
    *[
        st.dictionaries(
            st.sampled_from([*_LAYERS, *_SHARED_HEAD, *_ONE_HEAD]),
            st.lists(st.integers(0, 64), max_size=4).map(tuple),
        )
    ]
    * 2
)
@settings(deadline=None, max_examples=50)
def test_no_pair_of_shapes_is_too_odd(variables: Shapes, tensors: Shapes) -> None:
    """A message about a damaged archive must not fail itself."""
    assert all(isinstance(cause, str) for cause in causes(variables, tensors, _CONFIG))


@pytest.mark.parametrize(
    ("head", "scope"), [(_SHARED_HEAD, _SHARED), (_ONE_HEAD, "the heads")], ids=["shared", "one"]
)
def test_anchors_of_every_kind_of_head(head: Shapes, scope: str) -> None:
    """One head for all maps, and a single map whose head has no scope; classes still fit."""
    trained = {name: (2 * shape[0],) for name, shape in head.items()}
    assert causes(head, trained, _CONFIG) == [
        "6 anchors a cell in the checkpoint, 3 in the config "
        f"(p.config, line 1, model.ssd.anchor_generator), for {scope}"
    ]


@pytest.mark.parametrize("head", [_SHARED_HEAD, _ONE_HEAD], ids=["shared", "one"])
def test_classes_of_every_kind_of_head(head: Shapes) -> None:
    """The columns give the trained number of classes away; without a config the graph's."""
    trained = {name: (12 if "Box" in name.split("/")[-2] else 273,) for name in head}
    (cause,) = causes(head, trained)
    assert cause == (
        "the checkpoint's class head has 91 columns an anchor, that is num_classes: 90; "
        "the graph says 2, that is 3 columns"
    )


def test_some_layers_of_another_depth() -> None:
    """The first of them is named with both shapes; the heads that follow it are not."""
    trained = {**_LAYERS, f"{_NET}/Conv2d_1/weights": (1, 1, 8, 32)}
    (cause,) = causes(_LAYERS, trained, _CONFIG)
    assert cause.startswith(
        f"another depth in 1 of 3 layers, first {_NET}/Conv2d_1/weights is [1, 1, 8, 16] in the "
        "graph, [1, 1, 8, 32] in the checkpoint: code and checkpoint come from different releases"
    )
    assert "line 1, model.ssd.feature_extractor)" in cause


def test_depth_in_the_name_of_a_layer() -> None:
    """The layers that SSD adds carry it there: another depth is another name."""
    trained = {name.replace("_64/", "_128/"): shape for name, shape in _LAYERS.items()}
    trained[f"{_NET}/Conv2d_13_2_Conv2d_2_3x3_s2_128/weights"] = (3, 3, 16, 128)
    (cause,) = causes(_LAYERS, trained)
    assert "another depth in 1 of 3 layers" in cause
    assert cause.count("[3, 3, 16, 128] in the checkpoint as ") == 1
    assert f"{_NET}/Conv2d_13_2_Conv2d_2_3x3_s2_128/weights" in cause


def test_most_layers_of_another_depth() -> None:
    """Then it is the multiplier, and its line in the config."""
    trained = {name: (*shape[:-1], 2 * shape[-1]) for name, shape in _LAYERS.items()}
    (cause,) = causes(_LAYERS, trained, _CONFIG)
    assert "another depth in 3 of 3 layers" in cause
    assert "line 1, model.ssd.feature_extractor.depth_multiplier) was another one" in cause


def test_some_ranges_are_there() -> None:
    """A checkpoint with other ranges is no float checkpoint."""
    asked = {f"{_NET}/{name}/act_quant/{end}": () for name in "ab" for end in ("min", "max")}
    there = {name: shape for name, shape in asked.items() if "/a/" in name}
    (cause,) = causes(asked, there, _CONFIG)
    assert cause.startswith("the checkpoint lacks 2 of 4 quantisation ranges")


def test_float_checkpoint_of_a_quantised_graph() -> None:
    """Without a config it is the graph that has the nodes."""
    assert causes({**_LAYERS, "a/act_quant/min": ()}, _LAYERS) == [
        "the checkpoint has no quantisation ranges (act_quant/weights_quant min and max): it was "
        "not trained with quantisation; take a graph without FakeQuant nodes or take the QAT "
        "checkpoint"
    ]
    assert causes(_LAYERS, {**_LAYERS, "a/act_quant/min": ()}) == [
        "the checkpoint was trained with quantisation, and its 1 quantisation ranges "
        "(act_quant/weights_quant min and max) would be unused; take a graph with FakeQuant "
        "nodes or take a float checkpoint"
    ]


def test_another_backbone_goes_before_its_layers() -> None:
    """Whose layers differ is then no news."""
    trained = {name.replace("V1", "V2"): (1,) for name in _LAYERS}
    assert causes(_LAYERS, trained, _CONFIG) == [
        "the config builds MobilenetV1 (p.config, line 1, model.ssd.feature_extractor.type), "
        "the checkpoint is of MobilenetV2"
    ]


@pytest.mark.parametrize(
    ("count", "message"), [(0, ""), (2, "n0, n1"), (9, "n0, n1, n2, n3, n4, n5 and 3 more")]
)
def test_long_lists_are_cut(count: int, message: str) -> None:
    """A model has hundreds of variables; how many there are stands in front of the list."""
    assert first_few((f"n{number}" for number in range(count)), NAMED) == message


def _causes(tensors: Shapes, config: Described = _CONFIG) -> list[RootCause]:
    return [each.cause for each in mismatches(_BUILT, tensors, config)]


_BUILT: Shapes = {
    "FeatureExtractor/M/a/weights": (3, 3, 3, 16),
    "FeatureExtractor/M/b/weights": (1, 1, 16, 32),
    "FeatureExtractor/M/b/depthwise_weights": (3, 3, 16, 1),
    "FeatureExtractor/M/c/weights": (1, 1, 32, 64),
    "P/BoxPredictor/biases": (16,),
    "P/ClassPredictor/biases": (12,),
}


def test_value_that_fits_the_checkpoint_is_named() -> None:
    """For classes, anchors and depths: the field, what it says, and what would fit."""
    (classes,) = _causes({**_BUILT, "P/ClassPredictor/biases": (36,)})
    assert (classes.fault, classes.expected, classes.got) == (FaultKind.CLASS_COUNT, 8, 2)
    assert classes.where.endswith("model.ssd.num_classes")
    fewer = {"P/BoxPredictor/biases": (12,), "P/ClassPredictor/biases": (9,)}
    (anchors,) = _causes({**_BUILT, **fewer})
    assert (anchors.fault, anchors.expected) == (FaultKind.ANCHORS, "3 a cell")
    assert anchors.where.endswith("model.ssd.anchor_generator")


def _thinned(*depths: int) -> Shapes:
    names = [name for name in _BUILT if name.endswith("/weights")]
    return {
        **_BUILT,
        **{name: (*_BUILT[name][:-1], depth) for name, depth in zip(names, depths, strict=True)},
    }


def test_depth_that_most_layers_have_is_named() -> None:
    """Half of the built depth in most layers is half of the multiplier; in none it is not said."""
    config = dataclasses.replace(_CONFIG, depth_multiplier=0.5, min_depth=8)
    (half,) = _causes(_thinned(8, 16, 32), config)
    assert (half.fault, half.expected, half.got) == (FaultKind.DEPTH, 0.25, 0.5)
    assert half.where.endswith("feature_extractor.depth_multiplier")
    (unknown,) = _causes(_thinned(12, 16, 16), config)
    assert (unknown.fault, unknown.expected) == (FaultKind.DEPTH, None)


def test_least_depth_is_told_from_the_multiplier() -> None:
    """Where every layer that differs has the least depth that the config allows."""
    config = dataclasses.replace(_CONFIG, depth_multiplier=0.5, min_depth=16)
    (least,) = _causes(_thinned(8, 32, 64), config)
    assert (least.fault, least.expected, least.got) == (FaultKind.DEPTH, 8, 16)
    assert least.where.endswith("feature_extractor.min_depth")
    (both,) = _causes(_thinned(8, 16, 64), config)
    assert not both.where.endswith("min_depth")


def test_quantised_training_is_told_from_the_side_that_asks() -> None:
    """The config's word is what there is."""
    ranges: Shapes = {"a/act_quant/min": (), "a/act_quant/max": ()}
    (asked,) = (each.cause for each in mismatches({**_BUILT, **ranges}, _BUILT, _CONFIG))
    (there,) = (each.cause for each in mismatches(_BUILT, {**_BUILT, **ranges}, _CONFIG))
    assert [(each.got, each.expected) for each in (asked, there)] == [
        ("quantised", "float"),
        ("float", "quantised"),
    ]


def test_other_names_are_of_the_network_or_of_the_heads() -> None:
    """By the scope of the first that has no counterpart."""
    (network,) = other_network(["FeatureExtractor/M/d/weights"], [], _CONFIG)
    assert network.cause.fault is FaultKind.EXTRACTOR
    assert network.cause.where.endswith("feature_extractor.type")
    (heads,) = other_network(["BoxPredictor_0/x"], ["Shared/x", "Shared/y"], _CONFIG)
    assert (heads.cause.got, heads.cause.expected) == ("BoxPredictor_0", "Shared")
    assert heads.cause.where.endswith("box_predictor")
    assert other_network([], [], _CONFIG) == []
