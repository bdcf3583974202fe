"""Names, shapes, dtypes and attributes: one thing off is named and turns the check red."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from validation.comparison.structure import check_export_contract, check_tflite_contract
from validation.errors import UsageError
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_NAME,
    GraphSummary,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

_FLOAT, _RAW = ModelKey("m", "float"), ModelKey("m", "raw")
_ATTRIBUTES = PostprocessAttributes(
    max_detections=10,
    max_classes_per_detection=1,
    nms_score_threshold=1e-8,
    nms_iou_threshold=0.6,
    num_classes=2,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
    detections_per_class=100,
    use_regular_nms=True,
)
_CONTRACT = SsdContract(
    Preprocessing(30, 40, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), 7, 2, "SIGMOID", _ATTRIBUTES
)
_INPUT = TensorSpec(INPUT_NAME, "float32", (1, 30, 40, 3))
_RAW_SPECS = (
    TensorSpec(BOX_ENCODINGS_NAME, "float32", (1, 7, 4)),
    TensorSpec(CLASS_PREDICTIONS_NAME, "float32", (1, 7, 3)),
)
_OUTPUT_NAMES = (POSTPROCESS_NAME, *(f"{POSTPROCESS_NAME}:{place}" for place in (1, 2, 3)))
_OUTPUT_SPECS = tuple(
    TensorSpec(name, "float32", shape)
    for name, shape in zip(_OUTPUT_NAMES, ((1, 10, 4), (1, 10), (1, 10), (1,)), strict=True)
)
# As in a file: float32 has kept its next best to 0.6 and 1e-8.
_STORED = dataclasses.replace(
    _ATTRIBUTES, nms_score_threshold=9.99999993922529e-09, nms_iou_threshold=0.6000000238418579
)

_SUMMARY = GraphSummary(
    inputs=(_INPUT,),
    outputs=(POSTPROCESS_NAME,),
    raw_outputs=_RAW_SPECS,
    postprocess=_STORED,
    postprocess_inputs=(BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, "anchors"),
    anchors=(7, 4),
    ops={"Conv2D": 3},
    variables=(),
    training_batch_norms=0,
)
_RAW_SUMMARY = dataclasses.replace(
    _SUMMARY,
    outputs=(CLASS_PREDICTIONS_NAME, BOX_ENCODINGS_NAME),
    postprocess=None,
    postprocess_inputs=(),
    anchors=(),
)
_FILE = TfliteFile(
    inputs=(_INPUT,),
    outputs=tuple(TensorSpec(name, "float32", ()) for name in _OUTPUT_NAMES),
    ops={"CONV_2D": 3, POSTPROCESS_NAME: 1},
    tensors={"float32": 20},
    float_tensors=("weights", *_OUTPUT_NAMES),
    per_channel=0,
    postprocess=_STORED,
    postprocess_outputs=_OUTPUT_NAMES,
    postprocess_inputs=(*_RAW_SPECS, TensorSpec("anchors", "float32", (7, 4))),
    anchors=(7, 4),
    min_runtime="1.5.0",
    size_bytes=1234,
    constant_bytes=1000,
)
_RAW_FILE = dataclasses.replace(
    _FILE,
    outputs=_RAW_SPECS,
    ops={"CONV_2D": 3},
    postprocess=None,
    postprocess_outputs=(),
    postprocess_inputs=(),
    anchors=(),
)


def _export(summary: GraphSummary, with_op: bool = True) -> CheckResult:
    key = _FLOAT if with_op else _RAW
    return check_export_contract(summary, _CONTRACT, key, add_postprocessing_op=with_op)


def _tflite(file: TfliteFile, outputs: Any = None, key: ModelKey = _FLOAT) -> CheckResult:
    usual = _RAW_SPECS if key is _RAW else _OUTPUT_SPECS
    found = usual if outputs is None else outputs
    return check_tflite_contract(file, found, _CONTRACT, key, policy=load_policy())


@pytest.mark.parametrize(
    "result",
    [_export(_SUMMARY), _export(_RAW_SUMMARY, False), _tflite(_FILE), _tflite(_RAW_FILE, key=_RAW)],
    ids=["export", "export raw", "tflite", "tflite raw"],
)
def test_what_keeps_the_contract_passes(result: CheckResult) -> None:
    """Each form that the exporter and the converter write is accepted, and said why."""
    assert result.status is Status.PASS
    assert (result.where, result.message) == ("", "")
    judged = [measure for measure in result.measures if measure.limit is not None]
    assert len(judged) >= 6
    assert all(measure.limit and measure.limit.reason for measure in judged)


_BIGGER = TensorSpec(INPUT_NAME, "float32", (1, 640, 640, 3))


@pytest.mark.parametrize(
    ("changes", "measure", "message"),
    [
        ({"inputs": ()}, "input_names", r"expected \['normalized_.*got \[\]"),
        ({"inputs": (_BIGGER,)}, f"{INPUT_NAME} tensor", r"\[1, 30, 40, 3\], got .*640"),
        ({"inputs": (_INPUT, _BIGGER)}, "input_names", "got"),
        (
            {"inputs": (dataclasses.replace(_INPUT, dtype="uint8"),)},
            f"{INPUT_NAME} tensor",
            "uint8",
        ),
        ({"outputs": ("detection_boxes",)}, "outputs", "detection_boxes"),
        ({"outputs": (POSTPROCESS_NAME, "loose")}, "outputs", "loose"),
        ({"raw_outputs": _RAW_SPECS[:1]}, f"{CLASS_PREDICTIONS_NAME} tensor", "got absent"),
        (
            {"raw_outputs": (TensorSpec(BOX_ENCODINGS_NAME, "float32", (1, 8, 4)), _RAW_SPECS[1])},
            f"{BOX_ENCODINGS_NAME} tensor",
            r"\[1, 8, 4\]",
        ),
        ({"variables": ("a", "b")}, "variables_left", "expected 0, got 2"),
        ({"training_batch_norms": 3}, "batch_norms_in_training", "got 3"),
        ({"postprocess_inputs": ("anchors",)}, "postprocess_inputs", "anchors"),
        ({"anchors": (7, 3)}, "anchors_shape", r"expected \[7, 4\], got \[7, 3\]"),
        ({"postprocess": None}, "max_detections", "expected 10, got None"),
    ],
)
def test_graph_that_breaks_the_contract(
    changes: dict[str, Any], measure: str, message: str
) -> None:
    """The first wrong measure is the place, and the message holds both values."""
    result = _export(dataclasses.replace(_SUMMARY, **changes))
    assert result.status is Status.FAIL
    assert result.where == measure
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(result.message)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(_ATTRIBUTES)])
def test_every_attribute_is_compared(name: str) -> None:
    """A flag that the exporter dropped or changed is seen, in the graph and in the file."""
    value = getattr(_STORED, name)
    other = dataclasses.replace(
        _STORED, **{name: (not value) if isinstance(value, bool) else value + 1}
    )
    for result in (
        _export(dataclasses.replace(_SUMMARY, postprocess=other)),
        _tflite(dataclasses.replace(_FILE, postprocess=other)),
    ):
        assert result.status is Status.FAIL
        assert result.where == name


@pytest.mark.parametrize(
    ("changes", "measure"),
    [
        ({"inputs": ()}, "input_names"),
        ({"outputs": (*_FILE.outputs[:1], *_FILE.outputs[:0:-1])}, "output_order"),
        ({"outputs": _FILE.outputs[:3]}, "output_order"),
        ({"ops": {"FlexTensorListReserve": 1, **_FILE.ops}}, "custom_ops"),
        ({"ops": {"CONV_2D": 3}}, "custom_ops"),
        ({"postprocess_outputs": _OUTPUT_NAMES[::-1]}, "op_outputs"),
        ({"postprocess_inputs": _FILE.postprocess_inputs[:2]}, "op_input_dtypes"),
        ({"anchors": (8, 4)}, "anchors_shape"),
        ({"postprocess": None}, "max_detections"),
    ],
)
def test_file_that_breaks_the_contract(changes: dict[str, Any], measure: str) -> None:
    """Order, ops and op attributes of the flatbuffer are each looked at."""
    result = _tflite(dataclasses.replace(_FILE, **changes))
    assert result.status is Status.FAIL
    assert result.where == measure


def test_shapes_are_those_of_the_runtime() -> None:
    """The op's shapes are known once memory is planned: ten slots cannot hide behind a name."""
    shorter = (dataclasses.replace(_OUTPUT_SPECS[0], shape=(1, 0, 4)), *_OUTPUT_SPECS[1:])
    result = _tflite(_FILE, shorter)
    assert result.status is Status.FAIL
    assert result.message == (
        f"{POSTPROCESS_NAME} tensor: expected float32 [1, 10, 4], got float32 [1, 0, 4]"
    )


def test_raw_file_must_end_in_raw_outputs() -> None:
    """A file with the op under the raw variant's name is another model."""
    result = _tflite(_FILE, _OUTPUT_SPECS, _RAW)
    assert result.status is Status.FAIL
    assert "custom_ops" in result.message
    assert "output_order" in result.message


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Whoever repairs the export sees every difference, not the first."""
    broken = dataclasses.replace(_SUMMARY, variables=("a",), training_batch_norms=1, anchors=())
    message = _export(broken).message
    for name in ("variables_left", "batch_norms_in_training", "anchors_shape"):
        assert name in message


def test_size_and_runtime_are_told() -> None:
    """What nothing judges still stands in the record."""
    values = {one.name: one.value for one in _tflite(_FILE).measures if one.limit is None}
    assert values == {"size_bytes": 1234, "min_runtime_version": "1.5.0", "ops": 4}


def test_variant_that_nobody_knows_is_refused() -> None:
    """What it should be cannot be said."""
    with pytest.raises(UsageError, match=r"unknown variant: .*got int4"):
        _tflite(_FILE, key=ModelKey("m", "int4"))
