"""A look stops at a plain PASS or FAIL and at nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from validation.comparison.look_rules import LookFacts, undecided_measures
from validation.policy.limits import Limit, Status
from validation.record.types import CheckResult, Measure, ModelKey
from validation.record.until_decided import UNSEEN_LOSS, Look

_KEY = ModelKey("m", "int8")
_LOOK = Look(1000, 0.01, 0.99)


def _result(*measures: Measure) -> CheckResult:
    return CheckResult.judged("accuracy", _KEY, measures)


def _drop(low: float, high: float) -> Measure:
    return Measure("ap_drop", (low + high) / 2, Limit("max", 0.012, "why"), (low, high))


def _share(low: float, high: float) -> Measure:
    return Measure("lost_share", (low + high) / 2, Limit("max", 0.08, "why"), (low, high))


def _rarest(count: int) -> Measure:
    limit = Limit("min", 1, "why", warn=10, beyond=Status.UNKNOWN)
    return Measure("rarest_class_objects", count, limit)


_INSIDE = LookFacts(
    _result(_drop(0.001, 0.004)),
    _result(_share(0.0, 0.02)),
    0.2,
    (_rarest(12),),
    (_rarest(60),),
)


def test_all_inside_is_decided() -> None:
    """Every interval within its limit, and enough of every class."""
    assert undecided_measures(_INSIDE, _LOOK, is_last=False) == ()


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (replace(_INSIDE, accuracy=_result(_drop(0.008, 0.013))), ("ap_drop",)),
        (replace(_INSIDE, operating_point=_result(_share(0.0, 0.1))), ("lost_share",)),
        (replace(_INSIDE, evidence=(_rarest(4),)), ("rarest_class_objects",)),
    ],
)
def test_what_is_open_goes_on(facts: LookFacts, names: tuple[str, ...]) -> None:
    """An interval on both sides of its limit, or evidence that more images would mend."""
    assert undecided_measures(facts, _LOOK, is_last=False) == names


def test_evidence_that_no_image_mends_is_not_waited_for() -> None:
    """Four objects here and four on all images."""
    facts = replace(_INSIDE, evidence=(_rarest(4),), evidence_at_most=(_rarest(4),))
    assert undecided_measures(facts, _LOOK, is_last=False) == ()


@pytest.mark.parametrize(
    "facts",
    [
        replace(
            _INSIDE,
            accuracy=_result(_drop(0.013, 0.03)),
            operating_point=_result(_share(0.0, 0.1)),
        ),
        replace(
            _INSIDE,
            accuracy=_result(_drop(0.008, 0.013)),
            operating_point=_result(_share(0.09, 0.2)),
        ),
    ],
)
def test_one_certain_failure_decides(facts: LookFacts) -> None:
    """What else is open changes nothing of it."""
    assert undecided_measures(facts, _LOOK, is_last=False) == ()


def test_detections_alike_on_few_images_are_no_proof() -> None:
    """A difference of exactly 0 needs no interval, but images that were not seen may differ."""
    alike = Measure("ap_drop", 0.0, Limit("max", 0.001, "why"))
    facts = replace(_INSIDE, accuracy=_result(alike))
    assert undecided_measures(facts, _LOOK, is_last=False) == (UNSEEN_LOSS,)
    assert undecided_measures(facts, replace(_LOOK, images=2000), is_last=False) == ()


def test_the_last_look_is_as_without_looks() -> None:
    """Nothing more is asked for; what is open is named."""
    alike = Measure("ap_drop", 0.0, Limit("max", 0.001, "why"))
    facts = replace(_INSIDE, accuracy=_result(alike), evidence=(_rarest(4),))
    assert undecided_measures(facts, _LOOK, is_last=True) == ()
    facts = replace(_INSIDE, accuracy=_result(_drop(0.008, 0.013)))
    assert undecided_measures(facts, _LOOK, is_last=True) == ("ap_drop",)


def test_nothing_to_lose_is_not_decided() -> None:
    """Where the reference finds nothing rightly on these images, others may show something."""
    unknown = CheckResult.unknown("operating_point", _KEY, "nothing")
    facts = replace(_INSIDE, operating_point=unknown)
    assert undecided_measures(facts, _LOOK, is_last=False) == ("right_detections",)
