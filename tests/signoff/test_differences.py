"""Where two documents differ: each field by its path, each value on its own side."""

from __future__ import annotations

from typing import Any

import pytest

from validation.errors import CatalogueError
from validation.signoff.differences import FieldDifference, differences
from validation.signoff.soundness import Fault


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 2]}, []),
        ({"a": 1}, {"a": 2}, [("a", "1", "2")]),
        ({"a": 1}, {}, [("a", "1", "nothing")]),
        ({}, {"a": 1}, [("a", "nothing", "1")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a 2", "2", "nothing")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a 2", "nothing", "2")]),
        (
            {"a": {"b": 1, "c": 2}},
            {"a": {"b": 3, "c": 4}},
            [("a, b", "1", "3"), ("a, c", "2", "4")],
        ),
        ({"a": 1}, {"a": True}, [("a", "1", "true")]),
        ([{"name": "x", "v": 1}], [{"name": "x", "v": 2}], [(" 1 (x), v", "1", "2")]),
    ],
)
def test_differences(first: Any, second: Any, found: list[tuple[str, str, str]]) -> None:
    """In the order of the first document; types count."""
    assert list(differences(first, second)) == [FieldDifference(*each) for each in found]


def test_a_fault_of_an_error_keeps_what_was_expected_and_what_was_there() -> None:
    """Each in its own field; what the error does not say is empty."""
    error = CatalogueError("no such limit", expected="a number", got="text")
    assert Fault.of("policy", error) == Fault("policy", "no such limit", "a number", "text")
    assert Fault.of("policy", CatalogueError("no such limit")) == Fault("policy", "no such limit")
