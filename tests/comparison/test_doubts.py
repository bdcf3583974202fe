"""What is assumed of a given file is no PASS, unless the user or the reference says the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from enough_evidence import ENOUGH

from validation.comparison.doubts import About, Doubts, about, unsettled
from validation.comparison.evidence_rules import check_evidence
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.formatting import describe_result
from validation.record.results_facts import LeftResults, Meeting, ResultsDoubt, ResultsFacts
from validation.record.types import CheckResult, ModelKey
from validation.specs.feeds import NOTHING_STATED, FeedWay, StatedFeed
from validation.specs.input_stats import InputStats

_ASSUMED = FileNotice(
    FileNoticeKind.NORMALISATION_ASSUMED, {"stats": "127.5/127.5"}, moves_figures=True
)
_DIFFERS = FileNotice(
    FileNoticeKind.FEED_DIFFERS,
    {"dtype": "uint8", "fed": "the pixel as it is", "flag": "quantised", "other": "[-1, 1]",
     "steps": 1, "pixels": 127},
    moves_figures=True,
)  # fmt: skip
_COUNT = FileNotice(FileNoticeKind.COUNT_MISSING, moves_figures=True)
_THRESHOLD = FileNotice(
    FileNoticeKind.THRESHOLD_NOT_APPLIED, {"threshold": 0.5}, moves_figures=True
)
_EQUAL = FileNotice(
    FileNoticeKind.SCORES_ALL_EQUAL,
    {"detections": 100, "score": 0.5},
    moves_figures=True,
    not_trusted=True,
)
_FACT = FileNotice(FileNoticeKind.ANCHORS_OF_REFERENCE)
_STATS = StatedFeed(stats=InputStats(127.5, 127.5))
_GOOD = ResultsFacts(
    results=9, used=9, images=3, images_with=3, meeting=Meeting(9, 8, 7, 3, 0), most_per_image=3
)


def _judged(doubts: Doubts | None) -> CheckResult:
    facts = dataclasses.replace(ENOUGH, routes=None, calibration=None, doubts=doubts)
    return check_evidence(facts, load_policy(), ModelKey("m", "uint8", "detect.tflite"))


def test_no_doubt_is_a_pass() -> None:
    """Every kind of doubt was asked for, and none was found."""
    for doubts in (None, Doubts(), Doubts(results=_GOOD)):
        assert _judged(doubts).status is Status.PASS
    names = {each.name for each in _judged(Doubts(results=_GOOD)).measures}
    assert names >= {*(each.value for each in (*About, *ResultsDoubt))}


@pytest.mark.parametrize(
    ("doubts", "status", "measure", "said"),
    [
        (Doubts((_ASSUMED,)), Status.WARN, "feed_assumed", "--input_stats=MEAN/STD states it"),
        (Doubts((_DIFFERS,)), Status.WARN, "feed_assumed", "--feed=quantised would feed"),
        (Doubts((_COUNT,)), Status.WARN, "outputs_assumed", "every slot with a score"),
        (Doubts((_THRESHOLD,)), Status.WARN, "metadata_not_applied", "threshold of 0.5"),
        (Doubts((_EQUAL,)), Status.UNKNOWN, "file_not_trusted", "rank nothing"),
        (Doubts((), (_DIFFERS,)), Status.WARN, "reference_assumed", "reference: the uint8 input"),
        (Doubts((), (_EQUAL,)), Status.UNKNOWN, "reference_not_trusted", "rank nothing"),
    ],
)
def test_a_doubt_is_a_finding(doubts: Doubts, status: Status, measure: str, said: str) -> None:
    """By a measure of its own, with the sentence that every command says of it."""
    result = _judged(doubts)
    assert result.status is status
    assert [each.name for each in result.measures if each.status is status] == [measure]
    assert said in describe_result(result)


@pytest.mark.parametrize(
    ("changed", "doubt", "said"),
    [
        ({"either_way": 1}, ResultsDoubt.EITHER_WAY, "read as image ids"),
        (
            {"unknown_categories": LeftResults(2, ("0",), 1), "from_zero": True},
            ResultsDoubt.UNKNOWN_CATEGORY,
            "they count from 0",
        ),
        ({"in_one_corner": True}, ResultsDoubt.IN_ONE_CORNER, "upper left part"),
        ({"boxes_beyond": 2}, ResultsDoubt.BEYOND, "2 of 9 boxes reach beyond"),
        ({"meeting": Meeting(100, 4, 4, 3, 0)}, ResultsDoubt.MET, "hardly any object is met"),
        ({"meeting": Meeting(9, 8, 3, 3, 0)}, ResultsDoubt.IN_CLASS, "only 3 are called"),
        ({"meeting": Meeting(9, 8, 7, 4, 1)}, ResultsDoubt.SILENT, "a part of the images"),
    ],
)
def test_doubtful_detections_are_a_finding(
    changed: dict[str, Any], doubt: ResultsDoubt, said: str
) -> None:
    """Each by a measure of its own, and no other one with it."""
    result = _judged(Doubts(results=dataclasses.replace(_GOOD, **changed)))
    assert result.status is Status.WARN
    assert [each.name for each in result.measures if each.status is Status.WARN] == [doubt]
    assert said in describe_result(result)


def test_how_detections_were_read_is_said_of_a_pass_too() -> None:
    """What was used and what was left out is no doubt, and no secret."""
    read = dataclasses.replace(_GOOD, results=11, other_images=LeftResults(2, ("99",), 1))
    result = _judged(Doubts(results=read))
    assert result.status is Status.PASS
    assert "9 of 11 results used, on 3 of 3 images" in result.message
    assert "the data set does not have, left out: 2 (99)" in result.message


def test_what_a_reference_states_is_settled() -> None:
    """It is compared by a check of its own; what apps do with scores never is."""
    notices = (_ASSUMED, _DIFFERS, _COUNT, _THRESHOLD, _EQUAL, _FACT)
    assert unsettled(notices, NOTHING_STATED) == notices[:-1]
    assert unsettled(notices, NOTHING_STATED, feed_is_settled=True) == (_COUNT, _THRESHOLD, _EQUAL)
    assert unsettled(notices, NOTHING_STATED, outputs_are_seen=True) == (
        _ASSUMED, _DIFFERS, _THRESHOLD, _EQUAL,
    )  # fmt: skip


def test_what_the_user_states_is_settled() -> None:
    """That, and nothing else: a way says nothing of mean and std."""
    notices = (_ASSUMED, _DIFFERS)
    assert unsettled(notices, StatedFeed(FeedWay.QUANTISED)) == (_ASSUMED,)
    assert unsettled((_DIFFERS,), _STATS) == ()


def test_a_stated_feed_that_is_ignored_is_said() -> None:
    """Whoever typed it takes it to have been done."""
    ignored = FileNotice(FileNoticeKind.FEED_FLAG_IGNORED, {"flag": "bytes", "dtype": "float32"})
    result = _judged(Doubts(ignored=(ignored,)))
    assert result.status is Status.PASS
    assert "this one is float32: ignored" in result.message


def test_a_kind_without_a_place_is_a_doubt_all_the_same() -> None:
    """Whatever moves figures is judged."""
    for kind in FileNoticeKind:
        notice = FileNotice(kind, moves_figures=True)
        assert unsettled((notice,), NOTHING_STATED) == (notice,)
        assert about(notice) in About
