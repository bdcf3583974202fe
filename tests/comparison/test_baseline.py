"""What of one file is no longer as it was: each aspect alone, and what it makes of the check."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from validation.comparison.baseline import (
    Evidence,
    compare_subject,
    key_differences,
    limits_of,
)
from validation.comparison.baseline_check import check_baseline
from validation.comparison.latency_shift import LatencyShift
from validation.comparison.slow_calls import SlowCalls
from validation.policy.limits import Limit, Status
from validation.policy.load import load_policy
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.baseline import (
    Aspect,
    AspectChange,
    BaselineComparison,
    Clock,
    KeyPart,
    Outcome,
    Why,
)
from validation.record.baseline_facts import CheckFacts, LatencyFacts, SubjectFacts
from validation.record.baseline_words import describe_change
from validation.record.machine_class import MachineClass
from validation.record.types import CheckResult, Measure, ModelKey
from validation.specs.tensors import TensorSpec

_KEY = ModelKey("m", "int8")
_POLICY = load_policy()
_IMAGE = TensorSpec("image", "uint8", (1, 8, 8, 3), 1.0, 0)
_VALUES: dict[str, Any] = {
    "boxes": 1e-6,
    "images": 8,
    "kind": "float",
    "unlimited": 1.0,
    "outputs": 10,
}
_SIDE = SubjectFacts(
    "m",
    "int8",
    Status.PASS,
    "a" * 64,
    100_000,
    (_IMAGE,),
    (TensorSpec("boxes", "float32", (1, 10, 4)),),
    (CheckFacts("raw_parity", Status.PASS, _VALUES),),
    0.5,
    "b" * 64,
    (LatencyFacts("LiteRT", 1, (1.0, 2.0, 3.0)),),
)
_LIMITS: dict[tuple[str, str], Limit | None] = {
    ("raw_parity", "boxes"): Limit("max", 1e-4, "why"),
    ("raw_parity", "images"): Limit("min", 4, "why"),
    ("raw_parity", "outputs"): Limit("equal", 10, "why"),
}
_BY = Evidence(_LIMITS, True, None, None, (), True)


def _compared(
    before: SubjectFacts = _SIDE, now: SubjectFacts = _SIDE, **by: Any
) -> BaselineComparison:
    return compare_subject(_KEY, before, now, dataclasses.replace(_BY, **by), _POLICY)


def _changed(aspect: Aspect, before: Any = _SIDE, now: Any = _SIDE, **by: Any) -> AspectChange:
    """The only change of that aspect, or the one that says that there is none."""
    found = list(_compared(before, now, **by).of(aspect))
    moved = [each for each in found if each.outcome is not Outcome.SAME]
    return (moved or found)[0]


def _other(**fields: Any) -> SubjectFacts:
    return dataclasses.replace(_SIDE, **fields)


def _values(**values: Any) -> SubjectFacts:
    (check,) = _SIDE.checks
    return _other(checks=(dataclasses.replace(check, values={**check.values, **values}),))


def test_a_file_against_itself() -> None:
    """Every aspect is the same, and the check passes and says so."""
    comparison = _compared()
    assert {each.outcome for each in comparison.changes} == {Outcome.SAME}
    assert {each.aspect for each in comparison.changes} == {*Aspect} - {
        Aspect.SUBJECT,
        Aspect.FORM,
        Aspect.VERDICT,
        Aspect.SLOW_CALLS,
        Aspect.DIAGNOSIS,
    }
    result = check_baseline(comparison, _POLICY, "")
    assert (result.status, result.message) == (Status.PASS, "nothing has changed")


@pytest.mark.parametrize(
    ("aspect", "now", "outcome", "status"),
    [
        (Aspect.NAMES, _other(inputs=(dataclasses.replace(_IMAGE, name="x"),)), "changed", "fail"),
        (
            Aspect.SHAPES,
            _other(inputs=(dataclasses.replace(_IMAGE, dtype="int8"),)),
            "changed",
            "fail",
        ),
        (Aspect.SHAPES, _other(outputs=()), "changed", "fail"),
        (Aspect.FILE, _other(sha256="c" * 64), "changed", "pass"),
        (Aspect.SIZE, _other(size_bytes=110_000), "worse", "warn"),
        (Aspect.SIZE, _other(size_bytes=103_000), "worse", "pass"),
        (Aspect.SIZE, _other(size_bytes=50_000), "better", "pass"),
        (Aspect.SIZE, _other(size_bytes=100_500), "same", "pass"),
        (Aspect.NUMBER, _values(boxes=2e-5), "worse", "warn"),
        (Aspect.NUMBER, _values(boxes=9e-6), "same", "pass"),
        (Aspect.NUMBER, _values(images=4), "worse", "warn"),
        (Aspect.NUMBER, _values(images=16), "better", "pass"),
        (Aspect.NUMBER, _values(kind="int8"), "changed", "pass"),
        (Aspect.NUMBER, _values(boxes=math.nan), "worse", "warn"),
        (Aspect.NUMBER, _values(boxes=math.inf), "worse", "warn"),
        (Aspect.NUMBER, _values(boxes=None), "worse", "warn"),
        (Aspect.NUMBER, _values(images=math.inf), "worse", "warn"),
        (Aspect.NUMBER, _values(unlimited=math.inf), "changed", "pass"),
        (Aspect.NUMBER, _values(outputs=11), "changed", "pass"),
        (Aspect.NUMBER, _values(more=1), "changed", "pass"),
        # Without a limit a change is a share of the larger value, whatever its sign.
        (Aspect.NUMBER, _values(unlimited=1e-9), "changed", "pass"),
        (Aspect.NUMBER, _values(unlimited=1.0 + 1e-9), "same", "pass"),
        (Aspect.NUMBER, _values(unlimited=-1.0), "changed", "pass"),
        (Aspect.CHECK, _other(checks=()), "unknown", "pass"),
        (
            Aspect.CHECK,
            _other(checks=(CheckFacts("raw_parity", Status.WARN, {}),)),
            "worse",
            "warn",
        ),
    ],
)
def test_each_aspect(aspect: Aspect, now: SubjectFacts, outcome: str, status: str) -> None:
    """Which way it went, and what that makes of the check: what apps rely on is a failure."""
    assert _changed(aspect, now=now).outcome == outcome
    result = check_baseline(_compared(now=now), _POLICY, "")
    assert result.status == status


@pytest.mark.parametrize("value", [5e-5, math.nan, math.inf, None])
def test_what_is_worse_one_way_is_better_the_other(value: float | None) -> None:
    """Two-sided: a gain is news, and no limit judges it."""
    worse, better = _values(boxes=value), _values(boxes=1e-6)
    assert _changed(Aspect.NUMBER, better, worse).outcome is Outcome.WORSE
    assert _changed(Aspect.NUMBER, worse, better).outcome is Outcome.BETTER
    result = check_baseline(_compared(worse, better), _POLICY, "")
    assert result.status is Status.PASS
    assert result.message.startswith("1 better; better: raw_parity.boxes: ")
    assert result.message.endswith(" -> 1.0e-06")


def test_a_measure_that_is_gone() -> None:
    """It is not known any more, and that is not the same as unchanged."""
    change = _changed(Aspect.NUMBER, _values(more=1.0), _SIDE)
    assert (change.outcome, change.what) == (Outcome.UNKNOWN, "raw_parity.more")
    assert (change.before, change.after, change.why) == (1.0, None, Why.GONE)


@pytest.mark.parametrize("is_before", [True, False])
def test_a_file_that_was_not_made_has_no_names(is_before: bool) -> None:
    """A conversion that failed once and works now has changed no name that an app relies on."""
    without = _other(inputs=(), outputs=(), sha256="", size_bytes=0)
    sides = (without, _SIDE) if is_before else (_SIDE, without)
    for aspect in (Aspect.NAMES, Aspect.SHAPES):
        change = _changed(aspect, *sides)
        assert (change.outcome, change.why) == (Outcome.UNKNOWN, Why.NOT_MEASURED)
    result = check_baseline(_compared(*sides), _POLICY, "")
    assert result.status is Status.PASS


def test_a_given_file_of_another_form_is_still_compared() -> None:
    """It keeps its name: that its outputs are others fails as it does without another form."""
    before = _other(variant="float-raw", file="detect.tflite")
    now = _other(file="detect.tflite", outputs=())
    form = _changed(Aspect.FORM, before, now)
    assert (form.outcome, form.before, form.after) == (Outcome.CHANGED, "float-raw", "int8")
    assert check_baseline(_compared(before, now), _POLICY, "").status is Status.FAIL


def test_a_file_that_was_not_there() -> None:
    """It is compared with nothing, and that is a warning."""
    comparison = compare_subject(_KEY, None, _SIDE, _BY, _POLICY)
    (change,) = comparison.changes
    assert (change.aspect, change.why) == (Aspect.SUBJECT, Why.NEW)
    assert check_baseline(comparison, _POLICY, "").status is Status.WARN


_LOSS = Difference(Figure.AP, 0.5, 0.48, 99, -0.03, -0.01, 0.005, 1000)


def _ap(difference: Difference) -> ApDifference:
    return ApDifference("m", "int8", "", 600, 1000, 0, False, (difference,))


@pytest.mark.parametrize(
    ("low", "high", "outcome", "status"),
    [
        (-0.03, -0.01, Outcome.WORSE, Status.FAIL),
        (-0.03, -0.001, Outcome.WORSE, Status.WARN),
        (-0.03, 0.01, Outcome.UNKNOWN, Status.WARN),
        (-0.004, 0.004, Outcome.SAME, Status.PASS),
        (0.01, 0.03, Outcome.BETTER, Status.PASS),
    ],
)
def test_ap_by_its_interval(low: float, high: float, outcome: Outcome, status: Status) -> None:
    """Lost where all of the interval is beyond the limit; on both sides too little is known."""
    middle = (low + high) / 2 or 0.001
    found = dataclasses.replace(_LOSS, subject=0.5 + middle, low=low, high=high)
    now = _other(ap=found.subject, matches_sha256="d" * 64)
    assert _changed(Aspect.AP, now=now, ap=_ap(found)).outcome is outcome
    assert check_baseline(_compared(now=now, ap=_ap(found)), _POLICY, "").status is status


@pytest.mark.parametrize(
    ("by", "why"),
    [({}, Why.NO_MATCHES), ({"same_images": False}, Why.OTHER_IMAGES)],
)
def test_ap_without_an_interval_warns(by: dict[str, Any], why: Why) -> None:
    """A number alone says nothing: it is not known, and the check is no PASS."""
    now = _other(ap=0.51, matches_sha256="d" * 64)
    assert _changed(Aspect.AP, now=now, **by).why is why
    assert check_baseline(_compared(now=now, **by), _POLICY, "").status is Status.WARN


@pytest.mark.parametrize(
    ("now", "by"),
    [
        ({"ap": 0.5, "matches_sha256": "d" * 64}, {"same_images": False}),
        ({"image_files_sha256": "e" * 64}, {}),
    ],
    ids=["other labels", "other files of the same names"],
)
def test_ap_of_other_images_is_not_known(now: dict[str, Any], by: dict[str, Any]) -> None:
    """Figures that are equal by chance prove nothing, nor do equal matches of other pictures."""
    change = _changed(Aspect.AP, now=_other(**now), **by)
    assert (change.outcome, change.why) == (Outcome.UNKNOWN, Why.OTHER_IMAGES)
    result = check_baseline(_compared(now=_other(**now), **by), _POLICY, "")
    assert result.status is Status.WARN
    assert "AP is not known: the baseline was scored on other images" in result.message


def test_ap_without_an_interval_that_could_be_made() -> None:
    """A difference whose interval is NaN is judged as one without matches: it warns."""
    found = dataclasses.replace(_LOSS, subject=0.499, low=math.nan, high=math.nan)
    now = _other(ap=0.499, matches_sha256="d" * 64)
    assert _changed(Aspect.AP, now=now, ap=_ap(found)).why is Why.TOO_FEW_IMAGES
    assert check_baseline(_compared(now=now, ap=_ap(found)), _POLICY, "").status is Status.WARN


def test_what_is_not_known_is_said() -> None:
    """AP and latency before the rest, which is counted."""
    now = _other(ap=None, sha256="", size_bytes=0, inputs=(), outputs=())
    message = check_baseline(_compared(now=now), _POLICY, "").message
    assert "; AP is not known: not measured in both runs; latency is not known: " in message
    assert message.endswith("; and 5 more are not known")


_SHIFT = LatencyShift(0.1, 0.09, 0.11, 1e-6, 0.01, 2.0, 2.2, 36)
_OTHER_FILE = _other(sha256="c" * 64)


@pytest.mark.parametrize(
    ("by", "outcome", "why"),
    [
        ({"shift": _SHIFT}, Outcome.WORSE, None),
        (
            {"shift": dataclasses.replace(_SHIFT, p_value=0.02)},
            Outcome.UNKNOWN,
            Why.TOO_FEW_SAMPLES,
        ),
        ({"shift": dataclasses.replace(_SHIFT, noise_floor=0.06)}, Outcome.UNKNOWN, Why.NOISE),
        ({"differs": (KeyPart.MACHINE,)}, Outcome.UNKNOWN, Why.OTHER_KEY),
        ({"has_file": False}, Outcome.UNKNOWN, Why.NO_FILE),
        ({}, Outcome.UNKNOWN, Why.NOT_MEASURED),
    ],
)
def test_latency(by: dict[str, Any], outcome: Outcome, why: Why | None) -> None:
    """Known of calls by turns alone; where it is not known the check is not red, and says so."""
    change = _changed(Aspect.LATENCY, now=_OTHER_FILE, **by)
    assert (change.outcome, change.why) == (outcome, why)
    result = check_baseline(_compared(now=_OTHER_FILE, **by), _POLICY, "")
    if outcome is Outcome.UNKNOWN:
        assert result.status is Status.PASS
        assert "latency is not known: " in result.message
        assert "latency_growth" not in {each.name for each in result.measures}
    else:
        assert result.status is Status.FAIL


def test_slow_calls_warn() -> None:
    """One call of five that is slow now, with quickest calls as before, is seen and is no FAIL."""
    alike = dataclasses.replace(_SHIFT, estimate=0.0, low=-0.01, high=0.01, p_value=0.5)
    more = SlowCalls(0.2, 0.15, 0.25, 1e-6, 0.03, 0.01, 0.21, 36)
    by = {"shift": alike, "slow_calls": more, "clock": Clock.CPU}
    change = _changed(Aspect.SLOW_CALLS, now=_OTHER_FILE, **by)
    assert describe_change(change) == (
        "slow calls LiteRT, 1 thread: 1.0 % -> 21.0 % (+20.0 %, 95 % interval +15.0 % to +25.0 %; "
        "p 1e-06; CPU time)"
    )
    result = check_baseline(_compared(now=_OTHER_FILE, **by), _POLICY, "")
    assert result.status is Status.WARN
    (measure,) = [each for each in result.measures if each.name == "slow_calls_growth"]
    assert (measure.value, measure.status) == (0.2, Status.WARN)


def test_the_same_bytes_on_another_machine() -> None:
    """They are the same file, and how fast it is there is another question."""
    change = _changed(Aspect.LATENCY, differs=(KeyPart.LITERT, KeyPart.MACHINE))
    assert change.outcome is Outcome.UNKNOWN
    message = check_baseline(_compared(differs=change.differs), _POLICY, "").message
    assert message.endswith("not comparable: another LiteRT and machine class")


def test_a_baseline_that_is_replaced_is_not_judged() -> None:
    """The reason is in the result, and what has changed is said."""
    result = check_baseline(_compared(now=_other(outputs=())), _POLICY, "meant")
    assert result == CheckResult.unknown("baseline", _KEY, result.message)
    assert result.message.startswith("not judged, as this run replaces the baseline (meant); ")


def test_keys() -> None:
    """TensorFlow, LiteRT and the machine; other packages are circumstances only."""
    machine = MachineClass("CPU", 2, "x86_64")
    versions = {"tensorflow": "2.20", "ai-edge-litert": "2", "numpy": "1"}
    assert key_differences((versions, machine), ({**versions, "numpy": "2"}, machine)) == ()
    other = {"tensorflow": "2.21", "ai-edge-litert": "2.1", "numpy": "1"}
    assert key_differences(
        (versions, machine), (other, dataclasses.replace(machine, cores=4))
    ) == tuple(KeyPart)


def test_limits_of_every_measure() -> None:
    """Of each check, the first measure as the last one, and those without a limit."""
    limit = Limit("max", 1.0, "why")
    results = [
        CheckResult.judged(check, _KEY, (Measure("a", 0.5, limit), Measure("b", 0.5)))
        for check in ("raw_parity", "accuracy")
    ]
    assert limits_of(results) == {
        (check, name): found
        for check in ("raw_parity", "accuracy")
        for name, found in (("a", limit), ("b", None))
    }


def test_nan_as_before_is_no_change() -> None:
    """Whichever object it is."""
    sides = [_values(boxes=float("nan")) for _ in range(2)]
    change = _changed(Aspect.NUMBER, before=sides[0], now=sides[1])
    assert change.outcome is Outcome.SAME
    assert change.why is None


@pytest.mark.parametrize(("low", "high"), [(math.nan, -0.05), (-0.1, math.nan)])
def test_half_an_interval_is_none(low: float, high: float) -> None:
    """Neither end alone says that the loss is one."""
    found = dataclasses.replace(_LOSS, subject=0.42, low=low, high=high)
    change = _changed(Aspect.AP, now=_other(ap=0.42, matches_sha256="d" * 64), ap=_ap(found))
    assert (change.outcome, change.why) == (Outcome.UNKNOWN, Why.TOO_FEW_IMAGES)


def test_a_file_that_is_new_has_nothing_else_to_judge() -> None:
    """A count of 0 would say that nothing is worse."""
    result = check_baseline(compare_subject(_KEY, None, _SIDE, _BY, _POLICY), _POLICY, "")
    assert [each.name for each in result.measures if each.limit is not None] == ["in_baseline"]
