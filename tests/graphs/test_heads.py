"""Heads: variable names and shapes, arithmetic, the order of anchors, and training form."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import bare_graph, run_bare
from google.protobuf import text_format
from numpy.typing import NDArray

from validation.errors import ConfigError
from validation.graphs.heads import Predictions, Predictor, convolutional_predictor
from validation.graphs.shared_heads import shared_predictor
from validation.graphs.signatures import remembered_signatures
from validation.pipeline.messages import message_class

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.layer.apply. is deprecated")

NORM = "conv_hyperparams { activation: RELU_6 batch_norm { scale: true } }"
NO_NORM = "conv_hyperparams { activation: RELU_6 }"
COLUMNS = 3
MAPS = ((1, 4, 3, 8), (1, 2, 2, 5))
SHARED = "WeightSharedConvolutionalBoxPredictor"
NORMS = ("beta", "gamma", "moving_mean", "moving_variance")


def convolutional(text: str) -> Predictor:
    """A convolutional_box_predictor."""
    message = message_class("ConvolutionalBoxPredictor")()
    return convolutional_predictor(text_format.Parse(text, message), "line 3")


def shared(text: str) -> Predictor:
    """A weight_shared_convolutional_box_predictor."""
    message = message_class("WeightSharedConvolutionalBoxPredictor")()
    return shared_predictor(text_format.Parse(text, message), "line 3")


class Heads:
    """Heads on placeholders, built and ready to run."""

    def __init__(
        self,
        predictor: Predictor,
        maps: Sequence[tuple[int, ...]] = MAPS,
        anchors: Sequence[int] = (2, 2),
        *,
        is_training: bool = False,
    ) -> None:
        self.maps = maps
        with bare_graph() as self.graph, remembered_signatures():
            self.inputs = [tf.placeholder(tf.float32, shape) for shape in maps]
            self.predictions: Predictions = predictor.predict(
                self.inputs, anchors, COLUMNS, is_training=is_training
            )
            self.variables = {v.op.name: v for v in tf.global_variables()}

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of the variables by name."""
        return {name: v.shape.as_list() for name, v in self.variables.items()}

    @property
    def ops(self) -> set[str]:
        """Kinds of the graph's operations."""
        return {node.op for node in self.graph.as_graph_def().node}

    def run(self) -> tuple[list[NDArray], dict[str, NDArray], NDArray, NDArray]:
        """Feature maps, variables, box encodings and class predictions of random numbers."""
        rng = np.random.default_rng(1)
        values = {n: rng.uniform(0.2, 1, s).astype(np.float32) for n, s in self.shapes.items()}
        maps = [rng.normal(0, 1, shape).astype(np.float32) for shape in self.maps]
        found = self.predictions.box_encodings, self.predictions.class_predictions
        feed = {net.name: array for net, array in zip(self.inputs, maps, strict=True)}
        boxes, scores = run_bare(self.graph, found, feed, lambda name, _: values[name])
        return maps, values, boxes, scores


def test_names_of_plain_heads() -> None:
    """A kernel with a bias for boxes and one for classes on each feature map."""
    heads = Heads(convolutional(f"{NORM} kernel_size: 3"), anchors=(3, 6))
    assert heads.shapes == {
        "BoxPredictor_0/BoxEncodingPredictor/weights": [3, 3, 8, 12],
        "BoxPredictor_0/BoxEncodingPredictor/biases": [12],
        "BoxPredictor_0/ClassPredictor/weights": [3, 3, 8, 9],
        "BoxPredictor_0/ClassPredictor/biases": [9],
        "BoxPredictor_1/BoxEncodingPredictor/weights": [3, 3, 5, 24],
        "BoxPredictor_1/BoxEncodingPredictor/biases": [24],
        "BoxPredictor_1/ClassPredictor/weights": [3, 3, 5, 18],
        "BoxPredictor_1/ClassPredictor/biases": [18],
    }
    assert heads.predictions.box_encodings.shape.as_list() == [1, 12 * 3 + 4 * 6, 4]
    assert heads.predictions.class_predictions.shape.as_list() == [1, 12 * 3 + 4 * 6, COLUMNS]


def test_names_of_depthwise_heads() -> None:
    """The depthwise part has the kernel and the batch norm, the 1x1 part the bias."""
    heads = Heads(convolutional(f"{NORM} kernel_size: 3 use_depthwise: true"), MAPS[:1], (3,))
    expected = {}
    for head, channels in (("BoxEncodingPredictor", 12), ("ClassPredictor", 9)):
        expected[f"{head}_depthwise/depthwise_weights"] = [3, 3, 8, 1]
        expected |= {f"{head}_depthwise/BatchNorm/{norm}": [8] for norm in NORMS}
        expected[f"{head}/weights"] = [1, 1, 8, channels]
        expected[f"{head}/biases"] = [channels]
    assert heads.shapes == expected


def test_a_depthwise_head_without_batch_norm_has_biases() -> None:
    """Where the config has no batch_norm the depthwise part gets a bias."""
    heads = Heads(convolutional(f"{NO_NORM} use_depthwise: true"))
    name = "BoxPredictor_1/ClassPredictor_depthwise"
    assert heads.shapes[f"{name}/biases"] == [5]
    assert not any("BatchNorm" in name for name in heads.shapes)


def test_a_single_feature_map_has_no_scope() -> None:
    """The OD API numbers heads only where there are several."""
    assert set(Heads(convolutional(NORM), MAPS[:1], (1,)).shapes) == {
        "BoxEncodingPredictor/weights",
        "BoxEncodingPredictor/biases",
        "ClassPredictor/weights",
        "ClassPredictor/biases",
    }


@pytest.mark.parametrize(
    ("depths", "expected"),
    [
        ("max_depth: 6", [6, 5]),
        ("min_depth: 7", [7, 7]),
        ("min_depth: 7 max_depth: 6", [7, 7]),
        ("max_depth: 100", [8, 5]),
        ("", []),
    ],
)
def test_layers_before_the_heads(depths: str, expected: list[int]) -> None:
    """Their channels are those of the map, kept within min_depth and max_depth; 0: no layers."""
    heads = Heads(convolutional(f"{NORM} num_layers_before_predictor: 2 {depths}"))
    layers = {name: shape for name, shape in heads.shapes.items() if "1x1" in name}
    wanted = {
        f"BoxPredictor_{level}/Conv2d_{layer}_1x1_{depth}"
        for level, depth in enumerate(expected)
        for layer in range(2)
    }
    assert {name.rpartition("/")[0] for name in layers if name.endswith("weights")} == wanted
    for level, depth in enumerate(expected):
        scope = f"BoxPredictor_{level}"
        assert layers[f"{scope}/Conv2d_1_1x1_{depth}/weights"] == [1, 1, depth, depth]
        assert layers[f"{scope}/Conv2d_1_1x1_{depth}/BatchNorm/gamma"] == [depth]
        assert heads.shapes[f"{scope}/ClassPredictor/weights"][2] == depth


def test_order_of_anchors() -> None:
    """Maps, rows, columns, then the anchors of a cell, each with its own numbers together."""
    maps, values, boxes, scores = Heads(convolutional(NORM), anchors=(3, 2)).run()
    for found, head, size in (
        (boxes, "BoxEncodingPredictor", 4),
        (scores, "ClassPredictor", COLUMNS),
    ):
        expected = []
        for level, features in enumerate(maps):
            scope = f"BoxPredictor_{level}/{head}"
            for row in features[0]:
                for cell in row:
                    numbers = cell @ values[f"{scope}/weights"][0, 0] + values[f"{scope}/biases"]
                    expected += numbers.reshape(-1, size).tolist()
        np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [convolutional, shared])
def test_clip_range(make) -> None:
    """Box encodings are kept within box_encodings_clip_range; scores are not."""
    plain = f"{NORM} kernel_size: 1"
    _, _, boxes, scores = Heads(make(plain), [MAPS[0]] * 2).run()
    clipped = make(f"{plain} box_encodings_clip_range {{ min: -0.5 max: 0.25 }}")
    _, _, clipped_boxes, clipped_scores = Heads(clipped, [MAPS[0]] * 2).run()
    assert boxes.max() > 0.25
    assert boxes.min() < -0.5
    np.testing.assert_array_equal(clipped_boxes, np.clip(boxes, -0.5, 0.25))
    np.testing.assert_array_equal(clipped_scores, scores)


def test_apply_sigmoid_to_scores() -> None:
    """The class head then ends in a sigmoid, in training as well."""
    _, _, boxes, logits = Heads(convolutional(NORM)).run()
    text = f"{NORM} apply_sigmoid_to_scores: true use_dropout: false"
    for is_training in (False, True):
        _, _, same, scores = Heads(convolutional(text), is_training=is_training).run()
        np.testing.assert_array_equal(same, boxes)
        np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), rtol=1e-5)


@pytest.mark.parametrize("make", [convolutional, shared])
@pytest.mark.parametrize("use_dropout", [True, False])
@pytest.mark.parametrize("is_training", [True, False])
def test_dropout_in_training_only(make, use_dropout: bool, is_training: bool) -> None:
    """Random numbers are in the graph only where both say so."""
    text = f"{NO_NORM} use_dropout: {str(use_dropout).lower()}"
    heads = Heads(make(text), [MAPS[0]] * 2, is_training=is_training)
    dropped = [node.name for node in heads.graph.as_graph_def().node if "ropout" in node.name]
    assert bool(dropped) == (use_dropout and is_training)


TOWERS = f"{NORM} depth: 6 num_layers_before_predictor: 2"
EQUAL = [(1, 4, 3, 8), (1, 2, 2, 8)]


def tower_names(tower: str, channels: int, levels: int) -> dict[str, list[int]]:
    """Variables of a tower of two 3x3 layers with 6 channels."""
    names = {}
    for layer, into in enumerate((channels, 6)):
        scope = f"{SHARED}/{tower}/conv2d_{layer}"
        names[f"{scope}/weights"] = [3, 3, into, 6]
        for level in range(levels):
            names |= {f"{scope}/BatchNorm/feature_{level}/{norm}": [6] for norm in NORMS}
    return names


def test_names_of_shared_heads() -> None:
    """Kernels are shared by the levels, batch norms are not; heads have biases only."""
    assert Heads(shared(TOWERS), EQUAL).shapes == {
        **tower_names("BoxPredictionTower", 8, 2),
        **tower_names("ClassPredictionTower", 8, 2),
        f"{SHARED}/BoxPredictor/weights": [3, 3, 6, 8],
        f"{SHARED}/BoxPredictor/biases": [8],
        f"{SHARED}/ClassPredictor/weights": [3, 3, 6, 6],
        f"{SHARED}/ClassPredictor/biases": [6],
    }


def test_a_shared_tower() -> None:
    """share_prediction_tower leaves one tower of another name."""
    shapes = Heads(shared(f"{TOWERS} share_prediction_tower: true"), EQUAL).shapes
    towers = {name: shape for name, shape in shapes.items() if "Tower" in name}
    assert towers == tower_names("PredictionTower", 8, 2)


def test_a_shared_head_on_one_map_keeps_its_scope() -> None:
    """Unlike plain heads."""
    assert all(name.startswith(SHARED) for name in Heads(shared(TOWERS), EQUAL[:1], (2,)).shapes)


def test_separable_shared_heads() -> None:
    """use_depthwise makes towers and heads separable; heads keep their bias."""
    shapes = Heads(shared(f"{TOWERS} use_depthwise: true"), EQUAL).shapes
    assert shapes[f"{SHARED}/BoxPredictionTower/conv2d_0/depthwise_weights"] == [3, 3, 8, 1]
    assert shapes[f"{SHARED}/BoxPredictionTower/conv2d_0/pointwise_weights"] == [1, 1, 8, 6]
    assert shapes[f"{SHARED}/ClassPredictor/depthwise_weights"] == [3, 3, 6, 1]
    assert shapes[f"{SHARED}/ClassPredictor/pointwise_weights"] == [1, 1, 6, 6]
    assert shapes[f"{SHARED}/ClassPredictor/biases"] == [6]
    assert not any("Tower" in name and name.endswith("biases") for name in shapes)


def test_towers_without_batch_norm_have_biases() -> None:
    """Where the config has no batch_norm."""
    shapes = Heads(shared(f"{NO_NORM} depth: 6 num_layers_before_predictor: 1"), EQUAL).shapes
    assert shapes[f"{SHARED}/BoxPredictionTower/conv2d_0/biases"] == [6]
    assert not any("BatchNorm" in name for name in shapes)


def test_levels_of_unequal_channels_are_projected() -> None:
    """A 1x1 layer with batch norm brings all levels to the most frequent channels."""
    maps = [(1, 4, 4, 5), (1, 2, 2, 8), (1, 1, 1, 8)]
    shapes = Heads(shared(TOWERS), maps, (2, 2, 2)).shapes
    projections = {name: shape for name, shape in shapes.items() if "Projection" in name}
    expected = {}
    for level, into in enumerate((5, 8, 8)):
        scope = f"{SHARED}/ProjectionLayer/conv2d_{level}"
        expected[f"{scope}/weights"] = [1, 1, into, 8]
        expected |= {f"{scope}/BatchNorm/{norm}": [8] for norm in NORMS}
    assert projections == expected


def test_arithmetic_of_shared_heads() -> None:
    """Convolution, batch norm of the level, relu6, then the head, for boxes and classes."""
    text = f"{NORM} depth: 6 num_layers_before_predictor: 1 kernel_size: 1"
    maps, values, boxes, scores = Heads(shared(text), EQUAL).run()
    for found, tower, head, size in (
        (boxes, "BoxPredictionTower", "BoxPredictor", 4),
        (scores, "ClassPredictionTower", "ClassPredictor", COLUMNS),
    ):
        expected = []
        for level, features in enumerate(maps):
            scope = f"{SHARED}/{tower}/conv2d_0"
            beta, gamma, mean, variance = (
                values[f"{scope}/BatchNorm/feature_{level}/{norm}"] for norm in NORMS
            )
            net = features[0] @ values[f"{scope}/weights"][0, 0]
            net = np.clip((net - mean) / np.sqrt(variance + 0.001) * gamma + beta, 0, 6)
            net = net @ values[f"{SHARED}/{head}/weights"][0, 0] + values[f"{SHARED}/{head}/biases"]
            expected.append(net.reshape(-1, size))
        np.testing.assert_allclose(found[0], np.concatenate(expected), rtol=1e-4, atol=1e-4)


def test_the_sigmoid_inside_a_shared_head_is_for_inference() -> None:
    """score_converter SIGMOID of the predictor; training works on logits."""
    text = f"{TOWERS} score_converter: SIGMOID"
    assert "Sigmoid" in Heads(shared(text), EQUAL).ops
    assert "Sigmoid" not in Heads(shared(text), EQUAL, is_training=True).ops
    assert "Sigmoid" not in Heads(shared(TOWERS), EQUAL).ops


@pytest.mark.parametrize("make", [convolutional, shared])
@pytest.mark.parametrize("is_training", [True, False])
def test_batch_norm_follows_is_training(make, is_training: bool) -> None:
    """By the batch in training, by the moving averages at inference."""
    text = f"{NORM} num_layers_before_predictor: 1"
    text += " max_depth: 4" if make is convolutional else " depth: 4"
    nodes = Heads(make(text), EQUAL, is_training=is_training).graph.as_graph_def().node
    found = {node.attr["is_training"].b for node in nodes if "FusedBatchNorm" in node.op}
    assert found == {is_training}


@pytest.mark.parametrize("make", [convolutional, shared])
def test_batches(make) -> None:
    """Heads keep the number of images."""
    maps = [(3, *shape[1:]) for shape in EQUAL]
    heads = Heads(make(NORM), maps)
    assert heads.predictions.box_encodings.shape.as_list() == [3, 32, 4]
    assert heads.predictions.class_predictions.shape.as_list() == [3, 32, COLUMNS]


@pytest.mark.parametrize("make", [convolutional, shared])
def test_unsupported_hyperparams(make) -> None:
    """Group norm is refused with the place."""
    with pytest.raises(ConfigError, match=r"unsupported normalisation \(line 3\).*group_norm"):
        make("conv_hyperparams { group_norm {} }")
