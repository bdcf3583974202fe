"""From a config to a graph, with a feature extractor of three convolutions."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.errors import ConfigError, GraphError
from validation.export.from_checkpoint import body_graph, model_variables
from validation.graphs import ssd
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.slim_compat import slim
from validation.pipeline.config import parse_pipeline
from validation.specs.contracts import PostprocessAttributes, Preprocessing, SsdContract

HYPER = "conv_hyperparams { activation: RELU_6 batch_norm { scale: true } }"
SHARED = f"weight_shared_convolutional_box_predictor {{ depth: 6 {HYPER} }}"
CONFIG = f"""
model {{ ssd {{
  num_classes: 2
  image_resizer {{ fixed_shape_resizer {{ height: 32 width: 48 }} }}
  feature_extractor {{ type: "toy" depth_multiplier: 0.5 min_depth: 4 {HYPER} }}
  box_coder {{ faster_rcnn_box_coder {{ y_scale: 8.0 height_scale: 4.0 }} }}
  box_predictor {{ convolutional_box_predictor {{ {HYPER} }} }}
  anchor_generator {{
    ssd_anchor_generator {{ num_layers: 2 aspect_ratios: [1.0, 2.0, 0.5] }}
  }}
  post_processing {{
    batch_non_max_suppression {{
      score_threshold: 0.25
      iou_threshold: 0.5
      max_detections_per_class: 20
      max_total_detections: 30
    }}
    score_converter: SIGMOID
  }}
}} }}
"""


class Toy:
    """Halves the image four times; the last two are the feature maps. Remembers its options."""

    def __init__(self) -> None:
        self.options: list[ExtractorOptions] = []

    def __call__(self, image: tf.Tensor, options: ExtractorOptions) -> list[tf.Tensor]:
        """Build."""
        self.options.append(options)
        maps = [image]
        with options.hyperparams.scope(is_training=options.is_training):
            for layer in range(4):
                maps.append(
                    slim.conv2d(maps[-1], options.depth(16), [3, 3], 2, scope=f"Layer_{layer}")
                )
        return maps[-2:]


def build(text: str = CONFIG, toy: Toy | None = None, **options) -> ssd.BuiltSsd:
    """Build with the toy extractor, of another normalisation than the usual one."""
    entry = ExtractorEntry(toy or Toy(), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    return ssd.build(parse_pipeline(text), extractors={"toy": entry}, **options)


def changed(old: str, new: str) -> str:
    """The config with one part replaced."""
    assert old in CONFIG
    return CONFIG.replace(old, new)


def run(built: ssd.BuiltSsd) -> tuple[np.ndarray, ...]:
    """Box encodings, class predictions and scores of noise on the initial weights."""
    noise = np.random.default_rng(2).normal(0, 1, built.image.shape).astype(np.float32)
    tensors = (built.box_encodings, built.class_predictions, built.scores)
    with built.graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensors, {built.image: noise})


def test_ends_of_the_graph() -> None:
    """Input, raw outputs and anchors fit each other, on an image that is not square."""
    built = build()
    assert built.image.op.name == "normalized_input_image_tensor"
    assert built.image.dtype == tf.float32
    assert built.image.shape.as_list() == [1, 32, 48, 3]
    # 4x6 cells with three anchors, 2x3 cells with four.
    count = 24 * 3 + 6 * 4
    assert built.box_encodings.shape.as_list() == [1, count, 4]
    assert built.class_predictions.shape.as_list() == [1, count, 3]
    assert built.scores.shape.as_list() == [1, count, 3]
    assert built.anchors.shape == (count, 4)
    assert built.anchors.dtype == np.float32
    ymin, xmin, ymax, xmax = built.anchors[0]
    assert ((ymin + ymax) / 2, (xmin + xmax) / 2) == pytest.approx((1 / 8, 1 / 12))
    # 0.1 of the shorter side, in shares of each side.
    assert (ymax - ymin, xmax - xmin) == pytest.approx((0.1, 0.1 * 32 / 48))


def test_it_runs() -> None:
    """Scores are the converter's of the class predictions."""
    boxes, logits, scores = run(build())
    assert np.isfinite(boxes).all()
    assert boxes.std() > 0
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_logit_scale() -> None:
    """Logits are divided by it before the converter."""
    text = changed("score_converter: SIGMOID", "score_converter: SOFTMAX logit_scale: 2.0")
    _, logits, scores = run(build(text))
    powers = np.exp(logits / 2)
    np.testing.assert_allclose(scores, powers / powers.sum(-1, keepdims=True), rtol=1e-5)


def test_the_contract() -> None:
    """It says what config and extractor say, with the exporter's default flags."""
    assert build().contract == SsdContract(
        Preprocessing(32, 48, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        96,
        2,
        "SIGMOID",
        PostprocessAttributes(
            max_detections=30,
            max_classes_per_detection=1,
            nms_score_threshold=0.25,
            nms_iou_threshold=0.5,
            num_classes=2,
            y_scale=8.0,
            x_scale=10.0,
            h_scale=4.0,
            w_scale=5.0,
            detections_per_class=20,
            use_regular_nms=True,
        ),
    )


def test_variables_stand_in_their_scopes() -> None:
    """Everything of the extractor below FeatureExtractor, the heads outside."""
    with build().graph.as_default():
        scopes = {variable.op.name.partition("/")[0] for variable in tf.global_variables()}
    assert scopes == {"FeatureExtractor", "BoxPredictor_0", "BoxPredictor_1"}


def test_the_extractor_gets_its_options() -> None:
    """As the config has them."""
    toy = Toy()
    build(toy=toy)
    (options,) = toy.options
    assert (options.kind, options.depth_multiplier, options.min_depth) == ("toy", 0.5, 4)
    assert options.is_training is False


def test_training_form() -> None:
    """is_training reaches extractor and heads; the inference form has no batch statistics."""
    text = changed(
        "convolutional_box_predictor {",
        "convolutional_box_predictor { num_layers_before_predictor: 1 max_depth: 4",
    )
    for is_training in (False, True):
        toy = Toy()
        nodes = build(text, toy, is_training=is_training).graph.as_graph_def().node
        norms = [node.attr["is_training"].b for node in nodes if "FusedBatchNorm" in node.op]
        assert norms == [is_training] * 6
        assert toy.options[0].is_training is is_training


def test_batches() -> None:
    """Any number of images at a time; anchors are those of one."""
    built = build(batch=3)
    assert built.image.shape.as_list() == [3, 32, 48, 3]
    assert run(built)[0].shape == (3, 96, 4)
    np.testing.assert_array_equal(built.anchors, build().anchors)


def test_a_given_graph() -> None:
    """It is built where the caller says, and never in the default graph."""
    graph = tf.Graph()
    with tf.Graph().as_default() as around:
        built = build(graph=graph)
    assert built.graph is graph
    assert built.scores.graph is graph
    assert not around.as_graph_def().node


def test_shared_heads() -> None:
    """weight_shared_convolutional_box_predictor, with equal cells on all maps."""
    text = CONFIG.replace(f"convolutional_box_predictor {{ {HYPER} }}", SHARED)
    text = text.replace("num_layers: 2", "num_layers: 2 reduce_boxes_in_lowest_layer: false")
    built = build(text)
    assert built.box_encodings.shape.as_list() == [1, 30 * 4, 4]
    assert len(built.anchors) == 30 * 4


HEADS = f"convolutional_box_predictor {{ {HYPER} }}"
REFUSALS: dict[str, tuple[str, str, str]] = {
    "unknown type": ('"toy"', '"ssd_mobilenet_v9"', "closest known ones are ssd_mobilenet_v"),
    "no type": ('type: "toy"', "", "the feature extractor has no type"),
    "Keras": ('"toy"', '"ssd_mobilenet_v2_keras"', "belongs to the TensorFlow 2 OD API"),
    "bifpn": ('type: "toy"', 'type: "toy" bifpn {}', "unsupported feature pyramid.*got bifpn"),
    "other heads": (HEADS, "rfcn_box_predictor {}", "unsupported box predictor.*got rfcn_box"),
    "no heads": (HEADS, "", "unsupported box predictor.*got none"),
    "five numbers": (
        "convolutional_box_predictor {",
        "convolutional_box_predictor { box_code_size: 5",
        "cannot be decoded .*expected box_code_size: 4, got 5",
    ),
    "shared with unequal cells": (
        HEADS,
        SHARED,
        "same number of anchors .*got 3, 4; set reduce_boxes_in_lowest_layer: false",
    ),
    "one grid": (
        "ssd_anchor_generator { num_layers: 2 aspect_ratios: [1.0, 2.0, 0.5] }",
        "grid_anchor_generator { height: 2 }",
        "unsupported anchor generator.*got grid_anchor_generator",
    ),
    "no background column": (
        "num_classes: 2",
        "num_classes: 2 add_background_class: false",
        "add_background_class is not supported",
    ),
    "labelled background": (
        "num_classes: 2",
        "num_classes: 2 explicit_background_class: true",
        "explicit_background_class is not supported",
    ),
    "masks": (
        "num_classes: 2",
        "num_classes: 2 mask_head_config {}",
        "mask_head_config is not supported.*expected boxes and classes only",
    ),
    "calibration": (
        "score_converter: SIGMOID",
        "score_converter: SIGMOID calibration_config {}",
        "calibration_config is not supported",
    ),
    "other resize": (
        "width: 48",
        "width: 48 resize_method: AREA",
        "resize_method is not supported.*line 4.*expected BILINEAR",
    ),
    "grey": ("width: 48", "width: 48 convert_to_grayscale: true", "convert_to_grayscale is not"),
    "any size": (
        "fixed_shape_resizer { height: 32 width: 48 }",
        "keep_aspect_ratio_resizer {}",
        "input size is not fixed",
    ),
    "other coder": (
        "faster_rcnn_box_coder { y_scale: 8.0 height_scale: 4.0 }",
        "square_box_coder {}",
        "cannot be decoded.*got square_box_coder",
    ),
    "no classes": ("num_classes: 2", "", "num_classes must be positive"),
    "group norm": (
        f"min_depth: 4 {HYPER}",
        "min_depth: 4 conv_hyperparams { group_norm {} }",
        "unsupported normalisation.*got group_norm",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused_before_anything_is_built(refusal: str) -> None:
    """The whole config is read first; messages name what is wrong."""
    old, new, message = REFUSALS[refusal]
    toy, graph = Toy(), tf.Graph()
    with pytest.raises(ConfigError, match=message):
        build(changed(old, new), toy, graph=graph)
    assert not toy.options
    assert not graph.as_graph_def().node


def test_every_predictor_of_the_proto_is_read_or_refused() -> None:
    """A kind that is added to the proto has to be thought of here."""
    oneof = parse_pipeline(CONFIG).message.model.ssd.box_predictor.DESCRIPTOR.oneofs_by_name
    assert {field.name for field in oneof["box_predictor_oneof"].fields} == {
        *ssd._PREDICTORS,
        "rfcn_box_predictor",
        "mask_rcnn_box_predictor",
    }


@pytest.mark.parametrize(("layers", "found"), [(3, 2), (1, 2)])
def test_feature_maps_and_anchors_must_agree(layers: int, found: int) -> None:
    """Neither a feature map nor a layer of anchors is left over."""
    text = changed("num_layers: 2", f"num_layers: {layers} scales: [0.2, 0.5, 0.9]")
    message = f"disagree.*expected {layers} feature maps.*got {found} from toy"
    with pytest.raises(ConfigError, match=message):
        build(text)


def test_a_given_extractor_comes_before_the_registry() -> None:
    """Also for types that the registry refuses."""
    text = changed('"toy"', '"ssd_pnasnet"')
    config = parse_pipeline(text)
    with pytest.raises(ConfigError, match="ssd_pnasnet is not supported"):
        ssd.build(config)
    built = ssd.build(config, extractors={"ssd_pnasnet": ExtractorEntry(Toy())})
    assert len(built.anchors) == 96


def test_graph_rewriter_is_obeyed():
    """The raw outputs are those of the rewritten graph: rounded heads, joined."""
    built = build(f"{CONFIG} graph_rewriter {{ quantization {{ weight_bits: 4 }} }}")
    types = [op.type for op in built.graph.get_operations()]
    assert types.count("FakeQuantWithMinMaxVars") == 2 * (4 + 4)
    for tensor in (built.box_encodings, built.class_predictions):
        heads = [reshape.op.inputs[0].op for reshape in tensor.op.inputs[:2]]
        assert [head.type for head in heads] == ["FakeQuantWithMinMaxVars"] * 2
    assert built.scores.op.inputs[0].op is built.class_predictions.op


@pytest.mark.parametrize("rewriter", ["", "graph_rewriter { quantization { } }"])
def test_variables_without_initializers(rewriter: str) -> None:
    """The same variables, and the same graph to the byte between image and raw outputs."""
    whole = build(f"{CONFIG} {rewriter}")
    bare = build(f"{CONFIG} {rewriter}", with_initializers=False)
    assert model_variables(bare) == model_variables(whole)
    assert body_graph(bare) == body_graph(whole)
    assert len(bare.graph.get_operations()) < len(whole.graph.get_operations())
    np.testing.assert_array_equal(bare.anchors, whole.anchors)


def test_training_form_of_a_quantised_model_is_refused():
    """Its batch norms cannot be folded."""
    text = f"{CONFIG} graph_rewriter {{ quantization {{ }} }}"
    with pytest.raises(GraphError, match="batch norm in training form"):
        build(text, is_training=True)
