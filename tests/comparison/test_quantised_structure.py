"""Files of quantised variants: dtypes, the input's meaning, float tensors and size."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from validation.comparison.structure import check_tflite_contract
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)
from validation.specs.input_stats import GUIDE_STATS, InputStats
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

_POLICY = load_policy()
_ATTRIBUTES = PostprocessAttributes(10, 1, 0.5, 0.5, 2, 10.0, 10.0, 5.0, 5.0, 100, True)
_CONTRACT = SsdContract(
    Preprocessing(30, 40, (2 / 255,) * 3, (1.0,) * 3), 7, 2, "SIGMOID", _ATTRIBUTES
)
_STATS = InputStats(127.5, 127.5)
_FLOAT_IMAGE = TensorSpec(INPUT_NAME, "float32", (1, 30, 40, 3))
_IMAGE = TensorSpec(INPUT_NAME, "uint8", (1, 30, 40, 3), 1 / 127.5, 128)
_DETECTIONS = tuple(
    TensorSpec(name, "float32", shape)
    for name, shape in zip(POSTPROCESS_OUTPUTS, ((1, 10, 4), (1, 10), (1, 10), (1,)), strict=True)
)


def _heads(dtype: str, zero_point: int) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
    scale = None if dtype == "float32" else 1 / 256
    zero = None if dtype == "float32" else zero_point
    return (
        TensorSpec(BOX_ENCODINGS_NAME, dtype, (1, 7, 4), scale, zero),
        TensorSpec(CLASS_PREDICTIONS_NAME, dtype, (1, 7, 3), scale, zero),
        TensorSpec("anchors", dtype, (7, 4), scale, zero),
    )


def _with_op(image: TensorSpec, op_inputs: tuple[TensorSpec, ...], **facts: Any) -> TfliteFile:
    return TfliteFile(
        inputs=(image,),
        outputs=_DETECTIONS,
        ops={"CONV_2D": 3, POSTPROCESS_NAME: 1},
        tensors={},
        postprocess=_ATTRIBUTES,
        postprocess_outputs=POSTPROCESS_OUTPUTS,
        postprocess_inputs=op_inputs,
        anchors=(7, 4),
        min_runtime="1.5.0",
        size_bytes=2000,
        constant_bytes=300,
        **facts,
    )


def _raw(image: TensorSpec, outputs: tuple[TensorSpec, ...], **facts: Any) -> TfliteFile:
    return TfliteFile(
        inputs=(image,),
        outputs=outputs,
        ops={"CONV_2D": 3},
        tensors={},
        postprocess=None,
        postprocess_outputs=(),
        postprocess_inputs=(),
        anchors=(),
        min_runtime="1.5.0",
        size_bytes=2000,
        constant_bytes=300,
        **facts,
    )


_FLOAT_HEADS, _INT8_HEADS, _UINT8_HEADS = (
    _heads("float32", 0),
    _heads("int8", -128),
    _heads("uint8", 0),
)
_SOME_FLOATS = ("weights", *POSTPROCESS_OUTPUTS)
_AT_THE_OP = (*(spec.name for spec in _FLOAT_HEADS), *POSTPROCESS_OUTPUTS)
_FILES = {
    "float16": _with_op(_FLOAT_IMAGE, _FLOAT_HEADS, float_tensors=_SOME_FLOATS, per_channel=0),
    "float16-raw": _raw(_FLOAT_IMAGE, _FLOAT_HEADS[:2], float_tensors=("x",), per_channel=0),
    "dynamic": _with_op(_FLOAT_IMAGE, _FLOAT_HEADS, float_tensors=_SOME_FLOATS, per_channel=9),
    "dynamic-raw": _raw(_FLOAT_IMAGE, _FLOAT_HEADS[:2], float_tensors=("x",), per_channel=9),
    "int8": _with_op(_IMAGE, _FLOAT_HEADS, float_tensors=_AT_THE_OP, per_channel=9),
    "int8-raw": _raw(_IMAGE, _INT8_HEADS[:2], float_tensors=(), per_channel=9),
    "uint8": _with_op(_IMAGE, _UINT8_HEADS, float_tensors=POSTPROCESS_OUTPUTS, per_channel=0),
    "uint8-raw": _raw(_IMAGE, _UINT8_HEADS[:2], float_tensors=(), per_channel=0),
}
_FULL_INTEGER = ("int8", "int8-raw", "uint8", "uint8-raw")


def _check(
    variant: str,
    changes: dict[str, Any] | None = None,
    *,
    float_sizes: tuple[int, int] | None = (9000, 1000),
    stats: InputStats | None = None,
    contract: SsdContract = _CONTRACT,
) -> CheckResult:
    file = dataclasses.replace(_FILES[variant], **(changes or {}))
    float_counterpart = None
    if float_sizes is not None:
        whole, constants = float_sizes
        float_counterpart = dataclasses.replace(file, size_bytes=whole, constant_bytes=constants)
    return check_tflite_contract(
        file,
        file.outputs,
        contract,
        ModelKey("m", variant),
        policy=_POLICY,
        input_stats=stats,
        float_counterpart=float_counterpart,
    )


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


@pytest.mark.parametrize("variant", _FILES)
def test_every_variant_has_a_file_that_passes(variant: str) -> None:
    """As the converter writes them, three tenths of the float file; half at float16."""
    size = {"constant_bytes": 500} if variant.startswith("float16") else {}
    stats = _STATS if variant.startswith("uint8") else None
    result = _check(variant, size, stats=stats)
    assert (result.status, result.message) == (Status.PASS, "")


@pytest.mark.parametrize("variant", _FILES)
def test_files_of_other_variants_do_not_pass(variant: str) -> None:
    """Each differs from any of another scheme or form by its structure alone."""
    key = ModelKey("m", variant)
    for other, file in _FILES.items():
        result = check_tflite_contract(file, file.outputs, _CONTRACT, key, policy=_POLICY)
        # Weights in float16 or in 8 bits leave the same ends: their sizes tell them apart.
        alike = {name.replace("float16", "dynamic") for name in (variant, other)}
        assert (result.status is Status.PASS) == (len(alike) == 1), other


@pytest.mark.parametrize("variant", _FULL_INTEGER)
def test_float_input_of_a_full_integer_file(variant: str) -> None:
    """The converter's own default: a QUANTIZE op behind a float image."""
    result = _check(variant, {"inputs": (_FLOAT_IMAGE,)})
    assert result.status is Status.FAIL
    assert f"{INPUT_NAME} tensor: expected uint8 [1, 30, 40, 3], got float32" in result.message
    assert "input has a scale: expected True, got False" in result.message


@pytest.mark.parametrize("variant", _FULL_INTEGER)
def test_float_tensor_in_the_body_is_named(variant: str) -> None:
    """An op that the converter left in float is a hole in the promise."""
    floats = (*_FILES[variant].float_tensors, "FeatureExtractor/swish")
    result = _check(variant, {"float_tensors": floats})
    assert result.where == "float_tensors_elsewhere"
    assert "expected [], got ['FeatureExtractor/swish']" in result.message


def test_float_tensors_at_the_op_are_named() -> None:
    """int8 dequantises the op's inputs; uint8 has the op's outputs alone."""
    assert _values(_check("int8"))["float_tensors"] == sorted(_AT_THE_OP)
    assert _values(_check("uint8"))["float_tensors"] == sorted(POSTPROCESS_OUTPUTS)
    assert _values(_check("int8-raw"))["float_tensors"] == []
    assert _values(_check("int8"))["weights_per_channel"] == 9


@pytest.mark.parametrize(("variant", "expected"), [("int8", "float32"), ("uint8", "uint8")])
def test_op_that_is_fed_int8_cannot_run(variant: str, expected: str) -> None:
    """Fault V14: the kernel has uint8 and float32."""
    result = _check(variant, {"postprocess_inputs": _INT8_HEADS})
    assert "op_input_dtypes" in result.message
    assert f"expected ['{expected}', '{expected}', '{expected}'], got ['int8'" in result.message


@pytest.mark.parametrize("variant", ["int8-raw", "uint8-raw"])
def test_raw_outputs_without_their_scale(variant: str) -> None:
    """Nobody could read them."""
    outputs = _FILES[variant].outputs
    bare = dataclasses.replace(outputs[0], scale=None, zero_point=None)
    result = _check(variant, {"outputs": (bare, outputs[1])})
    assert result.where == f"{BOX_ENCODINGS_NAME} has a scale"
    values = _values(result)
    assert values[f"{BOX_ENCODINGS_NAME} quantisation"] == "none"
    assert values[f"{CLASS_PREDICTIONS_NAME} quantisation"].endswith(
        f"scale 0.00390625, zero point {outputs[1].zero_point}"
    )
    missing = _check(variant, {"outputs": outputs[:1]})
    assert f"{CLASS_PREDICTIONS_NAME} has a scale: expected True, got False" in missing.message


def _mapped(scale: float, zero_point: int) -> dict[str, Any]:
    return {"inputs": (dataclasses.replace(_IMAGE, scale=scale, zero_point=zero_point),)}


@pytest.mark.parametrize("variant", _FULL_INTEGER)
@pytest.mark.parametrize(
    ("scale", "zero_point", "mapping"),
    [(1 / 255, 0, "[0, 1]"), (1.0, 0, "[0, 255]"), (1 / 127.5, 0, "[0, 2]"), (0.5, 128, "[-64")],
)
def test_input_of_another_meaning_is_worded(
    variant: str, scale: float, zero_point: int, mapping: str
) -> None:
    """Faults of mean and std, or of representative images: both ranges in words."""
    result = _check(variant, _mapped(scale, zero_point))
    assert result.where == "input_range_steps_off"
    assert f"maps uint8 to {mapping}" in result.message
    assert "extractor wants [-1, 1] (input_range_steps_off is " in result.message


def test_guides_mean_and_std_pass_and_the_difference_is_told() -> None:
    """One step off: 128/127 is what the guide says."""
    result = _check("uint8", _mapped(1 / 127, 128), stats=GUIDE_STATS)
    assert result.status is Status.PASS
    values = _values(result)
    assert values["stated_mapping"] == "128/127 maps uint8 to [-1.008, 1], extractor wants [-1, 1]"
    assert values["input_mapping"] == "maps uint8 to [-1.008, 1], extractor wants [-1, 1]"
    assert values["input_quantisation"] == "uint8, scale 0.00787402, zero point 128"
    assert values["input_range_steps_off"] == pytest.approx(1.004, abs=1e-3)


def test_file_that_does_not_keep_what_was_stated() -> None:
    """Converted with another pair than it is said to be, though the extractor could bear it."""
    result = _check("uint8", _mapped(1 / 127, 128), stats=_STATS)
    assert result.where == "input_stated_steps_off"
    assert result.message == (
        "maps uint8 to [-1.008, 1], extractor wants [-1, 1]; 127.5/127.5 maps uint8 to [-1, 1], "
        "as the extractor wants (input_stated_steps_off is 1.00394, should be at most 0.51)"
    )


def test_channel_means_are_one_range() -> None:
    """int8 of a ResNet: the normalised tensor as a whole."""
    means = dataclasses.replace(
        _CONTRACT.preprocessing, scale=(1.0,) * 3, offset=(123.68, 116.78, 103.94)
    )
    contract = dataclasses.replace(_CONTRACT, preprocessing=means)
    assert _check("int8", _mapped(1.077, 115), contract=contract).status is Status.PASS
    wrong = _check("int8", contract=contract)
    assert "maps uint8 to [-1.004, 0.9961], extractor wants [-123.7, 151.1]" in wrong.message


@pytest.mark.parametrize(
    ("variant", "ratio"),
    [("float16", 0.52), ("dynamic-raw", 0.35), ("int8", 0.32), ("uint8-raw", 0.32)],
)
def test_size_is_judged_beside_the_float_file(variant: str, ratio: float) -> None:
    """At the limit it passes, beyond it does not; without a float file nothing is judged."""
    most = round(1000 * ratio)
    assert _check(variant, {"constant_bytes": most}).status is Status.PASS
    result = _check(variant, {"constant_bytes": most + 1})
    assert result.where == "constants_ratio"
    assert f"should be at most {ratio:g}" in result.message
    unknown = _check(variant, {"constant_bytes": most + 1}, float_sizes=None)
    assert (unknown.status, "constants_ratio" in _values(unknown)) == (Status.PASS, False)


@pytest.mark.parametrize(
    ("variant", "ratio"),
    [("float16", 0.52), ("dynamic-raw", 0.30), ("int8", 0.32), ("uint8-raw", 0.32)],
)
def test_whole_file_is_judged_where_it_is_large(variant: str, ratio: float) -> None:
    """Names and operators weigh nothing in it; in a small file they are reported and not judged."""
    large = int(_POLICY.setting("size_ratio_bytes"))
    sizes = {"constant_bytes": 1, "size_bytes": round(large * ratio)}
    assert _check(variant, sizes, float_sizes=(large, large)).status is Status.PASS
    sizes["size_bytes"] += 1
    result = _check(variant, sizes, float_sizes=(large, large))
    assert (result.status, result.where) == (Status.FAIL, "size_ratio")
    small = _check(variant, sizes, float_sizes=(large - 1, large))
    assert small.status is Status.PASS
    assert _values(small)["size_ratio"] == pytest.approx(ratio, abs=1e-6)
