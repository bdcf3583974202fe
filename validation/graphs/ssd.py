"""From a pipeline.config to an SSD's graph: feature extractor, heads, anchors.

Variables get the OD API's names. The config is read completely before anything is built.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

from validation.errors import ConfigError
from validation.graphs.anchors import anchor_generator
from validation.graphs.bare_variables import bare_variables
from validation.graphs.extractor import ExtractorEntry
from validation.graphs.families import network_name
from validation.graphs.hashes import identity_hashes
from validation.graphs.heads import Predictor, convolutional_predictor
from validation.graphs.light_layers import light_layers
from validation.graphs.options import extractor_options
from validation.graphs.quant.options import Sums, quantisation_options
from validation.graphs.quant.rewrite import quantise
from validation.graphs.registry import extractor_entry
from validation.graphs.scores import convert_scores
from validation.graphs.shared_heads import shared_predictor
from validation.graphs.signatures import remembered_signatures
from validation.graphs.unsupported import refuse_unsupported
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind
from validation.specs.contracts import INPUT_NAME, PostprocessAttributes, Preprocessing, SsdContract

_PREDICTORS: Mapping[str, Callable[[Any, str], Predictor]] = {
    "convolutional_box_predictor": convolutional_predictor,
    "weight_shared_convolutional_box_predictor": shared_predictor,
}
# TFLite_Detection_PostProcess decodes boxes of four numbers.
_CODE_SIZE = 4


@dataclass(frozen=True)
class BuiltSsd:
    """An SSD's graph with variables that wait for their values.

    Args:
        graph: Where the tensors are.
        image: Placeholder normalized_input_image_tensor, float32 [batch, H, W, 3].
        box_encodings: float32 [batch, N, 4].
        class_predictions: float32 [batch, N, C+1], before the score converter.
        scores: float32 [batch, N, C+1], after it.
        anchors: float32 [N, 4] as ymin, xmin, ymax, xmax; 1 is the height or width.
        contract: What the config promises, with the exporter's default flags.
    """

    graph: tf.Graph
    image: tf.Tensor
    box_encodings: tf.Tensor
    class_predictions: tf.Tensor
    scores: tf.Tensor
    anchors: NDArray[np.float32]
    contract: SsdContract


def build(
    config: PipelineConfig,
    *,
    graph: tf.Graph | None = None,
    batch: int = 1,
    is_training: bool = False,
    with_initializers: bool = True,
    extractors: Mapping[str, ExtractorEntry] | None = None,
    sums: Sums = Sums.ADD_V2,
) -> BuiltSsd:
    """Build the graph that a config describes.

    With graph_rewriter.quantization in it, the graph is rewritten at the end, as the OD API
    rewrites it.

    Args:
        config: Of an SSD.
        graph: Where to build; None: a new one.
        batch: Images at a time.
        is_training: Batch norm by the batch and dropout; False gives the inference form.
        with_initializers: False where all values are loaded anyway; see `bare_variables` and
            `light_layers`.
        extractors: Feature extractors beyond the registry's, by type.
        sums: What a quantised graph's additions and multiplications have, by the release of
            its training.

    Raises:
        ConfigError: The config asks for something that is not supported.
        GraphError: The training form of a quantised model.
    """
    refuse_unsupported(config)
    ssd = config.message.model.ssd
    network = network_name(
        config.feature_extractor_type, ssd.feature_extractor.spaghettinet_arch_name
    )
    where = config.where("model.ssd.feature_extractor.type")
    entry = extractor_entry(network, where, extractors)
    where = config.where("model.ssd.anchor_generator")
    generator = anchor_generator(ssd.anchor_generator, where)
    predictor = _predictor(ssd.box_predictor, config)
    if predictor.is_shared and len(set(generator.per_location)) > 1:
        raise ConfigError(
            "a shared head needs the same number of anchors in the cells of every feature map",
            got=", ".join(map(str, generator.per_location)),
            where=where,
            next_step="set reduce_boxes_in_lowest_layer: false",
            fault=FaultKind.ANCHORS,
        )
    options = extractor_options(config, is_training=is_training)
    size = config.input_size
    postprocess = PostprocessAttributes.of_model(
        config, config.num_classes, config.box_coder_scales
    )
    quantisation = quantisation_options(config, sums=sums)
    graph = tf.Graph() if graph is None else graph
    variables = nullcontext() if with_initializers else bare_variables()
    layers = nullcontext() if with_initializers else light_layers()
    with (
        graph.as_default(),
        variables,
        layers,
        identity_hashes(),
        remembered_signatures(),
        warnings.catch_warnings(),
    ):
        # tf-slim calls its layers in a way that TensorFlow 2 deprecates.
        warnings.filterwarnings("ignore", message="`layer.apply` is deprecated")
        image = tf.placeholder(tf.float32, [batch, *size, 3], name=INPUT_NAME)
        with tf.variable_scope("FeatureExtractor"):
            feature_maps = list(entry.build(image, options))
        per_location = generator.per_location
        _require_as_many(len(feature_maps), len(per_location), config)
        predictions = predictor.predict(
            feature_maps, per_location, config.num_classes + 1, is_training=is_training
        )
        with tf.name_scope("Postprocessor"):
            scores = convert_scores(
                predictions.class_predictions, config.score_converter, config.logit_scale
            )
        if quantisation is not None:
            quantise(graph, quantisation)
    cells = [(int(features.shape[1]), int(features.shape[2])) for features in feature_maps]
    anchors = generator.corners(cells, size)
    return BuiltSsd(
        graph=graph,
        image=image,
        box_encodings=predictions.box_encodings,
        class_predictions=predictions.class_predictions,
        scores=scores,
        anchors=anchors,
        contract=SsdContract(
            Preprocessing(*size, entry.scale, entry.offset),
            len(anchors),
            config.num_classes,
            config.score_converter,
            postprocess,
        ),
    )


def _predictor(message: Any, config: PipelineConfig) -> Predictor:
    kind = message.WhichOneof("box_predictor_oneof")
    path = "model.ssd.box_predictor"
    if kind not in _PREDICTORS:
        raise ConfigError(
            "unsupported box predictor",
            expected=" | ".join(_PREDICTORS),
            got=kind or "none",
            where=config.where(path),
            fault=FaultKind.UNSUPPORTED,
        )
    where = config.where(f"{path}.{kind}")
    predictor = _PREDICTORS[kind](getattr(message, kind), where)
    if predictor.code_size != _CODE_SIZE:
        raise ConfigError(
            "the boxes cannot be decoded by TFLite_Detection_PostProcess",
            expected=f"box_code_size: {_CODE_SIZE}",
            got=predictor.code_size,
            where=where,
            fault=FaultKind.UNSUPPORTED,
        )
    return predictor


def _require_as_many(number: int, expected: int, config: PipelineConfig) -> None:
    if number != expected:
        raise ConfigError(
            "feature extractor and anchor generator disagree",
            expected=f"{expected} feature maps, as there are layers of anchors",
            got=f"{number} from {config.feature_extractor_type}",
            where=config.where("model.ssd.anchor_generator"),
            next_step="set num_layers, or min_level and max_level, alike in both",
            fault=FaultKind.ANCHORS,
        )
