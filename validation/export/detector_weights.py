"""Seeded weights and ranges that make a detector of any SSD: few, distinct, well-placed boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from validation.export.evaluation import evaluate
from validation.export.freezing import freeze, without_fake_quantisation
from validation.export.from_checkpoint import body_graph, model_variables
from validation.export.graph_map import FAKE_QUANT_VARS, GraphMap
from validation.graphs.seeded import seeded_image, seeded_value
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import INPUT_NAME

# How far the logits of a class spread, and how many scores of an image are above 0.3: two in a
# thousand, but thirty at least, so that a model of one class compares something, and as many as
# an SSD of 1,917 anchors and 90 classes at most. Like a trained detector a finer pyramid then
# shows no more than a coarse one; where thousands of overlapping boxes are shown, the least
# error of one changes which of them are suppressed.
_CLASS_SPREAD = 1.8
_SHOWN_SCORE = 0.3
_SHOWN_SHARE = 0.002
_LEAST_SHOWN, _MOST_SHOWN = 30, 345
# Boxes stay near their anchors, inside and around the image.
_BOX_SPREAD = 0.3

# Layers without an activation, most of them at the end of a residual block. Half of what
# passes a ReLU passes twice, see `seeded_value`: left as they are they would amplify, the next
# ReLU6 would clip, and rounding would grow from layer to layer until no two implementations
# agree. In 8 bits seventeen such blocks leave 10 dB of MobileNet V2 at a gain of 0.7, 18 dB at
# 0.5 and 24 dB at 0.4; trained ones leave 21 dB.
_LINEAR_GAIN = np.float32(0.4)
_LINEAR = re.compile(
    r"/project/|/MnasFPN/"
    # MobileDet's projections are the last convolutions of its blocks.
    r"|/(IBN|FusedConv)(_\d+)?/Conv_1/|/TuckerConv(_\d+)?/Conv_2/|/IBNNoExpansion(_\d+)?/Conv/"
)
_CLASS_HEAD = re.compile(r"(^|/)ClassPredictor/(pointwise_)?weights$")
_CLASS_BIASES = re.compile(r"(^|/)ClassPredictor/biases$")
_BOX_HEAD = re.compile(r"(^|/)Box(Encoding)?Predictor/(pointwise_)?weights$")

# No step size of zero, whatever a layer computes.
_LEAST_WIDTH = np.float32(0.001)

Named = Mapping[str, NDArray[np.float32]]


def detector_weights(built: BuiltSsd) -> dict[str, NDArray[np.float32]]:
    """A value for every variable of a built SSD, from their names alone.

    The heads are scaled once by what the graph gives for a seeded image; quantisation
    ranges are what their tensors hold then.

    Args:
        built: Its variables need no values.
    """
    values = {name: _value(name, shape) for name, shape in model_variables(built).items()}
    boxes, logits = _raw_outputs(built, values)
    class_gain = np.float32(_CLASS_SPREAD / logits.std())
    bias = _class_bias(logits * class_gain)
    for name in values:
        if _CLASS_HEAD.search(name):
            values[name] *= class_gain
        elif _BOX_HEAD.search(name):
            values[name] *= np.float32(_BOX_SPREAD / boxes.std())
        elif _CLASS_BIASES.search(name):
            values[name] += bias
    return {**values, **seeded_ranges(built, values)}


def _class_bias(logits: NDArray[np.float32]) -> np.float32:
    """The bias that moves as many logits as wanted above the score that is shown."""
    wanted = np.clip(_SHOWN_SHARE * logits.size, _LEAST_SHOWN, _MOST_SHOWN)
    share = min(wanted / logits.size, 0.5)
    shown = math.log(_SHOWN_SCORE / (1 - _SHOWN_SCORE))
    return np.float32(shown - np.quantile(logits, 1 - share))


def _value(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    value = seeded_value(name, shape)
    if name.endswith("weights") and _LINEAR.search(name):
        value *= _LINEAR_GAIN
    return value


def _raw_outputs(built: BuiltSsd, values: Named) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Box encodings, and the logits of all classes but the background, for a seeded image."""
    size = built.contract.preprocessing
    image = seeded_image(size.height, size.width)
    outputs = [built.box_encodings.op.name, built.class_predictions.op.name]
    # Ranges are settled after the heads: what passes them first must not be clipped.
    frozen = without_fake_quantisation(freeze(body_graph(built), values.get))
    boxes, logits = evaluate(frozen, outputs, {INPUT_NAME: image})
    return boxes, logits[..., 1:]


def seeded_ranges(built: BuiltSsd, values: Named) -> dict[str, NDArray[np.float32]]:
    """The bounds of every range: what its tensor holds for a seeded image.

    Zero is always inside, as integer kernels want it (https://arxiv.org/abs/1712.05877).

    Args:
        built: A rewritten graph.
        values: Of its variables; those of the ranges are not read.

    Returns:
        By the variables' names; empty where the graph has no ranges.
    """
    body = body_graph(built)
    nodes = GraphMap(body)
    ranges = nodes.of_op(FAKE_QUANT_VARS)
    if not ranges:
        return {}
    size = built.contract.preprocessing
    image = seeded_image(size.height, size.width)
    frozen = without_fake_quantisation(freeze(body, values.get))
    tensors = evaluate(frozen, [node.input[0] for node in ranges], {INPUT_NAME: image})
    bounds: dict[str, NDArray[np.float32]] = {}
    for node, tensor in zip(ranges, tensors, strict=True):
        low, high = (nodes.variable(source) for source in node.input[1:])
        # Ranges that several tensors share hold all of them.
        least = np.minimum(tensor.min(), bounds.get(low, np.float32(0)))
        most = np.maximum(tensor.max(), bounds.get(high, least + _LEAST_WIDTH))
        bounds[low] = np.array(least, np.float32)
        bounds[high] = np.array(np.maximum(most, np.float32(0)), np.float32)
    return bounds
