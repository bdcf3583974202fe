"""Signatures that TensorFlow asks for again and again, while a graph is built."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from tensorflow.python.util import tf_inspect


@contextlib.contextmanager
def remembered_signatures() -> Iterator[None]:
    """The arguments of a function are found out once inside the block.

    TensorFlow and tf-slim ask for them at each call of a layer, a variable or a function with a
    deprecated argument: a tenth of the time that a graph takes.
    """
    name = "_getfullargspec"
    original = getattr(tf_inspect, name)
    remembered = functools.cache(original)

    def signature(target: object) -> object:
        try:
            return remembered(target)
        except TypeError:
            # Not hashable, or no function at all: then the original says so again.
            return original(target)

    setattr(tf_inspect, name, signature)
    try:
        yield
    finally:
        setattr(tf_inspect, name, original)
