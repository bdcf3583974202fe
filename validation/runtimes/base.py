"""What every runtime offers: specs of its inputs and outputs, and arrays in and out by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np

from validation.errors import FeedError
from validation.specs.tensors import TensorSpec


class Runtime(Protocol):
    """A loaded model. Use it as a context manager; arrays go in and come out by name."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What `run` must be fed."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What `run` returns."""

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run once.

        Args:
            feed: One array for each input, of its dtype and shape.

        Returns:
            Fresh arrays by output name; the next run does not change them.

        Raises:
            FeedError: Names, dtypes or shapes do not fit.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def check_feed(feed: Mapping[str, np.ndarray], inputs: Sequence[TensorSpec]) -> None:
    """Refuse a feed that does not fit, before the runtime sees it.

    Raises:
        FeedError: Says what the model takes and what it was given.
    """
    expected = {spec.name: spec for spec in inputs}
    if set(feed) != set(expected):
        raise FeedError(
            "the feed does not name the model's inputs",
            expected=", ".join(sorted(expected)),
            got=", ".join(sorted(feed)) or "nothing",
        )
    for name, array in feed.items():
        spec = expected[name]
        if array.dtype.name != spec.dtype:
            raise FeedError(
                "the feed has another dtype than the model's input",
                expected=_format_bytes(spec.dtype, array.size),
                got=_format_bytes(array.dtype.name, array.size),
                where=name,
                next_step=f"quantise it by the input's scale {spec.scale:g} and zero point "
                f"{spec.zero_point}"
                if spec.scale is not None
                else "normalise it to float as the model's preprocessing says",
            )
        fits = len(array.shape) == len(spec.shape) and all(
            want in (-1, have) for want, have in zip(spec.shape, array.shape, strict=True)
        )
        if not fits:
            raise FeedError(
                "the feed has another shape than the model's input",
                expected=list(spec.shape),
                got=list(array.shape),
                where=name,
            )


def _format_bytes(dtype: str, elements: int) -> str:
    """Apps see a wrong dtype as a buffer of the wrong size."""
    try:
        size = elements * np.dtype(dtype).itemsize
    except TypeError:  # TensorFlow has types that NumPy has not
        return dtype
    return f"{dtype} ({size} bytes)"
