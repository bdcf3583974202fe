"""Whatever is wrong with a model turns a check red, and nothing else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fault_table import BOTH, FAULTS, Fault
from miniature_cases import MODEL, VARIANTS, MiniatureFiles, make_case, own_canaries, with_key

from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.signoff.rules import Judgement, judge
from validation.workspace.context import CheckContext

Results = dict[tuple[str, str], CheckResult]


class _Stopwatch:
    """Times nothing and says so many seconds."""

    def __init__(self) -> None:
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[0.004] * 50))

    def pedantic(self, target: Callable[[], object], **_: int) -> object:
        return target()


# A check that the miniature, a model of no true architecture, can be judged by. Faults of the
# others: route_parity, quantisation, fake_quant_lint and guide in tests/checks, ranges in
# tests/comparison/test_fake_quant_check.py, what is worse than before in test_baseline.py there.
_APART = {"route_parity", "quantisation", "fake_quant_lint", "guide", "baseline"}
_TRIED = [check for check in CHECKS if check.name not in _APART]
# `evidence` says how much is known, whatever a file does: comparison/test_evidence_rules.py.
# `reference_contract` speaks of given files alone: checks/test_reference_contract.py.
_OF_NO_FILE = {"evidence", "reference_contract"}
_POLICY = load_policy(Path(__file__).parents[1] / "support" / "little_evidence.toml")


def _run(context: CheckContext) -> Results:
    """Every check of every variant; an error fails its check, as in a session."""
    return {
        (check.name, variant): _result(check, with_key(context, variant))
        for variant in VARIANTS
        for check in _TRIED
        if check.covers(ModelKey(MODEL, variant))
    }


def _result(check: Check, context: CheckContext) -> CheckResult:
    try:
        entries = check.run(dataclasses.replace(context, stopwatch=_Stopwatch()))
    except Exception as error:
        return CheckResult.stopped(check.name, context.key, error)
    (result,) = [entry for entry in entries if isinstance(entry, CheckResult)]
    return result


def _judged(results: Results) -> Judgement:
    failed = any(result.status is Status.FAIL for result in results.values())
    selection = tuple(ModelKey(MODEL, variant) for variant in VARIANTS)
    header = Header("run", "now", selection, {}, {}, {}, "")
    footer = Footer("then", 1.0, len(results), int(failed))
    return judge(Record(header, tuple(results.values()), footer=footer), _POLICY)


@pytest.fixture
def subject(miniature: MiniatureFiles) -> CheckContext:
    """The miniature, with two of its own labelled images as canaries."""
    case = make_case(miniature, canaries=own_canaries(miniature))
    return dataclasses.replace(case, policy=_POLICY)


def test_clean_model_passes_everything(subject: CheckContext) -> None:
    """No false alarm: all checks of both variants pass, and the run is a PASS."""
    results = _run(subject)
    assert {key for key, result in results.items() if result.status is not Status.PASS} == set()
    assert len(results) == 22
    assert _judged(results).run.status is Status.PASS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_turns_its_checks_red(
    subject: CheckContext, fault: Fault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The checks that must see the fault fail and say why; the run is a FAIL."""
    fault.inject(monkeypatch, tmp_path)
    results = _run(subject)
    failed = {key for key, result in results.items() if result.status is Status.FAIL}
    expected = {(check, variant) for check, variants in fault.trips.items() for variant in variants}
    assert expected <= failed
    assert {check for check, _ in failed} & set(fault.blind) == set()
    for key in expected:
        told = results[key].explanation or [one.name for one in results[key].measures]
        assert told, key
    verdict = _judged(results).run
    assert verdict.status is Status.FAIL
    assert verdict.findings


def test_every_check_is_tripped_by_a_fault() -> None:
    """A check that no fault turns red may be one that cannot."""
    tripped = {check for fault in FAULTS for check in fault.trips}
    assert tripped == {check.name for check in _TRIED} - _OF_NO_FILE


def test_every_variant_of_a_check_is_tripped() -> None:
    """Both variants of a check are tried, where it speaks of both."""
    tripped = {
        (check, variant)
        for fault in FAULTS
        for check, variants in fault.trips.items()
        for variant in variants
    }
    speaks = {
        (check.name, variant)
        for check in _TRIED
        for variant in BOTH
        if check.covers(ModelKey(MODEL, variant)) and check.name not in _OF_NO_FILE
    }
    assert tripped == speaks


def test_faults_have_names_of_their_own() -> None:
    """A failing fault is found by its name."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("classes one too high", "1 is subtracted from the class ids: label offset"),
        ("x and y swapped", "x and y of the boxes change places: axis order"),
        ("an image lost", "the candidate has no result for 1 images: 6"),
        ("one NaN score", "NaN or infinity in the candidate on 1 images"),
    ],
)
def test_known_fault_is_called_by_its_name(
    subject: CheckContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, said: str
) -> None:
    """End to end the message says what was probably done, so that nobody has to guess."""
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    fault.inject(monkeypatch, tmp_path)
    (check,) = [check for check in CHECKS if check.name == "end_to_end_parity"]
    result = _result(check, subject)
    assert said in result.message
