"""Faults of the nodes of an inference graph or of a shipped tflite_graph.pb."""

from __future__ import annotations

from typing import Any

import numpy as np

from validation.faults import graph_edits as put
from validation.faults.archive_edits import cut
from validation.faults.fault import Case, Fault, Inject, Part, Thinness
from validation.record.diagnosis import FaultKind, Place

_THIN = (Thinness.COMPLETE, Thinness.NO_CONFIG, Thinness.GRAPH)
_WITH_FLAGS = "TFLite_Detection_PostProcess"


def _edit(name: str, edit: put.GraphEdit) -> Inject:
    def inject(case: Case) -> None:
        put.rewrite_graph(case.archive / name, edit)

    return inject


def _sides(factor: float) -> put.Edit:
    return lambda anchors: anchors * np.array([1, 1, factor, factor], anchors.dtype)


def _lower(anchors: Any) -> Any:
    return anchors + np.array([0.05, 0, 0, 0], anchors.dtype)


def _cells_reversed(anchors: Any) -> Any:
    """Of the default model, which has five anchors a cell but for its first feature map."""
    cells = np.unique(np.round(anchors[:, :2], 4), axis=0, return_inverse=True)[1].ravel()
    runs = np.concatenate([[0], np.cumsum(np.diff(cells) != 0)])
    return anchors[np.lexsort((-np.arange(len(anchors)), runs))]


def _nan_in_row(anchors: Any) -> Any:
    changed = anchors.copy()
    changed[5] = np.nan
    return changed


def _resized_with_corners(graph: Any) -> None:
    for node in graph.node:
        if node.op == "ResizeBilinear":
            node.attr["align_corners"].b = True
            node.attr["half_pixel_centers"].b = False


def _three_classes(graph: Any) -> None:
    put.set_attribute("use_regular_nms", b=False)(graph)
    put.set_attribute("max_classes_per_detection", i=3)(graph)


def _constant(part: str, value: float) -> put.GraphEdit:
    return put.change_constants(
        lambda name, _: part in name, lambda values: np.full_like(values, value)
    )


def _ranges(part: str, factor: float) -> put.GraphEdit:
    """Other minima and maxima of the FakeQuant nodes of a layer."""
    return put.change_constants(
        lambda name, _: part in name and name.endswith(("/min", "/max")),
        lambda values: values * factor,
    )


def _graph(
    name: str,
    title: str,
    edit: put.GraphEdit,
    *kinds: FaultKind,
    known: tuple[str, ...] = (),
    checks: tuple[str, ...] = ("route_parity", "end_to_end_parity", "export_contract"),
    at: tuple[Thinness, ...] = _THIN,
    equivalent: str = "",
) -> Fault:
    return Fault(
        f"graph-{name}",
        f"frozen_inference_graph.pb: {title}",
        Place.GRAPH,
        frozenset(kinds),
        _edit(Part.GRAPH, edit),
        checks,
        known,
        frozenset({Part.GRAPH}),
        at=at,
        equivalent=equivalent,
    )


def _shipped(
    name: str,
    title: str,
    edit: put.GraphEdit,
    *kinds: FaultKind,
    known: tuple[str, ...] = (),
    checks: tuple[str, ...] = ("export_contract", "evidence", "accuracy"),
) -> Fault:
    return Fault(
        f"shipped-{name}",
        f"tflite_graph.pb: {title}",
        Place.SHIPPED_GRAPH,
        frozenset(kinds),
        _edit(Part.SHIPPED, edit),
        checks,
        known,
        frozenset({Part.SHIPPED}),
        places=frozenset({Place.EXPORT}),
        at=(Thinness.SHIPPED,),
    )


_EPSILON = put.set_attribute("epsilon", f=0.1)
_NMS = "Postprocessor/BatchMultiClassNonMaxSuppression"

GRAPH_FAULTS: tuple[Fault, ...] = (
    _graph("epsilon", "batch norm has an epsilon of 0.1", _EPSILON, FaultKind.EPSILON),
    _graph(
        "logits",
        "scores are logits, the sigmoid is missing",
        put.change_op("Sigmoid", "Identity", "convert_scores"),
        FaultKind.SCORES,
        FaultKind.OPERATOR_MISSING,
        known=("C11",),
    ),
    _graph(
        "relu",
        "one ReLU6 of the body is a ReLU",
        put.change_op("Relu6", "Relu", "Conv2d_5_pointwise"),
        FaultKind.ACTIVATION,
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    _graph(
        "anchor-sides",
        "anchors have sides of half the length",
        put.change_anchor_table(_sides(0.5)),
        FaultKind.ANCHORS,
        FaultKind.BOX_SCALES,
        known=("C05",),
    ),
    _graph(
        "anchor-places",
        "anchors are a twentieth of the image too low",
        put.change_anchor_table(_lower),
        FaultKind.ANCHORS,
        known=("C05",),
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    _graph(
        "anchor-nan",
        "one anchor is NaN",
        put.change_anchor_table(_nan_in_row),
        FaultKind.NOT_FINITE,
        FaultKind.ANCHORS,
        known=("O10",),
    ),
    _graph(
        "pixel-offset",
        "pixels are in 0 to 2 in place of -1 to 1",
        _constant("Preprocessor/sub/y", 0.0),
        FaultKind.NORMALISATION,
        known=("P01",),
    ),
    _graph(
        "pixel-scale",
        "pixels are in -1 to 0 in place of -1 to 1",
        put.change_constants(
            lambda name, _: name == "Preprocessor/mul/x", lambda values: values / 2
        ),
        FaultKind.NORMALISATION,
        known=("P01",),
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    _graph(
        "resize-corners",
        "images are resized with align_corners",
        _resized_with_corners,
        FaultKind.RESIZE,
        known=("P02",),
        at=(Thinness.COMPLETE, Thinness.NO_CONFIG),
    ),
    _graph(
        "concatenation",
        "boxes of the levels are joined in the reverse order",
        put.change_inputs("ConcatV2", 0, put.reversed_parts),
        FaultKind.CONCATENATION,
        FaultKind.ANCHORS,
    ),
    _graph(
        "training-mode",
        "batch norm is in training mode",
        put.set_attribute("is_training", b=True),
        FaultKind.OPERATOR_ATTRIBUTE,
        known=("E02",),
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    _graph(
        "iou",
        "suppression keeps what overlaps up to 0.95",
        _constant(f"{_NMS}/iou_threshold", 0.95),
        FaultKind.NMS,
        known=("E04",),
        at=(Thinness.COMPLETE, Thinness.NO_CONFIG),
    ),
    _graph(
        "score-threshold",
        "scores below 0.3 are suppressed",
        _constant(f"{_NMS}/score_threshold", 0.3),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        known=("C10",),
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    _graph(
        "cell-order",
        "the anchors of each cell are in the reverse order",
        put.change_anchor_table(_cells_reversed),
        FaultKind.ANCHORS,
        at=(Thinness.COMPLETE, Thinness.GRAPH),
    ),
    Fault(
        "graph-cut",
        "frozen_inference_graph.pb: its second half did not arrive",
        Place.GRAPH,
        frozenset({FaultKind.DAMAGED}),
        lambda case: cut(Part.GRAPH)(case.archive),
        ("archive",),
        ("A06",),
        frozenset({Part.GRAPH}),
        at=(Thinness.COMPLETE,),
    ),
    _shipped(
        "ten-detections",
        "10 detections, the exporter's default",
        put.set_attribute("max_detections", i=10),
        FaultKind.DETECTIONS,
        known=("E03",),
    ),
    _shipped(
        "fast-nms",
        "suppression ignores classes",
        put.set_attribute("use_regular_nms", b=False),
        FaultKind.NMS,
        known=("E04", "O12"),
    ),
    _shipped(
        "one-per-class",
        "one detection a class",
        put.set_attribute("detections_per_class", i=1),
        FaultKind.NMS,
        FaultKind.DETECTIONS,
        known=("E04",),
    ),
    _shipped(
        "three-classes",
        "fast suppression with three classes a detection",
        _three_classes,
        FaultKind.NMS,
        FaultKind.DETECTIONS,
    ),
    _shipped(
        "score-threshold",
        "scores below 0.3 are suppressed",
        put.set_attribute("nms_score_threshold", f=0.3),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        known=("C10",),
    ),
    _shipped(
        "box-scales",
        "box scales of 5 in place of 10 and 5",
        put.set_attribute("y_scale", f=5.0),
        FaultKind.BOX_SCALES,
    ),
    _shipped(
        "anchor-sides",
        "anchors have sides of half the length",
        put.change_anchor_table(_sides(0.5)),
        FaultKind.ANCHORS,
        FaultKind.BOX_SCALES,
        known=("C05",),
    ),
    _shipped(
        "anchor-places",
        "anchors are a twentieth of the image too low",
        put.change_anchor_table(_lower),
        FaultKind.ANCHORS,
        known=("C05",),
    ),
    _shipped(
        "anchor-nan",
        "one anchor is NaN",
        put.change_anchor_table(_nan_in_row),
        FaultKind.NOT_FINITE,
        FaultKind.ANCHORS,
        known=("O10",),
    ),
    _shipped("epsilon", "batch norm has an epsilon of 0.1", _EPSILON, FaultKind.EPSILON),
    _shipped(
        "logits",
        "scores are logits, the sigmoid is missing",
        put.change_op("Sigmoid", "Identity", "convert_scores"),
        FaultKind.SCORES,
        FaultKind.OPERATOR_MISSING,
        known=("C11",),
    ),
    _shipped(
        "concatenation",
        "boxes of the levels are joined in the reverse order",
        put.change_inputs("ConcatV2", 0, put.reversed_parts),
        FaultKind.CONCATENATION,
        FaultKind.ANCHORS,
    ),
    _shipped(
        "input-name",
        "the input has another name",
        put.rename_input,
        FaultKind.NODE_NAME,
        known=("E07",),
    ),
    *(
        Fault(
            f"quantised-{name}",
            f"tflite_graph.pb of a quantised model: {title}",
            Place.SHIPPED_GRAPH,
            frozenset({FaultKind.FAKE_QUANT_RANGE, *more}),
            _edit(Part.SHIPPED, edit),
            ("fake_quant_lint", "quantisation", "accuracy"),
            ("V07",),
            frozenset({Part.SHIPPED}),
            places=frozenset({Place.EXPORT}),
            at=(Thinness.COMPLETE, Thinness.SHIPPED),
            variants=("uint8",),
            model="ssd_mobilenet_v1_quantized",
        )
        for name, title, edit, more in (
            (
                "range-wide",
                "one activation has sixteen times its range",
                _ranges("Conv2d_5_pointwise/act_quant/", 16.0),
                (FaultKind.PRECISION,),
            ),
            (
                "range-narrow",
                "one activation is cut at an eighth of its range",
                _ranges("Conv2d_5_pointwise/act_quant/", 0.125),
                (),
            ),
            (
                "range-empty",
                "one activation has no range",
                _ranges("Conv2d_4_pointwise/act_quant/", 0.0),
                (FaultKind.CONSTANT_OUTPUT,),
            ),
            (
                "range-nan",
                "one activation has a range that is NaN",
                _ranges("Conv2d_5_pointwise/act_quant/", np.nan),
                (FaultKind.NOT_FINITE,),
            ),
        )
    ),
)
