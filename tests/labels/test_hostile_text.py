"""Text that is no label list takes no time that grows with its square."""

from __future__ import annotations

import contextlib

import pytest

from validation.errors import DatasetError
from validation.labels.reading import parse_labels

_MANY = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * _MANY,
        "_1" * _MANY,
        "a" + " " * _MANY + "b",
        "a" + " " * _MANY + ":x",
        "\n" * _MANY + "x",
        "names" + " " * _MANY + "x",
        "item {" * (_MANY // 4),
        "item { name: '" + "\\" * _MANY,
        "{'a':" * _MANY,
        "[" * _MANY,
        "names: ['" + "'" * _MANY,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_long_text_is_read_or_refused_at_once(text: str) -> None:
    """Whatever it is; a pattern that goes back for each character would take minutes."""
    with contextlib.suppress(DatasetError):
        assert parse_labels(text).names
