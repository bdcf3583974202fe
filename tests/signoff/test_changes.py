"""Two runs beside each other: what moved, and which of it is for the worse."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from validation.policy.limits import Limit
from validation.policy.load import load_policy
from validation.policy.overlay import Overlay
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.run import Artefact, ArtefactRole, DatasetFacts, Footer, Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, CocoFigures, Measure, ModelKey, Timing
from validation.signoff.changes import Change, changes, circumstances, uncompared_latency

_KEY = ModelKey("a", "float")
_HEADER = Header("r", "now", (_KEY,), {"--zoo": "x"}, {"tensorflow": "2.21.0"}, {}, "0" * 64)
_FIGURES = CocoFigures(*([0.5] * 12))


def _result(value: float, check: str = "raw_parity") -> CheckResult:
    limit = Limit("max", 1.0, "why", warn=0.5)
    return CheckResult.judged(check, _KEY, (Measure("value", value, limit),), message="too far")


def _record(*results: CheckResult, ap: float = 0.5, ms: float = 10.0, **fields: Any) -> Record:
    record = Record(
        _HEADER,
        results=results or (_result(0.1),),
        accuracies=(
            Accuracy("a", "reference", "graph", _FIGURES, 9, (1,), 90, 0.0),
            Accuracy("a", "float", "file", dataclasses.replace(_FIGURES, ap=ap), 9, (1,), 90, 0.0),
        ),
        timings=(Timing("a", "float", "LiteRT", 2, 1, (ms, ms, ms)),),
        artefacts=(Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", "d" * 64, 100),),
        footer=Footer("later", 1.0, max(len(results), 1), 0),
    )
    return dataclasses.replace(record, **fields)


def _found(before: Record, after: Record) -> list[Change]:
    return [change for change in changes(before, after, load_policy()) if change.what != "verdict"]


def test_the_same_run_has_not_changed() -> None:
    """Nothing is listed where nothing moved."""
    assert changes(_record(), _record(), load_policy()) == ()
    assert circumstances(_record(), _record()) == ()


@pytest.mark.parametrize(
    ("values", "worse"), [((0.1, 0.7), True), ((0.7, 2.0), True), ((2.0, 0.1), False)]
)
def test_status_of_a_check(values: tuple[float, float], worse: bool) -> None:
    """A check that turned from pass to warn or to fail is worse, the way back is not."""
    (change,) = _found(*(_record(_result(value)) for value in values))
    assert (change.subject, change.what, change.worse) == ("a-float", "raw_parity", worse)
    assert change.before != change.after
    assert change.reason.startswith("too far")


def test_lost_evidence_is_worse() -> None:
    """A check that is no longer made cannot be signed; a new one that passes is no harm."""
    both = _record(_result(0.1), _result(0.1, "canaries"))
    (lost,) = _found(both, _record())
    assert (lost.what, lost.after, lost.worse) == ("canaries", "", True)
    assert lost.reason == "no longer tested"
    (new,) = _found(_record(), both)
    assert (new.what, new.before, new.worse) == ("canaries", "", False)


def test_lost_model_is_worse() -> None:
    """A variant that the later run did not select is worse, by its verdict."""
    nothing = _record(header=dataclasses.replace(_HEADER, selection=(ModelKey("b", "float"),)))
    lost = dataclasses.replace(nothing, results=(), accuracies=(), timings=(), artefacts=())
    found = changes(_record(), lost, load_policy())
    verdicts = {change.subject: change for change in found if change.what == "verdict"}
    assert verdicts["a-float"].worse
    assert verdicts["a-float"].after == ""


@pytest.mark.parametrize(
    ("ap", "count", "worse"),
    [(0.4998, 0, False), (0.4993, 1, False), (0.6, 1, False), (0.4, 1, True)],
)
def test_average_precision(ap: float, count: int, worse: bool) -> None:
    """What COCO's three decimals do not show is no news; beyond accuracy's limit it is worse."""
    found = _found(_record(), _record(ap=ap))
    assert len(found) == count
    assert any(change.worse for change in found) is worse


def test_drop_of_the_reference_is_worse_too() -> None:
    """The inference graph itself is scored; its drop says that the data or TensorFlow moved."""
    after = _record()
    low = dataclasses.replace(after.accuracies[0], figures=dataclasses.replace(_FIGURES, ap=0.3))
    (change,) = _found(_record(), dataclasses.replace(after, accuracies=(low, after.accuracies[1])))
    assert change.subject == "a-reference"
    assert change.worse


def test_another_file_is_listed_and_not_judged() -> None:
    """It is news, and keeps nobody from signing."""
    other = Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", "e" * 64, 90)
    found = _found(_record(), _record(artefacts=(other,)))
    assert [(change.what, change.worse) for change in found] == [("file", False)]


@pytest.mark.parametrize(
    ("sha256", "which"),
    [("d" * 64, "all files are the same"), ("e" * 64, "1 file of 1 differ")],
)
def test_latency_of_two_runs_is_no_change(sha256: str, which: str) -> None:
    """However far apart: no call of one run was made beside one of the other. It is said once."""
    other = Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", sha256, 100)
    before, after = _record(), _record(ms=20.0, artefacts=(other,))
    assert not any("latency" in change.what for change in _found(before, after))
    said = uncompared_latency(before, after)
    assert which in said
    assert "--baseline" in said
    assert uncompared_latency(before, dataclasses.replace(after, timings=())) == ""


@pytest.mark.parametrize(
    ("change", "interval", "count"),
    [
        (-0.002, (-0.003, -0.001), 1),
        (-0.002, (-0.005, 0.001), 0),
        (0.01, (0.001, 0.02), 1),
        (0.01, (-0.001, 0.02), 0),
    ],
)
def test_ap_is_compared_by_its_interval(
    change: float, interval: tuple[float, float], count: int
) -> None:
    """What the images do not tell apart is no change; what they do is listed with its interval."""
    low, high = interval
    ap = Difference(Figure.AP, 0.5, 0.5 + change, 9, low, high, 0.005, 1000)
    paired = {_KEY: ApDifference("a", "float", "", 9, 1000, 0, False, (ap,))}
    found = changes(_record(), _record(ap=0.5 + change), load_policy(), paired)
    moved = [each for each in found if each.what.startswith("AP")]
    assert len(moved) == count
    assert all("95 % interval" in each.reason for each in moved)


@pytest.mark.parametrize(("low", "worse"), [(-0.25, True), (-0.35, False)])
def test_a_large_drop_that_is_not_certain_is_said(low: float, worse: bool) -> None:
    """On a handful of images anything may be chance; a drop that would be a failure is listed."""
    ap = Difference(Figure.AP, 0.5, 0.3, 9, low, -0.1 if worse else 0.02, 0.1, 1000)
    paired = {_KEY: ApDifference("a", "float", "", 9, 1000, 0, False, (ap,))}
    (change,) = changes(_record(), _record(ap=0.3), load_policy(), paired)
    assert change.worse is worse
    assert change.reason.endswith("too few images to tell") is not worse


@pytest.mark.parametrize(
    ("reference", "low"),
    [(0.5, math.nan), (0.31, -0.02)],
    ids=["no interval could be made", "of other flags"],
)
def test_an_interval_that_is_none_of_these_figures(reference: float, low: float) -> None:
    """The figures are compared by their number: nothing becomes equal by it."""
    ap = Difference(Figure.AP, reference, 0.3, 9, low, 0.02, 0.005, 1000)
    paired = {_KEY: ApDifference("a", "float", "", 9, 1000, 0, False, (ap,))}
    (change,) = changes(_record(), _record(ap=0.3), load_policy(), paired)
    assert change.worse
    assert change.reason == "-0.2000"


def test_what_is_worse_comes_first() -> None:
    """What is worse comes first, since the top line is read first."""
    other = Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", "e" * 64, 90)
    found = changes(_record(), _record(_result(2.0), artefacts=(other,)), load_policy())
    worse = [change.worse for change in found]
    assert worse == sorted(worse, reverse=True)
    assert worse[0] and not worse[-1]


def test_circumstances_that_differ() -> None:
    """Versions, options, images and limits are listed, so that unlike runs are not compared."""
    other = dataclasses.replace(
        _HEADER,
        versions={"tensorflow": "2.22.0"},
        options={},
        policy_sha256="1" * 64,
        dataset=DatasetFacts("coco", "c" * 64, 80, 200),
    )
    found = circumstances(_record(), _record(header=other))
    assert {change.what for change in found} == {
        "version tensorflow",
        "option --zoo",
        "limits",
        "labelled images",
    }
    assert not any(change.worse for change in found)


def test_policies_of_their_own_differ() -> None:
    """A limit of the user's own is named as a circumstance, by its file."""
    own = dataclasses.replace(_HEADER, policy_overlay=Overlay("own.toml", "f" * 64))
    (change,) = circumstances(_record(), _record(header=own))
    assert change == Change("run", "limits", "0" * 12, f"{'0' * 12} with own.toml, {'f' * 12}")
