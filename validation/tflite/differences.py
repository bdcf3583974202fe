"""What differs between two .tflite files, before either is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

_NONE = "none"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in both files.

    Args:
        what: Which fact of `TfliteFile`.
        first: Its value as text, ``none`` where the file does not have it.
        second: See first.
    """

    what: str
    first: str
    second: str


def differences(first: TfliteFile, second: TfliteFile) -> tuple[Difference, ...]:
    """Every fact that differs between two files, what an app binds to first.

    Weights count by their number of bytes alone: only a run shows what they do to images.
    """
    sides = [dict(_facts(file)) for file in (first, second)]
    return tuple(
        Difference(what, *(side.get(what, _NONE) for side in sides))
        for what in dict.fromkeys([*sides[0], *sides[1]])
        if sides[0].get(what) != sides[1].get(what)
    )


def _facts(file: TfliteFile) -> Iterable[tuple[str, str]]:
    for kind, specs in (("input", file.inputs), ("output", file.outputs)):
        for position, spec in enumerate(specs):
            yield f"{kind} {position}", _describe_tensor(spec)
    if file.postprocess is not None:
        for field in dataclasses.fields(file.postprocess):
            yield field.name, str(getattr(file.postprocess, field.name))
    yield "anchors", "x".join(map(str, file.anchors)) or _NONE
    for name, count in file.ops.items():
        yield f"op {name}", str(count)
    for dtype, count in file.tensors.items():
        yield f"tensors of {dtype}", str(count)
    yield "tensors with a scale a channel", str(file.per_channel)
    yield "minimum runtime", file.min_runtime or _NONE
    yield "bytes of constants", f"{file.constant_bytes:,}"
    yield "bytes", f"{file.size_bytes:,}"


def _describe_tensor(spec: TensorSpec) -> str:
    text = f"{spec.name} {spec.dtype} {list(spec.shape)}"
    if spec.scale is None:
        return text
    return f"{text} scale {spec.scale:.6g} zero point {spec.zero_point}"
