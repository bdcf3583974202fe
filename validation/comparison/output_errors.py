"""A quantised file's raw outputs judged against the float reference, an output a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from validation.comparison.error_statistics import ErrorAccumulator
from validation.comparison.tensors import is_constant, short_names, tensor_faults
from validation.policy.load import Policy
from validation.record.quantisation_cost import LayerError, OutputError
from validation.record.types import CheckResult, Measure, ModelKey
from validation.specs.tensors import TensorSpec

_Arrays = Mapping[str, NDArray[Any]]


def check_quantisation(
    reference: Mapping[str, NDArray[Any]],
    candidate: Mapping[str, NDArray[Any]],
    specs: Mapping[str, TensorSpec],
    *,
    policy: Policy,
    key: ModelKey,
    images: Sequence[object],
    lossy: LayerError | None = None,
    note: str = "",
    check: str = "quantisation",
) -> tuple[CheckResult, tuple[OutputError, ...]]:
    """Judge what quantisation costs at each output.

    Names must be the same on both sides, shapes equal, and every value a finite number;
    what is not so is collected over all outputs and fails before anything is judged.

    Args:
        reference: Float outputs by name, stacked over the images: [I, 1, N, ...].
        candidate: Alike, dequantised.
        specs: The quantised file's outputs by name: scale, zero point and dtype.
        policy: Has, for the short name of each output (the part after the last ``/``),
            the limits of ``<short>_sqnr_db``, ``<short>_sqnr_upper_db`` (the same figure
            judged from above: nearer than so few bits allow is not quantised),
            ``<short>_cosine`` and ``<short>_constant``, and of quantised outputs also
            ``<short>_rmse_in_steps`` and ``<short>_saturated_share``.
        key: The thing under test.
        images: What to call each row of the leading axis.
        lossy: The layer that loses most, for the message; None where none is known.
        note: What else the reader should know, at the end of the message.
        check: Name of the check in the policy.

    Returns:
        The result, and the rows it rests on; no rows where nothing could be judged.
    """
    faults = tensor_faults(reference, candidate, images)
    if faults:
        text = "; ".join(f"{name}: {fault}" if name else fault for name, fault in faults)
        return CheckResult.failed(check, key, text, where=faults[0][0]), ()
    errors = {
        name: _output_error(reference[name], candidate[name], specs[name], images)
        for name in reference
    }
    short = short_names(reference)
    judged = [
        Measure(measure, value, policy.limit(check, measure, key.model, key.variant))
        for name, error in errors.items()
        for measure, value in _judged(short[name], error)
    ]
    unjudged = [
        Measure(measure, value)
        for name, error in errors.items()
        for measure, value in _unjudged(short[name], error)
    ]
    worst = min(errors, key=lambda name: errors[name].error.sqnr_db)
    result = CheckResult.judged(
        check,
        key,
        (*judged, *unjudged),
        where=worst,
        message="; ".join(_clauses(errors, len(images), lossy, note)),
    )
    return result, tuple(errors.values())


def _output_error(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    spec: TensorSpec,
    images: Sequence[object],
) -> OutputError:
    accumulator = ErrorAccumulator(spec)
    # Image by image: of a large model one image alone has ten million values.
    for one, other in zip(reference, candidate, strict=True):
        accumulator.add(one, other)
    return OutputError(spec, accumulator.statistics(), is_constant(reference, candidate, images))


def _judged(short: str, row: OutputError) -> Iterator[tuple[str, Any]]:
    error = row.error
    yield f"{short}_sqnr_db", error.sqnr_db
    yield f"{short}_sqnr_upper_db", error.sqnr_db
    yield f"{short}_cosine", error.cosine
    yield f"{short}_constant", row.constant
    if error.rmse_in_steps is not None:
        yield f"{short}_rmse_in_steps", error.rmse_in_steps
        yield f"{short}_saturated_share", error.saturated


def _unjudged(short: str, row: OutputError) -> Iterator[tuple[str, Any]]:
    yield f"{short}_rmse", row.error.rmse
    if row.error.beyond_one_step is not None:
        yield f"{short}_beyond_one_step_share", row.error.beyond_one_step


def _clauses(
    errors: Mapping[str, OutputError],
    images: int,
    lossy: LayerError | None,
    note: str,
) -> Iterator[str]:
    """What the message says, clause by clause."""
    figures = ", ".join(f"{name} {row.error.sqnr_db:.1f} dB" for name, row in errors.items())
    yield f"signal over error on {images} images: {figures}"
    for name, row in errors.items():
        if row.constant:
            yield (
                f"{name} is constant over images, though the reference is not: its ranges do "
                "not fit the model"
            )
    if lossy is not None:
        yield describe_loss(lossy)
    if note:
        yield note


def describe_loss(layer: LayerError) -> str:
    """The layer that loses most in one clause: by itself, and before and after it in the run."""
    name = layer.tensor.name.partition(";")[0]
    text = f"most is lost at {layer.op} {name}"
    if layer.local is not None:
        text += f": local {layer.local.sqnr_db:.1f} dB"
    if layer.accumulated is not None:
        before = "" if layer.arriving_db is None else f"{layer.arriving_db:.1f} dB -> "
        text += f", accumulated {before}{layer.accumulated.sqnr_db:.1f} dB"
    return text
