"""Two runs beside each other: what moved, and which of it is for the worse."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from validation.checks.registry import CHECKS
from validation.policy.limits import Limit, Status
from validation.policy.load import load_policy
from validation.policy.overlay import Overlay
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.baseline import Baseline, BaselineKind, Outcome
from validation.record.coco_figures import CocoFigures
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.machine_class import MachineClass
from validation.record.run import Artefact, ArtefactRole, DatasetFacts, Footer, GivenFile, Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.signoff.changes import ONCE_A_RUN, Change, changes, uncompared_latency
from validation.signoff.circumstances import CircumstanceKind, RunCircumstance, circumstances
from validation.specs.references import ReferenceKind

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


def _around(before: Record, after: Record) -> tuple[RunCircumstance, ...]:
    return circumstances(before, after, load_policy())


def test_the_same_run_has_not_changed() -> None:
    """Nothing is listed where nothing moved."""
    assert changes(_record(), _record(), load_policy()) == ()
    assert _around(_record(), _record()) == ()


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ((0.1, 0.7), Outcome.WORSE),
        ((0.7, 2.0), Outcome.WORSE),
        ((2.0, 0.7), Outcome.BETTER),
        ((2.0, 0.1), Outcome.BETTER),
    ],
)
def test_status_of_a_check(values: tuple[float, float], outcome: Outcome) -> None:
    """A check that turned from pass to warn or to fail is worse, the way back is a gain."""
    (change,) = _found(*(_record(_result(value)) for value in values))
    assert (change.subject, change.what, change.outcome) == ("a-float", "raw_parity", outcome)
    assert change.before != change.after
    assert change.reason.startswith("too far")


def test_a_failure_that_is_not_known_any_more_is_no_gain() -> None:
    """Nothing says that it would pass now; what the later run says is why."""
    unknown = CheckResult.unknown("raw_parity", _KEY, "not measured")
    found = changes(_record(_result(2.0)), _record(unknown), load_policy())
    (change,) = (each for each in found if each.what == "raw_parity")
    assert (change.after, change.outcome) == ("unknown", Outcome.CHANGED)
    assert change.reason == "not measured"


def test_lost_evidence_is_worse() -> None:
    """A check that is no longer made cannot be signed; a new one that passes is no harm."""
    both = _record(_result(0.1), _result(0.1, "canaries"))
    (lost,) = _found(both, _record())
    assert (lost.what, lost.after, lost.outcome) == ("canaries", "", Outcome.WORSE)
    assert lost.reason == "no longer tested"
    (new,) = _found(_record(), both)
    assert (new.what, new.before, new.outcome) == ("canaries", "", Outcome.CHANGED)


def test_lost_model_is_worse() -> None:
    """A variant that the later run did not select is worse, by its verdict."""
    nothing = _record(header=dataclasses.replace(_HEADER, selection=(ModelKey("b", "float"),)))
    lost = dataclasses.replace(nothing, results=(), accuracies=(), timings=(), artefacts=())
    found = changes(_record(), lost, load_policy())
    verdicts = {change.subject: change for change in found if change.what == "verdict"}
    assert verdicts["a-float"].outcome is Outcome.WORSE
    assert verdicts["a-float"].after == ""


@pytest.mark.parametrize(
    ("ap", "outcomes"),
    [
        (0.4998, []),
        (0.4993, [Outcome.CHANGED]),
        (0.6, [Outcome.BETTER]),
        (0.4, [Outcome.WORSE]),
    ],
)
def test_average_precision(ap: float, outcomes: list[Outcome]) -> None:
    """What COCO's three decimals do not show is no news; beyond accuracy's limit it is worse."""
    found = _found(_record(), _record(ap=ap))
    assert [change.outcome for change in found] == outcomes


def test_a_diagnosis_of_one_run_alone_is_listed() -> None:
    """New with its next step, gone as such; one of both runs is no change, nor worse by itself."""
    wrong = Diagnosis("a", "float", FaultKind.MIRRORED, Place.FEED, DiagnosedBy.HYPOTHESIS)
    direct = dataclasses.replace(wrong, by=DiagnosedBy.ROUTES, where="a kernel")
    with_it, without = _record(diagnoses=(wrong,)), _record()
    (new,), (gone,) = _found(without, with_it), _found(with_it, without)
    assert (new.what, new.before, new.after, new.outcome) == (
        "diagnosis",
        "",
        "feed: images are mirrored",
        Outcome.CHANGED,
    )
    assert new.reason == "next step: feed the image as it is"
    assert (gone.before, gone.after) == (new.after, new.before)
    assert _found(with_it, _record(diagnoses=(direct,))) == []
    # Of a file that one run alone tested the verdict is the change.
    foreign = dataclasses.replace(wrong, model="b")
    assert _found(_record(diagnoses=(foreign,)), without) == []


def test_drop_of_the_reference_is_worse_too() -> None:
    """The inference graph itself is scored; its drop says that the data or TensorFlow moved."""
    after = _record()
    low = dataclasses.replace(after.accuracies[0], figures=dataclasses.replace(_FIGURES, ap=0.3))
    (change,) = _found(_record(), dataclasses.replace(after, accuracies=(low, after.accuracies[1])))
    assert change.subject == "a-reference"
    assert change.outcome is Outcome.WORSE


def test_another_file_is_listed_and_not_judged() -> None:
    """It is news, and does not keep a run from being signed."""
    other = Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", "e" * 64, 90)
    found = _found(_record(), _record(artefacts=(other,)))
    assert [(change.what, change.outcome) for change in found] == [("file", Outcome.CHANGED)]


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
    assert (change.outcome is Outcome.WORSE) is worse
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
    assert change.outcome is Outcome.WORSE
    assert change.reason == "-0.2000"


def test_what_is_worse_comes_first() -> None:
    """And gains last, since the top line is read first."""
    other = Artefact("a", ArtefactRole.TFLITE, "float", "a.tflite", "e" * 64, 90)
    found = _found(_record(), _record(_result(2.0), artefacts=(other,), ap=0.6))
    assert [change.outcome for change in found] == [
        Outcome.WORSE,
        Outcome.CHANGED,
        Outcome.BETTER,
    ]


_LEAN = dataclasses.replace(load_policy(), required={})
_BASELINE = Baseline(
    BaselineKind.RUN,
    "night",
    "night",
    "now",
    MachineClass("", 2, "x86_64"),
    {},
    Status.PASS,
    (),
    "baseline/baseline.json",
    "0" * 64,
    1,
)


def _compared(status_value: float = 0.0, **fields: Any) -> Record:
    """A run with a baseline, which its check found as it was, or not."""
    return _record(_result(0.1), _result(status_value, "baseline"), baseline=_BASELINE, **fields)


@pytest.mark.parametrize("value", [0.0, 0.7, 2.0])
def test_a_baseline_of_one_run_is_a_circumstance(value: float) -> None:
    """Said once, whatever its check found; neither the check nor its verdict is a change."""
    footer = Footer("later", 1.0, 2, int(value > 1))
    runs = _record(), _compared(value, footer=footer)
    for before, after in (runs, runs[::-1]):
        assert changes(before, after, _LEAN) == ()
        (around,) = _around(before, after)
        assert (around.kind, around.left_out) == (CircumstanceKind.BASELINE, ("baseline",))


def test_a_baseline_of_both_runs_is_compared() -> None:
    """Every night has one: what its check finds is news."""
    (change,) = _found(_compared(), _compared(0.7))
    assert (change.what, change.outcome) == ("baseline", Outcome.WORSE)
    assert _around(_compared(), _compared()) == ()


def test_another_failure_stays_one_without_the_baseline() -> None:
    """What is left out excuses nothing else of that run."""
    footer = Footer("later", 1.0, 1, 2)
    found = changes(_record(), _compared(2.0, footer=footer), _LEAN)
    verdicts = {(each.subject, each.after) for each in found if each.what == "verdict"}
    assert ("run", "unknown") in verdicts


def test_checks_of_a_given_file_that_another_reference_cannot_give() -> None:
    """They are left out, and the reference says so once."""
    key = ModelKey("a", "float", "x.tflite")
    given = GivenFile("a", "float", "x.tflite", "d" * 64, ReferenceKind.GRAPH)

    def run(kind: ReferenceKind, *results: CheckResult) -> Record:
        of_kind = dataclasses.replace(given, reference=kind)
        header = dataclasses.replace(_HEADER, selection=(key,), given=(of_kind,))
        return Record(header, results=results, footer=Footer("later", 1.0, len(results), 0))

    measures = (Measure("value", 0.1, Limit("max", 1.0, "why")),)
    sides = (
        run(ReferenceKind.GRAPH, CheckResult.judged("raw_parity", key, measures)),
        run(ReferenceKind.NONE, CheckResult.unknown("raw_parity", key, "no reference")),
    )
    assert not any(each.what == "raw_parity" for each in changes(*sides, load_policy()))
    (around,) = _around(*sides)
    assert (around.kind, around.subjects) == (CircumstanceKind.REFERENCE, (str(key),))
    assert "raw_parity" in around.left_out


def test_a_file_that_one_run_tested_alone_is_one_change() -> None:
    """Its verdict, and not each of its checks once more."""
    other = ModelKey("b", "float")
    measures = (Measure("value", 0.1, Limit("max", 1.0, "why")),)
    more = tuple(CheckResult.judged(check, other, measures) for check in ("archive", "canaries"))
    header = dataclasses.replace(_HEADER, selection=(_KEY, other))
    both = _record(_result(0.1), *more, header=header)
    found = changes(_record(), both, load_policy())
    assert [each.what for each in found if each.subject == str(other)] == ["verdict"]


def test_a_check_of_the_tools_moves_with_the_selection() -> None:
    """It is made of the first model of a variant: another first model is no loss of evidence."""
    first = ModelKey("0", "float")
    measures = (Measure("value", 0.1, Limit("max", 1.0, "why")),)
    header = dataclasses.replace(_HEADER, selection=(first, _KEY))
    guide = [CheckResult.judged("guide", key, measures) for key in (_KEY, first)]
    alone = _record(_result(0.1), guide[0])
    found = changes(alone, _record(_result(0.1), guide[1], header=header), load_policy())
    assert not any(each.what == "guide" for each in found)
    lost = changes(alone, _record(_result(0.1)), load_policy())
    assert [each.outcome for each in lost if each.what == "guide"] == [Outcome.WORSE]


def test_checks_of_the_tools() -> None:
    """Those that the table of checks makes once a variant."""
    assert {row.name for row in CHECKS if row.first_only} == set(ONCE_A_RUN)


def test_circumstances_that_differ() -> None:
    """Versions, options, images and limits are listed, so that unlike runs are not compared."""
    other = dataclasses.replace(
        _HEADER,
        versions={"tensorflow": "2.22.0"},
        options={},
        policy_sha256="1" * 64,
        dataset=DatasetFacts("coco", "c" * 64, 80, 200),
    )
    found = _around(_record(), _record(header=other))
    assert {change.what for change in found} == {
        "version tensorflow",
        "option --zoo",
        "limits",
        "labelled images",
    }


def test_policies_of_their_own_differ() -> None:
    """A limit of the user's own is named as a circumstance, by its file."""
    own = dataclasses.replace(_HEADER, policy_overlay=Overlay("own.toml", "f" * 64))
    (change,) = _around(_record(), _record(header=own))
    words = "0" * 12, f"{'0' * 12} with own.toml, {'f' * 12}"
    assert change == RunCircumstance(CircumstanceKind.LIMITS, "", *words)
