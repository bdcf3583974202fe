"""Which checkpoint tensor fills which variable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import GraphError
from validation.graphs.mismatch import Described
from validation.graphs.restore import AVERAGE, Shapes, plan_restore

# Two anchors a cell, three classes and the background.
_GRAPH: dict[str, tuple[int, ...]] = {
    "FeatureExtractor/MobilenetV1/Conv2d_0/weights": (3, 3, 3, 8),
    "FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm/moving_mean": (8,),
    "BoxPredictor_0/BoxEncodingPredictor/biases": (8,),
    "BoxPredictor_0/ClassPredictor/biases": (8,),
}


def _plan(
    checkpoint: Shapes,
    graph: Shapes = _GRAPH,
    *,
    averages: bool = False,
    classes: int = 3,
) -> dict[str, str]:
    return plan_restore(
        graph,
        checkpoint,
        use_moving_averages=averages,
        config=Described(classes),
        where="model.ckpt",
    )


def test_every_variable_is_filled_by_its_name() -> None:
    """Where all names and shapes fit, each variable is its own source."""
    assert _plan(_GRAPH) == {name: name for name in _GRAPH}


@pytest.mark.parametrize(
    "extra",
    [
        "global_step",
        "learning_rate",
        *[
            f"FeatureExtractor/MobilenetV1/Conv2d_0/weights{slot}"
            for slot in (
                "/RMSProp",
                "/RMSProp_1",
                "/Momentum",
                "/Adam",
                "/ExponentialMovingAverage",
            )
        ],
    ],
)
def test_what_training_leaves_is_passed_over(extra: str) -> None:
    """Optimizer slots, counters and unasked averages belong to no variable."""
    assert _plan({**_GRAPH, extra: (1,)}) == {name: name for name in _GRAPH}


def test_averages_are_taken_where_they_are() -> None:
    """Batch norm's own moving statistics have no average and come from themselves."""
    weights = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    sources = _plan({**_GRAPH, weights + AVERAGE: (3, 3, 3, 8)}, averages=True)
    assert sources[weights] == weights + AVERAGE
    mean = "FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm/moving_mean"
    assert sources[mean] == mean


def test_averages_that_are_not_there_are_an_error() -> None:
    """The raw weights are another model's accuracy."""
    with pytest.raises(GraphError, match=r"use_moving_averages asks for averages.*got none"):
        _plan(_GRAPH, averages=True)


@given(lost=st.sets(st.sampled_from(sorted(_GRAPH)), min_size=1), data=st.data())
@settings(deadline=None, max_examples=30)
def test_everything_unmatched_is_listed(lost: set[str], data: st.DataObject) -> None:
    """Both ways, whatever is lost or left over."""
    added = data.draw(st.sets(st.sampled_from(["A/w", "B/w", "C/w"])))
    checkpoint = {name: shape for name, shape in _GRAPH.items() if name not in lost}
    checkpoint |= dict.fromkeys(added, (1,))
    with pytest.raises(GraphError) as caught:
        _plan(checkpoint)
    message = str(caught.value)
    assert f"{len(lost)} variables without a tensor" in message
    assert all(name in message for name in lost | added)


def test_another_number_of_classes_is_told() -> None:
    """The class head's width gives the trained number away."""
    head = "BoxPredictor_0/ClassPredictor/biases"
    with pytest.raises(GraphError, match=r"num_classes: 37; the config says 3"):
        _plan({**_GRAPH, head: (2 * 38,)})


def test_another_number_of_anchors_is_told() -> None:
    """The box head's width gives the anchors a cell away; the class count still fits."""
    wrong = {
        "BoxPredictor_0/BoxEncodingPredictor/biases": (24,),
        "BoxPredictor_0/ClassPredictor/biases": (24,),
    }
    with pytest.raises(
        GraphError, match="6 anchors a cell in the checkpoint, 2 in the config"
    ) as e:
        _plan({**_GRAPH, **wrong})
    assert "num_classes" not in str(e.value)


def test_a_float_checkpoint_for_a_quantised_config_is_told() -> None:
    """The fault behind `Key .../act_quant/max not found in checkpoint`."""
    graph = {**_GRAPH, "FeatureExtractor/MobilenetV1/Conv2d_0/act_quant/max": ()}
    with pytest.raises(
        GraphError, match=r"no quantisation ranges .*not trained with quant.*remove graph_rewriter"
    ):
        _plan(_GRAPH, graph)


def test_a_quantised_checkpoint_for_a_float_config_is_told() -> None:
    """And the other way round."""
    checkpoint = {**_GRAPH, "FeatureExtractor/MobilenetV1/Conv2d_0/weights_quant/min": ()}
    with pytest.raises(GraphError, match=r"1 quantisation ranges .*unused; add graph_rewriter"):
        _plan(checkpoint)


def test_another_backbone_is_told() -> None:
    """Rather than a list of hundreds of names alone."""
    checkpoint = {name.replace("MobilenetV1", "MobilenetV2"): s for name, s in _GRAPH.items()}
    with pytest.raises(GraphError, match="builds MobilenetV1, the checkpoint is of MobilenetV2"):
        _plan(checkpoint)


def test_a_shape_that_differs_is_listed_with_both() -> None:
    """Even where no cause is known."""
    name = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    with pytest.raises(GraphError, match=r"graph \[3, 3, 3, 8\], checkpoint \[3, 3, 3, 16\]"):
        _plan({**_GRAPH, name: (3, 3, 3, 16)})
