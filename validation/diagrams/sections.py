"""Which part of a detector an operation belongs to, by the OD API's scopes and by the wiring."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from validation.diagrams.operations import Operation, OperationGraph
from validation.specs.contracts import POSTPROCESS_NAME


class Section(enum.Enum):
    """The parts of an SSD, in the order that an image goes through them."""

    PREPROCESSING = "preprocessing"
    EXTRACTOR = "feature extractor"
    FEATURES = "extra feature maps"
    HEADS = "shared by both heads"
    BOXES = "box heads"
    CLASSES = "class heads"
    ANCHORS = "anchors"
    POSTPROCESSING = "post-processing"
    OTHER = "other operations"


@dataclass(frozen=True)
class Part:
    """Where an operation belongs.

    Args:
        section: Part of the detector.
        block: What is folded into one node, within the section.
    """

    section: Section
    block: str


# What has no scope in the OD API's graphs takes the section of what it reads.
_BEFORE_AND_AFTER = frozenset({Section.PREPROCESSING, Section.POSTPROCESSING})
# slim's extra layers: ..._1_Conv2d_2_1x1_256 and ..._2_Conv2d_2_3x3_s2_512.
_EXTRA = re.compile(r"(.+)_[12]_Conv2d_(\d+)_\d+x\d+")
_HALVES = re.compile(r"_(depthwise|pointwise)$")
_HEAD_SCOPE = re.compile(r"\w*BoxPredictor\w*")
_BOX_NAME = re.compile(r"Box(Encoding|Prediction|Predictor)")
_CLASS_NAME = re.compile(r"Class(Predict|Prediction)")
_NUMBER = re.compile(r"_\d+$")


def parts_of(graph: OperationGraph) -> tuple[Part, ...]:
    """The part of each operation, in the graph's order.

    What has no scope that says more (``Reshape`` in a predictor, the ``concat`` of all boxes)
    takes the section of what it reads, where all of that agrees.
    """
    producers = graph.producers
    parts: list[Part] = []
    for operation in graph.operations:
        sources = {
            parts[position].section
            for key in operation.inputs
            if (position := producers.get(key)) is not None and position < len(parts)
        }
        parts.append(_part(operation, sources))
    return tuple(_with_casts_of_images(graph, parts))


def _with_casts_of_images(graph: OperationGraph, parts: list[Part]) -> Iterator[Part]:
    """What comes before the preprocessor, and is read by it alone, belongs to it."""
    for operation, part in zip(graph.operations, parts, strict=True):
        sections = {
            parts[position] for key in operation.outputs for position in graph.readers.get(key, ())
        }
        if part.section is Section.OTHER and len(sections) == 1:
            (only,) = sections
            yield only if only.section is Section.PREPROCESSING else part
        else:
            yield part


def _part(operation: Operation, sources: set[Section]) -> Part:
    scopes = operation.name.split("/")
    top = scopes[0]
    agreed = next(iter(sources)) if len(sources) == 1 else None
    if operation.kind == POSTPROCESS_NAME or top == POSTPROCESS_NAME:
        return Part(Section.POSTPROCESSING, POSTPROCESS_NAME)
    if top == "Preprocessor":
        return Part(Section.PREPROCESSING, top)
    if top == "FeatureExtractor" and len(scopes) > 1:
        return _extractor_part(scopes[1:])
    if "AnchorGenerator" in top:
        return Part(Section.ANCHORS, top)
    if _HEAD_SCOPE.fullmatch(top):
        return Part(_head(operation, top, agreed), top)
    if agreed in (Section.BOXES, Section.CLASSES) and len(scopes) < 3:
        return Part(agreed, "raw outputs")
    if top == "Postprocessor":
        return Part(Section.POSTPROCESSING, "/".join(scopes[:2]) if len(scopes) > 2 else top)
    if agreed in _BEFORE_AND_AFTER and len(scopes) < 3:
        return Part(agreed, "")
    return Part(Section.OTHER, "/".join(scopes[:-1][:2]) or operation.name)


def _head(operation: Operation, top: str, agreed: Section | None) -> Section:
    # Scopes repeat the predictor's own name, which says nothing of the half.
    names = re.sub(rf"{re.escape(top)}(?=/)", "", operation.aliases)
    if _CLASS_NAME.search(names):
        return Section.CLASSES
    if _BOX_NAME.search(names):
        return Section.BOXES
    return agreed if agreed in (Section.BOXES, Section.CLASSES) else Section.HEADS


def _extractor_part(scopes: list[str]) -> Part:
    """Of FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_1_depthwise/Relu6, from the second on."""
    name, *inner = scopes
    if inner and inner[0] == name:
        inner = inner[1:]
    if not inner:
        return Part(Section.EXTRACTOR, name)
    if "fpn" in inner[0]:
        return Part(Section.FEATURES, "/".join(inner[: 3 if "top_down" in inner else 2]))
    extra = _EXTRA.match(inner[0])
    if extra:
        return Part(Section.FEATURES, f"layer {extra[2]} after {extra[1]}")
    if len(inner) > 2 and inner[1].startswith("unit_"):
        return Part(Section.EXTRACTOR, "/".join(inner[:2]))
    return Part(Section.EXTRACTOR, _HALVES.sub("", inner[0]))
