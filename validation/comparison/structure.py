"""Names, shapes, dtypes and attributes: what a file must be before its numbers matter.

The expectations come from the contract that was read from the source graph and
from the OD API's own names, so they are no tolerances and stand here, not in the
policy; what a quantised file must be besides is in `quantised_structure`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from validation.comparison.quantised_structure import (
    RANGES_IN_WORDS,
    full_integer_measures,
    head_dtype,
    input_dtype,
    input_measures,
    op_input_measures,
    size_measures,
)
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.formatting import describe_measure
from validation.record.types import CheckResult, Measure, ModelKey
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    RAW_OUTPUTS,
    GraphSummary,
    PostprocessAttributes,
    SsdContract,
)
from validation.specs.input_stats import InputStats
from validation.specs.tensors import TensorSpec
from validation.specs.variants import variant_of
from validation.tflite.facts import TfliteFile

_GUIDE = "the exporter's own names: apps and converters ask for them"
_CONTRACT = "read from the source graph"
_KERNEL = "the op's documented outputs: boxes, classes, scores, count"


def check_export_contract(
    summary: GraphSummary, contract: SsdContract, key: ModelKey, *, add_postprocessing_op: bool
) -> CheckResult:
    """The exported graph has the exporter's inputs and outputs and every attribute asked for.

    Args:
        summary: Read back from tflite_graph.pb.
        contract: What the export promised.
        key: Model and variant.
        add_postprocessing_op: Which of the exporter's two forms it is.
    """
    outputs = (POSTPROCESS_NAME,) if add_postprocessing_op else RAW_OUTPUTS
    measures = [
        *_input(summary.inputs, contract),
        _equal("outputs", sorted(outputs), sorted(summary.outputs), _GUIDE),
        *_tensors(summary.raw_outputs, _raw_specs(contract), _CONTRACT),
        _equal("variables_left", 0, len(summary.variables), "a frozen graph has none"),
        _equal(
            "batch_norms_in_training",
            0,
            summary.training_batch_norms,
            "the converter folds batch norm only in inference form",
        ),
    ]
    if add_postprocessing_op:
        measures += [
            _equal(
                "postprocess_inputs",
                [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, ANCHORS_NAME],
                list(summary.postprocess_inputs),
                _GUIDE,
            ),
            _equal("anchors_shape", [contract.num_anchors, 4], list(summary.anchors), _CONTRACT),
            *_attributes(summary.postprocess, contract.postprocess),
        ]
    return _judged("export_contract", key, measures)


def check_tflite_contract(
    file: TfliteFile,
    outputs: Sequence[TensorSpec],
    contract: SsdContract,
    key: ModelKey,
    *,
    policy: Policy,
    input_stats: InputStats | None = None,
    float_counterpart: TfliteFile | None = None,
) -> CheckResult:
    """The .tflite file has its variant's inputs, outputs in their order, and op attributes.

    Args:
        file: Read from the flatbuffer.
        outputs: The runtime's own account of the outputs: the op's shapes are only known
            once it has planned its memory.
        contract: Of the graph that was converted.
        key: Model and variant; ``raw`` variants end in the raw outputs.
        policy: Has the limits of quantised files.
        input_stats: Mean and std that a uint8 file was converted with.
        float_counterpart: The float file with the same outputs; None: sizes are not compared.

    Raises:
        UsageError: No such variant.
    """
    variant = variant_of(key.variant)
    with_op = variant.add_postprocessing_op
    expected = (
        _detection_specs(contract.postprocess)
        if with_op
        else _raw_specs(contract, head_dtype(variant))
    )
    measures = [
        *_input(file.inputs, contract, input_dtype(variant)),
        _equal(
            "output_order",
            [spec.name for spec in expected],
            [spec.name for spec in file.outputs],
            "apps bind by position, so the order is part of the contract",
        ),
        *_tensors(outputs, expected, _KERNEL if with_op else _CONTRACT),
        _equal(
            "custom_ops",
            [POSTPROCESS_NAME] if with_op else [],
            # Builtin ops are written in capitals; everything else is custom or flex.
            [name for name in file.ops if name != name.upper()],
            "no runtime knows any other",
        ),
    ]
    if with_op:
        measures += [
            _equal(
                "op_outputs", list(POSTPROCESS_OUTPUTS), list(file.postprocess_outputs), _KERNEL
            ),
            *op_input_measures(file, variant),
            _equal("anchors_shape", [contract.num_anchors, 4], list(file.anchors), _CONTRACT),
            *_attributes(file.postprocess, contract.postprocess),
        ]
    if variant.is_full_integer:
        measures += [
            *full_integer_measures(file, variant),
            *input_measures(file.inputs, contract.preprocessing, policy, key, input_stats),
        ]
    if variant.is_quantised:
        measures += size_measures(file, float_counterpart, policy, key)
    unjudged = (
        Measure("size_bytes", file.size_bytes),
        Measure("min_runtime_version", file.min_runtime),
        Measure("ops", sum(file.ops.values())),
    )
    return _judged("tflite_contract", key, [*measures, *unjudged])


def _judged(check: str, key: ModelKey, measures: Sequence[Measure]) -> CheckResult:
    wrong = [measure for measure in measures if measure.status is Status.FAIL]
    message = "; ".join(
        _complaint(measure, measure.limit, measures)
        for measure in wrong
        if measure.limit is not None
    )
    where = wrong[0].name if wrong else ""
    return CheckResult.judged(check, key, tuple(measures), where=where, message=message)


def _complaint(measure: Measure, limit: Limit, measures: Sequence[Measure]) -> str:
    """What was expected and what was found; ranges in words as well."""
    if limit.relation == "equal":
        return f"{measure.name}: expected {limit.bound}, got {measure.value}"
    values = {one.name: one.value for one in measures}
    words = "; ".join(values[name] for name in RANGES_IN_WORDS.get(measure.name, ()))
    broken = describe_measure(measure)
    return f"{words} ({broken})" if words else broken


def _equal(name: str, expected: Any, got: Any, reason: str) -> Measure:
    return Measure(name, got, Limit("equal", expected, reason))


def _input(
    inputs: Sequence[TensorSpec], contract: SsdContract, dtype: str = "float32"
) -> list[Measure]:
    size = contract.preprocessing
    expected = TensorSpec(INPUT_NAME, dtype, (1, size.height, size.width, 3))
    return [
        _equal("input_names", [INPUT_NAME], [spec.name for spec in inputs], _GUIDE),
        *_tensors(inputs, (expected,), _CONTRACT),
    ]


def _tensors(
    actual: Sequence[TensorSpec], expected: Sequence[TensorSpec], reason: str
) -> list[Measure]:
    """Shape and dtype of each tensor, as ``float32 [1, 300, 300, 3]``."""
    by_name = {spec.name: spec for spec in actual}
    return [
        _equal(f"{spec.name} tensor", _describe(spec), _describe(by_name.get(spec.name)), reason)
        for spec in expected
    ]


def _describe(spec: TensorSpec | None) -> str:
    return "absent" if spec is None else f"{spec.dtype} {list(spec.shape)}"


def _raw_specs(contract: SsdContract, dtype: str = "float32") -> tuple[TensorSpec, ...]:
    rows, columns = contract.num_anchors, contract.num_classes + 1
    return (
        TensorSpec(BOX_ENCODINGS_NAME, dtype, (1, rows, 4)),
        TensorSpec(CLASS_PREDICTIONS_NAME, dtype, (1, rows, columns)),
    )


def _detection_specs(attributes: PostprocessAttributes) -> tuple[TensorSpec, ...]:
    slots = attributes.max_detections * attributes.max_classes_per_detection
    shapes: tuple[tuple[int, ...], ...] = ((1, slots, 4), (1, slots), (1, slots), (1,))
    return tuple(
        TensorSpec(name, "float32", shape)
        for name, shape in zip(POSTPROCESS_OUTPUTS, shapes, strict=True)
    )


def _attributes(
    actual: PostprocessAttributes | None, expected: PostprocessAttributes
) -> list[Measure]:
    """Each attribute of the op; floats as the float32 that graph and flatbuffer keep."""
    measures = []
    for field in dataclasses.fields(expected):
        got = None if actual is None else getattr(actual, field.name)
        want = getattr(expected, field.name)
        measures.append(_equal(field.name, _stored(want), _stored(got), "asked of the export"))
    return measures


def _stored(value: Any) -> Any:
    return float(np.float32(value)) if isinstance(value, float) else value
