"""Operators that no plain TensorFlow Lite runtime has: what they are and which file to use."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from validation.errors import ConversionError, first_few
from validation.kinds.edge_tpu import EXPECTED, uncompiled
from validation.specs.contracts import POSTPROCESS_NAME

EDGE_TPU = "edgetpu-custom-op"
_FLEX = "Flex"
_ADVICE = {
    "edgetpu": "compiled for the Edge TPU; only that chip runs it, and this op holds the model",
    "flex": "ops of TensorFlow itself, which apps have only with the Flex delegate",
    "custom": "ops that belong to neither TensorFlow Lite nor the OD API",
}


def foreign_ops(ops: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The ops of a file that need more than a plain runtime: ``edgetpu``, ``flex``, ``custom``.

    Args:
        ops: Names of its custom ops.
    """
    found: dict[str, list[str]] = {}
    for name in ops:
        if name == EDGE_TPU:
            found.setdefault("edgetpu", []).append(name)
        elif name.startswith(_FLEX):
            found.setdefault("flex", []).append(name)
        elif name != POSTPROCESS_NAME:
            found.setdefault("custom", []).append(name)
    return {kind: tuple(names) for kind, names in found.items()}


def describe_foreign(kind: str) -> str:
    """What a kind of `foreign_ops` means."""
    return _ADVICE[kind]


def refusal(ops: Collection[str], file: str) -> ConversionError | None:
    """The error for a file that LiteRT does not load because of its ops; None where they are known.

    Args:
        ops: Names of the file's custom ops.
        file: Its name.
    """
    foreign = foreign_ops(ops)
    if "edgetpu" in foreign:
        return ConversionError(
            "the file is compiled for the Edge TPU, and only that chip runs it",
            expected=EXPECTED,
            got=EDGE_TPU,
            where=file,
            next_step=uncompiled(file),
        )
    if "flex" in foreign:
        return ConversionError(
            "the file has ops of TensorFlow itself, which LiteRT runs only with the Flex delegate",
            expected="TensorFlow Lite's builtin ops and " + POSTPROCESS_NAME,
            got=first_few(foreign["flex"]),
            where=file,
            next_step="convert the graph that export writes, without SELECT_TF_OPS",
        )
    if "custom" in foreign:
        return ConversionError(
            "the file has custom ops that LiteRT does not know",
            expected="TensorFlow Lite's builtin ops and " + POSTPROCESS_NAME,
            got=first_few(foreign["custom"]),
            where=file,
            next_step="give a file that was converted without them",
        )
    return None
