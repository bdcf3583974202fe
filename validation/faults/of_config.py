"""Faults of pipeline.config: another value than the one that the model was trained with."""

from __future__ import annotations

from validation.faults.archive_edits import edit
from validation.faults.fault import Case, Fault, Inject, Part, Thinness
from validation.record.diagnosis import FaultKind, Place

_BOTH = (Thinness.COMPLETE, Thinness.CHECKPOINT)
_COMPLETE = (Thinness.COMPLETE,)
_BARE = (Thinness.CHECKPOINT,)
_RESIZER = "fixed_shape_resizer {\n        height: 160\n        width: 160"
_ROUTES = ("route_parity", "export_contract", "archive")


def _text(old: str, new: str, *, everywhere: bool = False) -> Inject:
    def inject(case: Case) -> None:
        edit(old, new, everywhere=everywhere)(case.archive)

    return inject


def _config(
    name: str,
    title: str,
    inject: Inject,
    *kinds: FaultKind,
    known: tuple[str, ...] = (),
    at: tuple[Thinness, ...] = _BOTH,
    equivalent: str = "",
) -> Fault:
    return Fault(
        f"config-{name}",
        f"pipeline.config: {title}",
        Place.CONFIG,
        frozenset(kinds),
        inject,
        _ROUTES,
        known,
        frozenset({Part.CONFIG}),
        at=at,
        equivalent=equivalent,
    )


CONFIG_FAULTS: tuple[Fault, ...] = (
    _config(
        "epsilon",
        "batch_norm.epsilon is 0.1",
        _text("epsilon: 0.001", "epsilon: 0.1", everywhere=True),
        FaultKind.EPSILON,
    ),
    _config(
        "min-scale",
        "min_scale of the anchors is 0.1",
        _text("min_scale: 0.2", "min_scale: 0.1"),
        FaultKind.ANCHORS,
        known=("C05",),
    ),
    _config(
        "max-scale",
        "max_scale of the anchors is 0.7",
        _text("max_scale: 0.95", "max_scale: 0.7"),
        FaultKind.ANCHORS,
        known=("C05",),
    ),
    _config(
        "aspect-ratio",
        "an aspect ratio of the anchors is 3",
        _text("aspect_ratios: 2.0", "aspect_ratios: 3.0"),
        FaultKind.ANCHORS,
        known=("C05",),
    ),
    _config(
        "aspect-ratio-lost",
        "an aspect ratio of the anchors is missing",
        _text("        aspect_ratios: 0.5\n", ""),
        FaultKind.ANCHORS,
        known=("C04",),
    ),
    _config(
        "identity",
        "score_converter is IDENTITY",
        _text("score_converter: SIGMOID", "score_converter: IDENTITY"),
        FaultKind.SCORES,
        known=("C11",),
    ),
    _config(
        "softmax",
        "score_converter is SOFTMAX",
        _text("score_converter: SIGMOID", "score_converter: SOFTMAX"),
        FaultKind.SCORES,
        known=("C11",),
    ),
    _config(
        "num-classes",
        "num_classes is 7",
        _text("num_classes: 8", "num_classes: 7"),
        FaultKind.CLASS_COUNT,
        known=("C03",),
    ),
    _config(
        "relu",
        "activation is RELU",
        _text("activation: RELU_6", "activation: RELU", everywhere=True),
        FaultKind.ACTIVATION,
    ),
    _config(
        "box-scales",
        "y_scale and x_scale of the box coder are 5",
        _text("y_scale: 10.0\n        x_scale: 10.0", "y_scale: 5.0\n        x_scale: 5.0"),
        FaultKind.BOX_SCALES,
    ),
    _config(
        "iou",
        "iou_threshold of the suppression is 0.95",
        _text("iou_threshold: 0.6", "iou_threshold: 0.95"),
        FaultKind.NMS,
        known=("E04",),
    ),
    _config(
        "score-threshold",
        "score_threshold of the suppression is 0.3",
        _text("score_threshold: 1e-8", "score_threshold: 0.3"),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        known=("C10",),
    ),
    _config(
        "ten-detections",
        "max_total_detections is 10",
        _text("max_total_detections: 100", "max_total_detections: 10"),
        FaultKind.DETECTIONS,
        FaultKind.NMS,
        known=("E03",),
    ),
    _config(
        "one-per-class",
        "max_detections_per_class is 1",
        _text("max_detections_per_class: 100", "max_detections_per_class: 1"),
        FaultKind.DETECTIONS,
        FaultKind.NMS,
        known=("E04",),
    ),
    _config(
        "input-size",
        "height and width of the resizer are 192",
        _text(_RESIZER, _RESIZER.replace("160", "192")),
        FaultKind.RESIZE,
        known=("C09",),
    ),
    _config(
        "aspect-kept",
        "the resizer keeps the aspect ratio",
        _text(
            f"{_RESIZER}\n",
            "keep_aspect_ratio_resizer {\n        min_dimension: 160\n        max_dimension: 160\n",
        ),
        FaultKind.RESIZE,
        known=("C07",),
    ),
    _config(
        "extractor",
        "the feature extractor is another one",
        _text('"ssd_mobilenet_v1_ppn"', '"ssd_mobilenet_v1"'),
        FaultKind.EXTRACTOR,
        known=("C02",),
    ),
    _config(
        "depth",
        "depth_multiplier is 0.5",
        _text("depth_multiplier: 0.25", "depth_multiplier: 0.5"),
        FaultKind.DEPTH,
        known=("E11",),
        at=_COMPLETE,
    ),
    _config(
        "unknown-field",
        "a field of another release",
        _text("num_classes: 8", "num_classes: 8\n    is_from_the_future: true"),
        FaultKind.UNKNOWN_FIELD,
        known=("C01",),
        at=_COMPLETE,
    ),
    _config(
        "quantised",
        "graph_rewriter asks for quantisation ranges",
        _text(
            "train_config {",
            "graph_rewriter {\n  quantization {\n    delay: 100\n  }\n}\n\ntrain_config {",
        ),
        FaultKind.QUANTISED_TRAINING,
        known=("C13",),
        at=_COMPLETE,
    ),
    _config(
        "averages",
        "use_moving_averages is true",
        _text("use_moving_averages: false", "use_moving_averages: true"),
        FaultKind.MOVING_AVERAGES,
        known=("C14",),
    ),
    _config(
        "regularizer",
        "the weight of the regularizer is another one",
        _text("weight: 0.00004", "weight: 0.1", everywhere=True),
        equivalent="it plays a part in training only",
        at=_COMPLETE,
    ),
    _config(
        "matcher",
        "matched_threshold is another one",
        _text("matched_threshold: 0.45", "matched_threshold: 0.3"),
        equivalent="it plays a part in training only",
        at=_BARE,
    ),
)
