"""One tree of errors, drawn as it is, with messages that help at night."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation import errors
from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    IntegrityError,
    UsageError,
    ValidationError,
)

_CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if kind.__module__ == errors.__name__
]
_BRANCH = re.compile(r"(?P<indent>[│ ]*)[├└]── (?P<name>\w+)\s+(?P<promise>.+)")


def _drawn_tree() -> dict[str, tuple[str, str]]:
    """Parent and promise of each class, as the module's docstring draws them."""
    lines = (errors.__doc__ or "").splitlines()
    drawn: dict[str, tuple[str, str]] = {}
    parents = ["ValidationError"]
    for line in lines:
        if found := _BRANCH.search(line):
            depth = (len(found["indent"]) - 4) // 4
            drawn[found["name"]] = (parents[depth], found["promise"])
            parents[depth + 1 :] = [found["name"]]
    return drawn


def test_drawn_tree_is_the_classes() -> None:
    """Whoever reads the top of the module knows every class and its parent."""
    drawn = {name: parent for name, (parent, _) in _drawn_tree().items()}
    classes = {
        kind.__name__: kind.__bases__[0].__name__
        for kind in _CLASSES
        if kind is not ValidationError
    }
    assert drawn == classes
    assert list(drawn) != []


@pytest.mark.parametrize("name", sorted(_drawn_tree()))
def test_drawn_promise_is_the_docstring(name: str) -> None:
    """The tree and the class say the same about what the class is for."""
    _, promise = _drawn_tree()[name]
    said = (getattr(errors, name).__doc__ or "").rstrip(".")
    assert said.casefold() == promise.partition(" (exit code")[0].casefold()


@pytest.mark.parametrize("kind", _CLASSES, ids=lambda kind: kind.__name__)
def test_exit_codes(kind: type[ValidationError]) -> None:
    """Wrong use is 2, every other refusal is 1."""
    assert kind("x").exit_code == (2 if issubclass(kind, UsageError) else 1)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no such file"),
        ({"where": "a.pb"}, "no such file (a.pb)"),
        ({"expected": 1}, "no such file: expected 1"),
        ({"got": 0}, "no such file: got 0"),
        ({"expected": "a", "got": ""}, "no such file: expected a, got"),
        ({"next_step": "fetch it"}, "no such file; fetch it"),
        (
            {"where": "a.pb", "expected": 1, "got": 2, "next_step": "fetch it"},
            "no such file (a.pb): expected 1, got 2; fetch it",
        ),
    ],
)
def test_message_is_made_of_the_fields(fields: dict[str, object], text: str) -> None:
    """What, where, expected, got, next step; what is not known is not mentioned."""
    error = ArtefactMissing("no such file", **fields)  # type: ignore[arg-type]
    assert str(error) == text


@given(st.text(), st.text(), st.text(), st.text(), st.text())
@settings(max_examples=50, deadline=None)
def test_message_is_one_line(what: str, expected: str, got: str, where: str, step: str) -> None:
    """Whatever the fields hold, the message stays one line without doubled blanks."""
    text = str(IntegrityError(what, expected=expected, got=got, where=where, next_step=step))
    assert text.splitlines() in ([text], [])
    assert "  " not in text


@pytest.mark.parametrize("kind", _CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_travel_between_processes(kind: type[ValidationError], again: object) -> None:
    """A copy has the class, the message and every field, as xdist's workers need it."""
    error = kind("what", expected=3, got=(1, 2), where="here", next_step="do")
    error.add_note("a note")
    twin = again(error)  # type: ignore[operator]
    assert type(twin) is kind
    assert twin.__dict__ == error.__dict__
    assert (str(twin), twin.args) == (str(error), error.args)


def test_parents_catch_their_children() -> None:
    """One except clause for a stage's files catches each kind of trouble with them."""
    with pytest.raises(ArtefactError, match="sha256"):
        raise IntegrityError("sha256 differs")
    with pytest.raises(ValidationError, match="nothing chosen"):
        raise UsageError("nothing chosen")
