"""An error says what is wrong with which file, and ten checks that it stops say it once."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from validation.errors import (
    ConfigError,
    CorruptGraph,
    DatasetError,
    GraphError,
    NotProvided,
    UsageError,
    ValidationError,
    read_from,
)
from validation.record.diagnosis import DiagnosedBy, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis, next_step
from validation.record.lines import from_line, to_line
from validation.record.stopped import diagnoses_of_error, not_said, with_diagnosis
from validation.record.types import ModelKey
from validation.root_cause import RootCause

_KEY = ModelKey("ssd", "float")
_CUT = CorruptGraph(
    "this is only part of a graph", got="12 bytes", where=Path("/a/graph.pb"), place=Place.GRAPH
)


def test_error_of_a_file_is_a_diagnosis() -> None:
    """Kind by its class, values and next step its own, the place by name and not by folder."""
    error = ConfigError("odd", expected=2, got=3, where="p.config, line 4", next_step="write 2")
    (found,) = diagnoses_of_error(error, _KEY, "archive")
    assert (found.fault, found.place, found.by) == (
        FaultKind.INVALID,
        Place.CONFIG,
        DiagnosedBy.ERROR,
    )
    assert (found.key, found.check) == (_KEY, "archive")
    assert describe_diagnosis(found) == (
        "pipeline.config: the content is not valid: odd (p.config, line 4)"
    )
    assert next_step(found) == "write 2"
    (cut,) = diagnoses_of_error(_CUT, _KEY)
    assert (cut.fault, cut.where, cut.got) == (FaultKind.DAMAGED, "graph.pb", "12 bytes")
    assert from_line(to_line(cut)) == cut


def test_causes_go_before_the_message() -> None:
    """Each with values of its own; where one has no place, it is the error's."""
    causes = (
        RootCause(FaultKind.CLASS_COUNT, where="line 5", expected=8, got=7, next_step="8"),
        RootCause(FaultKind.NMS, Place.GRAPH, got=(0.6, None)),
    )
    error = GraphError("they differ", got="a list", where="x", place=Place.ARCHIVE, causes=causes)
    first, second = diagnoses_of_error(error, _KEY)
    assert (first.place, first.where, first.expected, first.got) == (Place.ARCHIVE, "line 5", 8, 7)
    assert (second.place, second.where, second.got) == (Place.GRAPH, "x", (0.6, None))


@pytest.mark.parametrize(
    "error",
    [
        UsageError("an option"),
        NotProvided("nothing to compare"),
        GraphError("of no known kind", place=Place.GRAPH),
        CorruptGraph("in a file of no known role"),
        KeyError("x"),
    ],
)
def test_what_is_about_no_file_is_no_diagnosis(error: Exception) -> None:
    """A wrong option, an error of another library, and a file whose place is not known."""
    assert diagnoses_of_error(error, _KEY) == ()


def test_caller_says_what_the_file_is_to_the_model() -> None:
    """A reader's own word goes before it."""
    for error, place in (
        (CorruptGraph("cut"), Place.SHIPPED_GRAPH),
        (CorruptGraph("cut", place=Place.GRAPH), Place.GRAPH),
    ):
        with pytest.raises(ValidationError) as caught, read_from(Place.SHIPPED_GRAPH):
            raise error
        (found,) = diagnoses_of_error(caught.value, _KEY)
        assert found.place is place


def test_diagnosis_travels_between_processes() -> None:
    """Checks run in children, and their errors come from there."""
    sent = pickle.loads(pickle.dumps(_CUT))
    assert diagnoses_of_error(sent, _KEY) == diagnoses_of_error(_CUT, _KEY)


def test_one_file_that_stops_ten_checks_is_one_fault() -> None:
    """Of each subject the first check says it."""
    said: set[object] = set()
    raw = dataclasses.replace(_KEY, variant="raw")
    counts = [
        len(not_said(diagnoses_of_error(_CUT, key, check), said))  # type: ignore[arg-type]
        for key in (_KEY, raw)
        for check in ("archive", "export_contract", "accuracy")
    ]
    assert counts == [1, 0, 0, 1, 0, 0]
    advised = [dataclasses.replace(each, next_step="x") for each in diagnoses_of_error(_CUT, _KEY)]
    assert not_said(advised, said) == []  # type: ignore[arg-type]


def test_message_of_a_session_names_the_fault_and_says_no_step_twice() -> None:
    """The message has the next step already."""
    error = DatasetError(
        "boxes reach beyond",
        where="a.json",
        next_step="add --box-format=xyxy",
        causes=[
            RootCause(
                FaultKind.BOX_LAYOUT,
                expected="xywh",
                got="xyxy",
                next_step="add --box-format=xyxy",
            )
        ],
    )
    assert with_diagnosis(error) == (
        "boxes reach beyond (a.json); add --box-format=xyxy; diagnosis: labels: boxes of the "
        "labels are in another layout: xyxy instead of xywh (a.json)"
    )
    assert with_diagnosis(UsageError("odd")) == "odd; --help lists what there is"
