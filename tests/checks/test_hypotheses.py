"""A fault planted into a bundled model is undone, measured and named first, in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import fault_injection as put
import numpy as np
import pytest

from validation.checks import accuracy as accuracy_check
from validation.checks import end_to_end_parity as parity_check
from validation.checks.confirmed_parts import SharedPlaces
from validation.checks.hypotheses import disagreement_explained, hidden_disagreement_explained
from validation.checks.shared_hypotheses import shared_fault
from validation.faults import file_edits as surgery
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.preprocess.prepare import prepare
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult

if TYPE_CHECKING:
    from validation.workspace.context import CheckContext

Case = Callable[..., "CheckContext"]


@pytest.fixture(scope="module")
def case(made_once: Callable[..., Path]) -> Case:
    """Makes cases of a bundled model over one cache."""
    from bundled_case import bundled_case

    folder = made_once("bundled-case", lambda path: path.mkdir(exist_ok=True))
    return lambda variant="float": bundled_case(folder, variant)


def _boxes_of_anchors(anchors: np.ndarray) -> np.ndarray:
    return np.hstack([anchors[:, :2], anchors[:, 2:] * 1.5])


# What is done, the fault to be named first, and where it lies.
_FAULTS: dict[str, tuple[put.Inject, FaultKind, Place]] = {
    "BGR fed": (put.in_feed(lambda feed: feed[..., ::-1]), FaultKind.CHANNELS, Place.FEED),
    "BGR in the first kernel": (
        put.in_file(
            surgery.change_weights("Conv2d_0", lambda w: w[..., ::-1] if w.shape[-1] == 3 else w)
        ),
        FaultKind.CHANNELS,
        Place.FILE,
    ),
    "0..1 fed": (
        put.in_feed(lambda feed: (feed + 1) / 2),
        FaultKind.NORMALISATION,
        Place.FEED,
    ),
    "pixels fed": (
        put.in_feed(lambda feed: (feed + 1) * 127.5),
        FaultKind.NORMALISATION,
        Place.FEED,
    ),
    "128 instead of 127.5": (
        put.in_feed(lambda feed: ((feed + 1) * 127.5 - 128) / 128),
        FaultKind.NORMALISATION,
        Place.FEED,
    ),
    "Pillow's resize": (put.other_resize, FaultKind.RESIZE, Place.FEED),
    "mirrored": (put.in_feed(lambda feed: feed[:, :, ::-1]), FaultKind.MIRRORED, Place.FEED),
    "height and width exchanged": (
        put.in_feed(lambda feed: feed.transpose(0, 2, 1, 3)),
        FaultKind.TRANSPOSED,
        Place.FEED,
    ),
    "box scales": (
        put.in_file(surgery.change_attributes(h_scale=4.0, w_scale=4.0)),
        FaultKind.BOX_SCALES,
        Place.FILE,
    ),
    "larger anchors": (
        put.in_file(surgery.change_weights("anchors", _boxes_of_anchors)),
        FaultKind.ANCHORS,
        Place.FILE,
    ),
    "fast NMS": (
        put.in_file(surgery.change_attributes(use_regular_nms=False)),
        FaultKind.NMS,
        Place.FILE,
    ),
    "threshold": (
        put.in_file(surgery.change_attributes(nms_score_threshold=0.5)),
        FaultKind.SCORE_THRESHOLD,
        Place.FILE,
    ),
    "label offset": (put.other_label_offset, FaultKind.CLASS_SHIFT, Place.RESULTS),
    "x and y": (
        put.on_each(put.boxes(lambda boxes: boxes[:, [1, 0, 3, 2]])),
        FaultKind.BOX_AXES,
        Place.RESULTS,
    ),
    "the image before": (
        put.in_results(put.one_image_late),
        FaultKind.OTHER_IMAGE,
        Place.RESULTS,
    ),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_planted_faults_are_named_first(
    case: Case, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the agreement that there is, and that of the file with the fault undone."""
    inject, kind, place = _FAULTS[fault]
    inject(monkeypatch, tmp_path)
    (found,) = disagreement_explained(case())
    assert (found.fault, found.place, found.by) == (kind, place, DiagnosedBy.HYPOTHESIS)
    assert found.ties == ()
    assert found.before is not None
    assert found.after is not None
    assert found.before < found.after
    assert found.after > 0.999


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda feed: feed / 255, "[0, 1]"),
        (lambda feed: (feed + 1) / 2, "[0, 255] times 0.5 +0.5"),
    ],
    ids=["in 0 to 1", "half of the range"],
)
def test_pixels_of_another_range_are_no_other_resize(
    case: Case, change: put.Change, got: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An int8 file is fed the pixels themselves: making the feed anew undoes any range of them."""
    put.in_feed(change)(monkeypatch, tmp_path)
    (found,) = disagreement_explained(case("int8"))
    assert (found.fault, found.place) == (FaultKind.NORMALISATION, Place.FEED)
    assert (found.got, found.expected, found.ties) == (got, "[0, 255]", ())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (surgery.change_attributes(h_scale=4.0, w_scale=4.0), FaultKind.BOX_SCALES),
        (
            surgery.change_weights("Conv2d_0", lambda w: w[..., ::-1] if w.shape[-1] == 3 else w),
            FaultKind.CHANNELS,
        ),
        (surgery.change_attributes(), None),
    ],
)
def test_faults_of_a_given_file_lie_in_the_file(
    case: Case, tmp_path: Path, change: surgery.Change, kind: FaultKind | None
) -> None:
    """It is fed and read as it says itself; of a clean one nothing is said."""
    from miniature_cases import given_case

    context = case()
    path = surgery.rewrite(context.build.tflite("float"), tmp_path / "given.tflite", change)
    found = disagreement_explained(given_case(context, path, context.reference))
    assert [(each.fault, each.place) for each in found] == ([(kind, Place.FILE)] if kind else [])


@pytest.mark.parametrize("variant", ["float", "raw"])
def test_nothing_is_said_of_a_clean_file(case: Case, variant: str) -> None:
    """Although it is asked for."""
    context = case(variant)
    assert disagreement_explained(context) == ()
    assert hidden_disagreement_explained(context) == ()
    everything = _low_ap(context, 1.0)
    assert shared_fault(everything, 0.0) == ()


def test_nothing_restores_what_is_broken_otherwise(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Weights that are rounded are no fault of feed, post-processing or reading."""
    put.in_file(surgery.change_weights("Conv2D", lambda w: np.round(w * 64) / 64))(
        monkeypatch, tmp_path
    )
    assert disagreement_explained(case()) == ()


def test_a_threshold_below_what_is_shown_is_found_by_accuracy(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What apps show agrees; AP counts the rest."""
    put.in_file(surgery.change_attributes(nms_score_threshold=0.25))(monkeypatch, tmp_path)
    context = case()
    assert disagreement_explained(context) == ()
    (found,) = hidden_disagreement_explained(context)
    assert (found.fault, found.place) == (FaultKind.SCORE_THRESHOLD, Place.FILE)
    entries = accuracy_check.accuracy(context)
    assert [each.fault for each in entries if isinstance(each, Diagnosis)] == [found.fault]


def _low_ap(context: CheckContext, value: float) -> CheckContext:
    policy = load_policy()
    settings = {**policy.settings, "hypothesis_low_ap": value}
    return dataclasses.replace(context, policy=dataclasses.replace(policy, settings=settings))


@pytest.mark.parametrize(
    ("inject", "kind"),
    [
        (put.in_feed(lambda feed: feed[..., ::-1]), FaultKind.CHANNELS),
        (
            put.in_file(
                surgery.change_attributes(y_scale=1.0, x_scale=1.0, h_scale=1.0, w_scale=1.0)
            ),
            FaultKind.BOX_SCALES,
        ),
    ],
)
def test_a_fault_of_both_sides_is_held_against_the_labels(
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    inject: put.Inject,
    kind: FaultKind,
) -> None:
    """The reference detects the same, so nothing but labels shows it; then the check fails."""
    inject(monkeypatch, tmp_path)
    context = case()
    one_file = SharedPlaces(*[Place.GRAPH] * 2, confirms_layers=False, confirms_weights=False)
    monkeypatch.setattr("validation.checks.shared_hypotheses.shared_places", lambda _: one_file)
    same = context.subject.detections()
    monkeypatch.setattr(type(context.inference), "reference", lambda _: same)
    assert disagreement_explained(context) == ()
    entries = accuracy_check.accuracy(context)
    (found,) = [each for each in entries if isinstance(each, Diagnosis)]
    assert (found.fault, found.place) == (kind, Place.GRAPH)
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    assert result.status is Status.FAIL
    assert "undone_gain" in [each.name for each in result.measures]


def test_of_a_model_that_two_files_confirm_the_labels_are_doubted_first(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Red and blue exchanged: the labels' classes explain as much as the channels of the image."""
    put.in_feed(lambda feed: feed[..., ::-1])(monkeypatch, tmp_path)
    context = case()
    same = context.subject.detections()
    monkeypatch.setattr(type(context.inference), "reference", lambda _: same)
    (found,) = [each for each in accuracy_check.accuracy(context) if isinstance(each, Diagnosis)]
    assert (found.fault, found.place) == (FaultKind.CLASS_ORDER, Place.LABELS)
    assert found.ties == (FaultKind.CHANNELS,)
    assert found.other_places == ()


def test_a_high_ap_asks_for_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does agreement: the default run pays for no hypothesis."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(parity_check, "disagreement_explained", refuse)
    monkeypatch.setattr(accuracy_check, "hidden_disagreement_explained", refuse)
    monkeypatch.setattr("validation.checks.shared_hypotheses.ChangedRuns", refuse)
    context = case()
    assert not [
        each
        for each in (*parity_check.end_to_end_parity(context), *accuracy_check.accuracy(context))
        if isinstance(each, Diagnosis)
    ]


def test_resizing_is_as_the_graph_does_it(case: Case) -> None:
    """The resize that is tried as the right one is what files are fed by."""
    from validation.diagnosis.feed_hypotheses import normalise, resize_hypotheses
    from validation.preprocess.image import load

    own = case().subject.preprocessing
    pixels = load(case().images[0])
    right = [each for each in resize_hypotheses(own) if each.cause.got == "another kernel"]
    assert right[0].resize is not None
    made = normalise(right[0].resize(pixels, own.height, own.width), own)
    assert made == pytest.approx(prepare(pixels, own), abs=1e-6)
