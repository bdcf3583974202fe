"""Read from the graph how it resizes and normalises an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap
from validation.specs.contracts import Preprocessing

# Here the walk ends: the stack of resized images leaves the loop over the batch.
_SOURCES = frozenset(
    {"TensorArrayGatherV3", "TensorArrayGatherV2", "TensorListStack", "ResizeBilinear", "Pack"}
)
_PASSING = frozenset({"Identity", "Cast", "ExpandDims", "Squeeze", "Reshape"})
_OTHER_RESIZES = ("ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")


def read_preprocessing(nodes: GraphMap, extractor_input: str, where: str) -> Preprocessing:
    """Resize and normalisation on the way to the feature extractor.

    The OD API normalises by an affine map of each channel: ``(2/255) x - 1`` for most
    extractors, subtraction of channel means for ResNet.

    Raises:
        NotSsdGraph: No fixed size, another resize, or no affine map.
    """
    scale, offset = _affine(nodes, extractor_input, where)
    resize = _resize(nodes, extractor_input, where)
    height, width = _size(nodes, resize, where)
    return Preprocessing(
        height=height,
        width=width,
        scale=scale,
        offset=offset,
        align_corners=resize.attr["align_corners"].b,
        half_pixel_centers=resize.attr["half_pixel_centers"].b,
    )


def _affine(
    nodes: GraphMap, tensor: str, where: str
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Compose the constants met on the way up into ``x * scale - offset``."""
    scale = np.ones(3)
    offset = np.zeros(3)
    while (node := nodes.source(tensor)).op not in _SOURCES:
        inputs = nodes.inputs(node)
        if node.op in _PASSING:
            tensor = inputs[0]
            continue
        # What lies above is x; so far the value is x * scale - offset.
        constants = [_channels(nodes.constant(source)) for source in inputs]
        match node.op, constants:
            case "Sub", [None, value] if value is not None:
                offset += value * scale
                tensor = inputs[0]
            case "Add" | "AddV2", [None, value] if value is not None:
                offset -= value * scale
                tensor = inputs[0]
            case "Add" | "AddV2", [value, None] if value is not None:
                offset -= value * scale
                tensor = inputs[1]
            case "Mul", [None, value] if value is not None:
                scale *= value
                tensor = inputs[0]
            case "Mul", [value, None] if value is not None:
                scale *= value
                tensor = inputs[1]
            case "RealDiv" | "Div", [None, value] if value is not None:
                scale /= value
                tensor = inputs[0]
            case _:
                raise NotSsdGraph(
                    "the normalisation is not one factor and one offset a channel",
                    got=f"{node.op} in node {node.name!r}",
                    where=where,
                )
    return _triple(scale), _triple(offset)


def _channels(value: np.ndarray | None) -> np.ndarray | None:
    if value is None or value.size not in (1, 3):
        return None
    return np.broadcast_to(value.astype(np.float64).ravel(), (3,))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _resize(nodes: GraphMap, extractor_input: str, where: str) -> Any:
    above = nodes.ancestors([extractor_input])
    found = [node for node in nodes.of_op("ResizeBilinear") if node.name in above]
    if len(found) == 1:
        return found[0]
    others = [node.op for node in nodes.of_op(*_OTHER_RESIZES) if node.name in above]
    raise NotSsdGraph(
        "the image is not resized by one bilinear resize",
        expected="one ResizeBilinear",
        got=", ".join(others) or f"{len(found)} ResizeBilinear",
        where=where,
        next_step="train with fixed_shape_resizer and its default BILINEAR method",
    )


def _size(nodes: GraphMap, resize: Any, where: str) -> tuple[int, int]:
    size = nodes.constant(nodes.inputs(resize)[1])
    if size is None or size.size != 2:
        raise NotSsdGraph(
            "the input has no fixed size: keep_aspect_ratio_resizer",
            expected="fixed_shape_resizer",
            where=f"{where}, node {resize.name!r}",
            next_step="use fixed_shape_resizer HxW; accuracy changes, re-evaluate",
        )
    return int(size[0]), int(size[1])
