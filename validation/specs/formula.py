"""How pixels become an input, as people write it."""

from __future__ import annotations

from collections.abc import Sequence


def format_formula(scale: Sequence[float], offset: Sequence[float]) -> str:
    """``pixel * 0.007843 - 1``, or one for each channel."""
    each = [_formula(*pair) for pair in zip(scale, offset, strict=True)]
    if len(set(each)) == 1:
        return each[0]
    return "; ".join(f"{channel}: {formula}" for channel, formula in zip("RGB", each, strict=True))


def _formula(scale: float, offset: float) -> str:
    scaled = "pixel" if scale == 1 else f"pixel * {scale:.7g}"
    if offset == 0:
        return scaled
    return f"{scaled} {'-' if offset > 0 else '+'} {abs(offset):.7g}"
