"""Scores at the cut count as lost by the number of bits; and of which files there are pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from miniature_cases import GIVEN_FILE, MODEL, MiniatureFiles, given_case, make_case

from validation.checks import end_to_end_parity
from validation.errors import NotProvided
from validation.policy.limits import Status
from validation.record.detections import Detections
from validation.record.feeds import FileFeed
from validation.record.pictures import GROUND_TRUTH, BoxState, Picture
from validation.record.types import CheckResult, ModelKey
from validation.specs.feeds import FeedWay
from validation.workspace.context import CheckContext


@pytest.mark.parametrize(
    ("variant", "setting"),
    [("float", "parity_score_epsilon"), ("int8", "quantised_score_epsilon")],
)
def test_scores_of_8_bits_are_undecided_further_from_the_cut(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch, variant: str, setting: str
) -> None:
    """A detection whose score crosses the cut by a few hundredths is not lost by it."""
    context = make_case(miniature, "float")
    asked: list[float] = []
    compare = end_to_end_parity.compare_detections

    def spy(*runs: Any, score_epsilon: float, **more: Any) -> CheckResult:
        asked.append(score_epsilon)
        return compare(*runs, score_epsilon=score_epsilon, **more)

    monkeypatch.setattr(end_to_end_parity, "compare_detections", spy)
    detections = context.inference.reference()
    monkeypatch.setattr(context.inference, "candidate", lambda _: detections)
    # A run of int8 would take images to calibrate with.
    monkeypatch.setattr(context.inference, "evidence", lambda _: None)
    monkeypatch.setattr(end_to_end_parity, "feed_of_subject", lambda _: None)
    context = dataclasses.replace(
        context, key=ModelKey(MODEL, variant), subjects=(ModelKey(MODEL, "uint8"),)
    )
    *_, result = end_to_end_parity.end_to_end_parity(context)
    assert isinstance(result, CheckResult)
    assert result.status is Status.PASS
    assert asked == [context.policy.setting(setting)]


def _shown(context: CheckContext) -> tuple[list[Picture], CheckResult]:
    entries = end_to_end_parity.end_to_end_parity(context)
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return [each for each in entries if isinstance(each, Picture)], result


@pytest.mark.parametrize("agrees", [True, False])
def test_of_variants_at_less_risk_there_are_pictures_where_they_disagree(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    """The file in the fewest bits, with the op, is shown in any case; others would look alike."""
    context = make_case(miniature, "raw")
    if not agrees:
        nothing = dict.fromkeys(context.inference.reference(), Detections((), (), ()))
        monkeypatch.setattr(context.inference, "candidate", lambda _: nothing)
    pictures, result = _shown(context)
    assert (result.status is Status.PASS) is agrees
    assert {each.key for each in pictures} == (set() if agrees else {context.key})


@pytest.mark.parametrize(("variant", "shown"), [("int8", True), ("float", False)])
def test_the_variant_most_at_risk_has_pictures_although_it_agrees(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch, variant: str, shown: bool
) -> None:
    """Not the first one, which computes what the reference computes."""
    context = make_case(miniature, "float")
    detections = context.inference.reference()
    monkeypatch.setattr(context.inference, "candidate", lambda _: detections)
    monkeypatch.setattr(context.inference, "evidence", lambda _: None)
    monkeypatch.setattr(end_to_end_parity, "feed_of_subject", lambda _: None)
    subjects = tuple(ModelKey(MODEL, name) for name in ("float", "float16", "int8", "int8-raw"))
    context = dataclasses.replace(context, key=ModelKey(MODEL, variant), subjects=subjects)
    pictures, result = _shown(context)
    assert result.status is Status.PASS
    assert bool(pictures) is shown
    states = {state for each in pictures for panel in each.panels for state in panel.states}
    assert states <= {BoxState.FOUND}


def test_given_files_have_pictures_of_their_own(miniature: MiniatureFiles) -> None:
    """Beside the variants of their archive, whichever comes first."""
    pictures, result = _shown(_given(miniature))
    assert result.status is Status.PASS
    assert {(each.key.file, each.panels[1].title) for each in pictures} == {
        (GIVEN_FILE, GIVEN_FILE)
    }


def test_pictures_without_a_reference(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compared, and what the file detects is shown beside the labels."""

    def nothing(_: object) -> None:
        raise NotProvided("there is no reference")

    monkeypatch.setattr(end_to_end_parity, "reference_detections", nothing)
    monkeypatch.setattr("validation.checks.pictures.reference_detections", nothing)
    pictures, result = _shown(_given(miniature))
    assert result.status is Status.UNKNOWN
    assert result.message == "there is no reference"
    assert pictures
    assert {tuple(panel.title for panel in each.panels) for each in pictures} == {
        (GIVEN_FILE, GROUND_TRUTH)
    }


def _given(miniature: MiniatureFiles) -> CheckContext:
    """The float variant's own file, given beside it."""
    context = make_case(miniature, "float")
    return given_case(context, context.build.tflite("float"), context.reference)


def test_the_record_says_how_the_file_was_fed(miniature: MiniatureFiles) -> None:
    """As the file of the export that it was made from is fed, with what closes raw outputs."""
    context = make_case(miniature, "raw")
    entries = end_to_end_parity.end_to_end_parity(context)
    (feed,) = [each for each in entries if isinstance(each, FileFeed)]
    assert feed.key == context.key
    assert feed.preprocessing == context.exported.contract.preprocessing
    assert (feed.way, feed.shared_size) == (FeedWay.FLOATS, None)
    assert feed.postprocess == context.exported.contract.postprocess
    assert feed.num_classes == context.num_classes
