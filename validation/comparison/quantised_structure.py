"""What a quantised file must be besides: its input's meaning, its heads, its size.

Dtypes follow from the variant's scheme. How far an input's range may be from what
the extractor wants, and how small the file has to be, is in the policy.
"""

from __future__ import annotations

from collections.abc import Sequence

from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.preprocess.quantise import is_quantised
from validation.record.types import Measure, ModelKey
from validation.specs.contracts import RAW_OUTPUTS, Preprocessing
from validation.specs.input_stats import (
    InputStats,
    describe_mapping,
    describe_stats,
    mapped_range,
    range_of,
    steps_off,
    wanted_range,
)
from validation.specs.tensors import TensorSpec
from validation.specs.variants import Scheme, Variant
from validation.tflite.facts import TfliteFile

_CHECK = "tflite_contract"
# The measures that say in words what another says in steps.
RANGES_IN_WORDS = {
    "input_range_steps_off": ("input_mapping",),
    "input_stated_steps_off": ("input_mapping", "stated_mapping"),
}

_BYTES = "images are bytes: a file of 8 bits takes them without a detour over floats"
_HEADS = "a body of 8 bits hands its heads on as they are"
_KERNEL = "the op's kernel takes uint8 or float32 and nothing else"
_INTEGER = "whatever else is a float is computed outside of 8 bits"

# What the body hands to its consumer: a raw output, or the op.
_HEAD_DTYPES = {Scheme.INT8: "int8", Scheme.UINT8: "uint8"}
# The kernel has no int8, so its inputs are dequantised ahead of it.
_OP_INPUT_DTYPES = {Scheme.UINT8: "uint8"}


def input_dtype(variant: Variant) -> str:
    """What the image is fed as."""
    return "uint8" if variant.is_full_integer else "float32"


def head_dtype(variant: Variant) -> str:
    """What the raw outputs are given as."""
    return _HEAD_DTYPES.get(variant.scheme, "float32")


def op_input_measures(file: TfliteFile, variant: Variant) -> list[Measure]:
    """The op is fed what its kernel takes: encodings, scores and anchors alike."""
    expected = _OP_INPUT_DTYPES.get(variant.scheme, "float32")
    found = [spec.dtype for spec in file.postprocess_inputs]
    return [_equal("op_input_dtypes", [expected] * 3, found, _KERNEL)]


def full_integer_measures(file: TfliteFile, variant: Variant) -> list[Measure]:
    """No float tensor but what the op writes, and reads where it must be dequantised."""
    at_the_op = set(file.postprocess_outputs) | {spec.name for spec in file.postprocess_inputs}
    others = [name for name in file.float_tensors if name not in at_the_op]
    at_the_op &= set(file.float_tensors)
    measures = [
        _equal("float_tensors_elsewhere", [], others, _INTEGER),
        Measure("float_tensors", sorted(at_the_op)),
        Measure("weights_per_channel", file.per_channel),
    ]
    if not variant.add_postprocessing_op:
        by_name = {spec.name: spec for spec in file.outputs}
        for name in RAW_OUTPUTS:
            spec = by_name.get(name)
            scaled = spec is not None and spec.scale is not None
            measures.append(_equal(f"{name} has a scale", True, scaled, _HEADS))
            measures.append(Measure(f"{name} quantisation", _describe(spec)))
    return measures


def input_measures(
    inputs: Sequence[TensorSpec],
    preprocessing: Preprocessing,
    policy: Policy,
    key: ModelKey,
    stats: InputStats | None,
) -> list[Measure]:
    """What the file's own scale and zero point map bytes to, against what is wanted.

    Args:
        inputs: Of the file; without one quantised input there is nothing to map.
        preprocessing: Of the extractor.
        policy: Has the limits.
        key: Model and variant.
        stats: What the converter was given, None where the ranges were found by images.
    """
    wanted = wanted_range(preprocessing)
    spec = inputs[0] if len(inputs) == 1 else None
    if spec is None or not is_quantised(spec):
        return [_equal("input has a scale", True, False, _BYTES)]
    mapped = range_of(spec)
    measures = [
        Measure("input_quantisation", _describe(spec)),
        Measure("input_mapping", describe_mapping(mapped, wanted)),
        _judged("input_range_steps_off", steps_off(mapped, wanted), policy, key),
    ]
    if stats is not None:
        stated = mapped_range(stats)
        measures += [
            Measure("stated_mapping", describe_stats(stats, preprocessing)),
            _judged("input_stated_steps_off", steps_off(mapped, stated), policy, key),
        ]
    return measures


def size_measures(
    file: TfliteFile, float_counterpart: TfliteFile | None, policy: Policy, key: ModelKey
) -> list[Measure]:
    """The file beside its float counterpart; nothing where that is not known.

    Constants are always judged. Names, shapes and operators take as much room in either file,
    a share of a small one that has nothing to do with bits: whole files are judged from a size
    on at which that share is none.
    """
    if float_counterpart is None:
        return []
    whole = file.size_bytes / float_counterpart.size_bytes
    large = float_counterpart.size_bytes >= policy.setting("size_ratio_bytes")
    return [
        _judged(
            "constants_ratio", file.constant_bytes / float_counterpart.constant_bytes, policy, key
        ),
        _judged("size_ratio", whole, policy, key) if large else Measure("size_ratio", whole),
    ]


def _judged(name: str, value: float, policy: Policy, key: ModelKey) -> Measure:
    return Measure(name, value, policy.limit(_CHECK, name, key.model, key.variant))


def _equal(name: str, expected: object, got: object, reason: str) -> Measure:
    return Measure(name, got, Limit("equal", expected, reason))


def _describe(spec: TensorSpec | None) -> str:
    if spec is None or spec.scale is None:
        return "none"
    return f"{spec.dtype}, scale {spec.scale:.6g}, zero point {spec.zero_point}"
