"""Two runs compared tensor by tensor, value by value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.isolation.freed_memory import drop_pages
from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.types import CheckResult, Measure, ModelKey

# Values at a time: in double precision these fit into a core's cache.
_PART = 32_768

_Array = NDArray[Any]
_Arrays = Mapping[str, _Array]


@dataclass(frozen=True)
class _Difference:
    """One tensor's measures and where it differs most.

    Args:
        measures: The judged largest difference first, then what no limit judges.
        where: Tensor and index of the worst element, with both values.
        share: Largest difference in units of its bound; above 1 it is too large.
        constant: True when the candidate is the same for every image and the reference is not.
    """

    measures: tuple[Measure, ...]
    where: str
    share: float
    constant: bool


def compare_tensors(
    reference: Mapping[str, NDArray[Any]],
    candidate: Mapping[str, NDArray[Any]],
    *,
    policy: Policy,
    key: ModelKey,
    check: str = "raw_parity",
    images: Sequence[object] | None = None,
) -> CheckResult:
    """Judge the largest absolute difference of each tensor.

    Names must be the same on both sides, shapes equal, and every value a finite number;
    what is not so is collected over all tensors and fails before anything is judged.

    Args:
        reference: Arrays of any shape by tensor name, quantised ones already in real units.
        candidate: Alike.
        policy: Has the limit of ``<short name>_max_abs_diff`` for each tensor; the short
            name is the part after the last ``/``, for example ``box_encodings``.
        key: The thing under test.
        check: Name of the check in the policy.
        images: When the arrays are stacked over several inputs: what to call each row of
            the leading axis. Only then is an output that never changes noticed.
    """
    faults = tensor_faults(reference, candidate, images)
    if faults:
        text = "; ".join(f"{name}: {fault}" if name else fault for name, fault in faults)
        return CheckResult.failed(check, key, text, where=faults[0][0])
    short = short_names(reference)
    differences = {}
    for name in reference:
        limit = policy.limit(check, f"{short[name]}_max_abs_diff", key.model, key.variant)
        differences[name] = _difference(
            name,
            short[name],
            np.asarray(reference[name]),
            np.asarray(candidate[name]),
            limit,
            images,
        )
    compared = list(differences.values())
    return CheckResult.judged(
        check,
        key,
        tuple(measure for one in compared for measure in one.measures),
        where=max(compared, key=lambda one: one.share).where,
        message=_message(reference, differences),
    )


def tensor_faults(
    reference: _Arrays, candidate: _Arrays, images: Sequence[object] | None
) -> list[tuple[str, str]]:
    """Tensor and complaint, for all that makes a comparison meaningless."""
    if not reference and not candidate:
        return [("", "no tensors were compared")]
    missing = [(name, "missing in the candidate") for name in reference if name not in candidate]
    extra = [(name, "not in the reference") for name in candidate if name not in reference]
    faults = missing + extra
    for name in reference:
        if name in candidate:
            left, right = np.asarray(reference[name]), np.asarray(candidate[name])
            faults += [(name, text) for text in _array_faults(left, right, images)]
    return faults


def _array_faults(
    reference: _Array, candidate: _Array, images: Sequence[object] | None
) -> list[str]:
    if reference.shape != candidate.shape:
        return [f"shape {candidate.shape} instead of {reference.shape}"]
    if reference.size == 0:
        return [f"no elements in shape {reference.shape}"]
    if images is not None and reference.shape[:1] != (len(images),):
        return [f"shape {reference.shape} is not stacked over {len(images)} images"]
    sides = {"reference": reference, "candidate": candidate}
    odd = [
        f"{side} of type {one.dtype}" for side, one in sides.items() if one.dtype.kind not in "biuf"
    ]
    if odd:
        return odd
    return [text for side, one in sides.items() if (text := _not_finite(side, one, images))]


def _not_finite(side: str, values: _Array, images: Sequence[object] | None) -> str:
    finite = np.isfinite(values)
    drop_pages(values)
    if finite.all():
        return ""
    wrong = np.argwhere(~finite)
    first = tuple(wrong[0].tolist())
    return (
        f"{len(wrong)} of {values.size} values of the {side} are not finite, "
        f"the first {values[first]} at {_index(first, images)}"
    )


def _difference(
    name: str,
    short: str,
    reference: _Array,
    candidate: _Array,
    limit: Limit,
    images: Sequence[object] | None,
) -> _Difference:
    constant = is_constant(reference, candidate, images)
    distance = _distances(reference, candidate)
    worst = tuple(int(one) for one in np.unravel_index(np.argmax(distance), distance.shape))
    largest = float(distance[worst])
    mean = float(distance.mean(dtype=np.float64))
    measures = (
        Measure(f"{short}_max_abs_diff", largest, limit),
        Measure(f"{short}_mean_abs_diff", mean),
        # Last: it puts the distances in another order instead of copying them.
        Measure(f"{short}_p99_abs_diff", float(np.percentile(distance, 99, overwrite_input=True))),
        Measure(f"{short}_reference_std", _std(reference)),
    )
    where = (
        f"{name} at {_index(worst, images)}: "
        f"reference {float(reference[worst]):.6g}, candidate {float(candidate[worst]):.6g}"
    )
    return _Difference(measures, where, _share(largest, limit), constant)


def _distances(reference: _Array, candidate: _Array) -> _Array:
    """Absolute differences, an image at a time: both sides may be large files that are mapped."""
    # Whole numbers could wrap around. float32 stays: a large model has 10**8 of these values.
    floats = reference.dtype.kind == candidate.dtype.kind == "f"
    kind = np.result_type(reference, candidate) if floats else np.dtype(np.float64)
    distance = np.empty(reference.shape, kind)
    for part in range(len(reference)) if reference.ndim > 1 else (...,):
        out = distance[part]
        np.subtract(reference[part], candidate[part], out=out, dtype=kind)
        np.abs(out, out=out)
        drop_pages(reference)
        drop_pages(candidate)
    return distance


def _std(values: _Array) -> float:
    """The standard deviation in double precision, without a copy of all values in it."""
    mean = sum(float(part.sum()) for part in _parts(values)) / values.size
    squares = 0.0
    for part in _parts(values):
        centred = part - mean
        squares += float((centred * centred).sum())
    return math.sqrt(squares / values.size)


def _parts(values: _Array) -> Iterator[NDArray[np.float64]]:
    """All values in double precision, some at a time; each part is overwritten by the next."""
    yield from np.nditer(
        values,
        ["external_loop", "buffered"],
        op_dtypes=[np.float64],
        casting="same_kind",
        buffersize=_PART,
    )


def _share(largest: float, limit: Limit) -> float:
    if limit.bound > 0:
        return float(largest / limit.bound)
    return np.inf if largest > 0 else 0


def is_constant(reference: _Array, candidate: _Array, images: Sequence[object] | None) -> bool:
    """The candidate is the same for every image and the reference is not."""
    if images is None:
        return False
    constant = bool((candidate == candidate[:1]).all())
    drop_pages(candidate)
    return constant and not bool((reference == reference[:1]).all())


def _message(reference: _Arrays, differences: Mapping[str, _Difference]) -> str:
    values = sum(np.asarray(one).size for one in reference.values())
    text = f"{values} values of {len(reference)} tensors compared"
    for name, one in differences.items():
        if one.constant:
            text += f"; {name} is the same for every input, though the reference is not"
    return text


def short_names(names: Iterable[str]) -> dict[str, str]:
    """What follows the last slash; the whole name where two tensors would share it."""
    short = {name: name.rsplit("/", 1)[-1].partition(":")[0] for name in names}
    counts = Counter(short.values())
    return {
        name: one if counts[one] == 1 else name.replace("/", "_") for name, one in short.items()
    }


def _index(index: Sequence[int], images: Sequence[object] | None) -> str:
    if images is None:
        return str(list(index))
    return f"image {images[index[0]]}, {list(index[1:])}"
