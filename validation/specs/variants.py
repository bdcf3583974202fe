"""The forms in which an SSD is shipped: how its numbers are kept, and what it ends in.

The words are used everywhere: options, test ids, file names, policy, report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from validation.errors import UsageError


class Scheme(StrEnum):
    """How a file keeps its numbers."""

    FLOAT = "float"
    FLOAT16 = "float16"
    """Weights in half precision, arithmetic in float32."""
    DYNAMIC = "dynamic"
    """Weights in 8 bits, activations quantised anew for each image."""
    INT8 = "int8"
    """All in 8 bits, activation ranges from representative images."""
    UINT8 = "uint8"
    """All in 8 bits, activation ranges from the graph's FakeQuant nodes."""


@dataclass(frozen=True)
class Variant:
    """One form of a model.

    Args:
        name: The word for it.
        scheme: How its numbers are kept.
        add_postprocessing_op: It ends in the op; False: in the two raw outputs.
    """

    name: str
    scheme: Scheme
    add_postprocessing_op: bool

    @property
    def is_quantised(self) -> bool:
        """True where its numbers are kept in fewer bits than the checkpoint's."""
        return self.scheme is not Scheme.FLOAT

    @property
    def is_full_integer(self) -> bool:
        """True where the arithmetic itself is in 8 bits."""
        return self.scheme in (Scheme.INT8, Scheme.UINT8)

    @property
    def raw_variant(self) -> str:
        """The variant with the same numbers that ends in the raw outputs."""
        return _raw_name(self.scheme)


def _raw_name(scheme: Scheme) -> str:
    return "raw" if scheme is Scheme.FLOAT else f"{scheme}-raw"


VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for scheme in Scheme
    for variant in (
        Variant(str(scheme), scheme, add_postprocessing_op=True),
        Variant(_raw_name(scheme), scheme, add_postprocessing_op=False),
    )
}


def variant_of(name: str) -> Variant:
    """The variant that a word stands for.

    Raises:
        UsageError: No such variant.
    """
    if name not in VARIANTS:
        raise UsageError("unknown variant", expected=" | ".join(VARIANTS), got=name)
    return VARIANTS[name]
