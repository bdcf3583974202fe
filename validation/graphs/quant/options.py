"""The graph_rewriter message of a config, and which TensorFlow release rewrote the graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from validation.errors import ConfigError
from validation.pipeline.config import PipelineConfig

_PATH = "graph_rewriter.quantization"
# What the op FakeQuantWithMinMaxVars takes.
_FEWEST_BITS, _MOST_BITS = 2, 16


class Sums(StrEnum):
    """Whether sums and products between layers have ranges, and what these are named after.

    A config does not tell the release of its training; the names in the checkpoint do.
    """

    NONE = ""
    """Up to TensorFlow 1.12."""
    ADD = "Add"
    """TensorFlow 1.13 and 1.14."""
    ADD_V2 = "AddV2"
    """TensorFlow 1.15, whose ``+`` makes another op."""


@dataclass(frozen=True)
class QuantisationOptions:
    """What the rewriting reads from a config and from the names in a checkpoint.

    Args:
        weight_bits: Of the weights' ranges.
        activation_bits: Of all other ranges.
        sums: See `Sums`.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    sums: Sums = Sums.ADD_V2


def quantisation_options(
    config: PipelineConfig, *, sums: Sums = Sums.ADD_V2
) -> QuantisationOptions | None:
    """Read graph_rewriter.quantization; None where the model is a float one.

    ``delay`` counts training steps. ``symmetric`` decides how training chooses the ends of a
    range; the evaluation form reads both ends as they were stored, and is the same graph
    either way (TensorFlow 1.15, contrib/quantize/python/quant_ops.py).

    Args:
        config: Of an SSD.
        sums: Whether sums and products have ranges of their own.

    Raises:
        ConfigError: Bits that the fake quantisation cannot have.
    """
    if not config.is_quantized:
        return None
    message: Any = config.message.graph_rewriter.quantization
    for name in ("weight_bits", "activation_bits"):
        bits = getattr(message, name)
        if not _FEWEST_BITS <= bits <= _MOST_BITS:
            raise ConfigError(
                f"{name} that FakeQuantWithMinMaxVars does not have",
                expected=f"{_FEWEST_BITS} to {_MOST_BITS}",
                got=bits,
                where=config.where(f"{_PATH}.{name}"),
            )
    return QuantisationOptions(message.weight_bits, message.activation_bits, sums)


def sums_of(names: Iterable[str]) -> Sums:
    """What a checkpoint's names say of the release that rewrote its graph.

    Args:
        names: Of all tensors of the checkpoint.
    """
    scopes = {name.rsplit("/", 2)[-2] for name in names if name.count("/") > 1}
    if "activation_AddV2_quant" in scopes:
        return Sums.ADD_V2
    if scopes & {"activation_Add_quant", "activation_Mul_quant"}:
        return Sums.ADD
    return Sums.NONE
