"""The view of one model: worst first, nothing left out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import pages_of, render_run

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.class_join import ClassJoin, JoinedBy, LeftCategory
from validation.record.coco_figures import CocoFigures
from validation.record.dataset_notices import DatasetNotice, DatasetNoticeKind
from validation.record.detections import Detections
from validation.record.pictures import Panel, Picture
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    Measure,
    ModelKey,
    PublishedFigure,
    Timing,
)
from validation.report.index import latency
from validation.report.model_page import ModelPage, model_page, open_measures, settled_measures
from validation.signoff.rules import judge

KEY = ModelKey("person", "float")


def page_of(record: Record, policy: Policy) -> ModelPage:
    (verdict,) = [one for one in judge(record, policy).models if one.model == "person"]
    return model_page(record, verdict, policy, "model-person.html")


def result(check: str, *values: float) -> CheckResult:
    return CheckResult.judged(
        check,
        KEY,
        tuple(
            Measure(f"value_{number}", value, Limit("max", 1.0, "why", warn=0.5))
            for number, value in enumerate(values)
        ),
    )


def test_worst_first(header: Header, policy: Policy) -> None:
    """Failing checks, then missing ones, then warnings, then the rest; measures alike."""
    record = Record(
        header,
        results=(
            result("latency", 0.1),
            result("tflite_contract", 0.7),
            result("raw_parity", 0.1, 3.0, 0.7),
        ),
        footer=Footer("later", 1.0, 3, 0),
    )
    section = page_of(record, policy).subjects[0]
    assert [(each.result.check, each.status) for each in section.checks] == [
        ("raw_parity", Status.FAIL),
        ("accuracy", Status.UNKNOWN),
        ("tflite_contract", Status.WARN),
        ("latency", Status.PASS),
    ]
    assert [row.name for row in section.checks[0].open] == ["value_1", "value_2", "value_0"]
    assert [each.required for each in section.checks] == [True, True, False, False]
    assert section.checks[1].result.message == "no result in the record"


def test_forged_pass_is_shown_as_fail(header: Header, policy: Policy) -> None:
    """The page shows what the judge made of a result, not what the record claims."""
    forged = CheckResult("raw_parity", "person", "float", Status.PASS)
    record = Record(header, results=(forged,), footer=Footer("later", 1.0, 1, 0))
    (shown, _) = page_of(record, policy).subjects[0].checks
    assert (shown.result, shown.status) == (forged, Status.FAIL)
    assert page_of(record, policy).subjects[0].verdict.status is Status.FAIL


def test_exact_values_as_expected_fold_away() -> None:
    """What is off, or has no limit, or may vary, stays in sight."""
    exact = Limit("equal", 1, "why")
    shown = (Measure("off", 2, exact), Measure("free", 1), Measure("close", 1, Limit("max", 2, "")))
    result = CheckResult.judged("raw_parity", KEY, (Measure("same", 1, exact), *shown))
    assert [each.name for each in settled_measures(result)] == ["same"]
    assert {each.name for each in open_measures(result)} == {each.name for each in shown}


def test_other_models_stay_out(header: Header, policy: Policy) -> None:
    """A page shows one model only."""
    other = Timing("car", "float", "LiteRT", 1, 0, (1.0,))
    mine = Timing("person", "float", "LiteRT", 1, 0, (1.0,))
    page = page_of(Record(header, timings=(other, mine)), policy)
    assert len(page.timings) == 1


@pytest.mark.parametrize(
    ("samples", "texts"),
    [
        ((9.0, 10.0, 14.0), ["9.00", "10.00", "13.60", "14.00"]),
        ((9.0,), ["9.00"] * 4),
        ((), ["\u2014"] * 4),
        ((math.nan,), ["NaN"] * 4),
    ],
)
def test_timing(samples: tuple[float, ...], texts: list[str]) -> None:
    """Minimum, median, p95 and maximum, also of one sample or of none."""
    timing = Timing("person", "float", "LiteRT", 2, 10, samples)
    assert [latency(timing, percent) for percent in (0, 50, 95, 100)] == texts


def test_picture(write_run: Callable[..., Path], policy: Policy) -> None:
    """A panel counts its detections, and says when one could not be drawn."""
    panels = (
        Panel.of("reference", Detections(((0, 0, 1, 1),), (0.5,), (1,))),
        Panel.of("float", Detections(((0, 0, 1, math.nan), (0, 0, 1, 1)), (0.5, 0.4), (1, 1))),
        Panel.of("int8", Detections((), (), ())),
    )
    picture = Picture("person", "a.jpg", 64, 48, "AAAA", panels, {"1": "person"})
    page = pages_of(render_run(write_run([picture]), policy))["model-person.html"]
    for expected in (
        "reference 1 detection",
        "float 2 detections, 1 with NaN not drawn",
        "int8 no detections",
    ):
        assert expected in page.text
    assert page.values("class").count("box") == 2


def test_pictures_stand_under_their_file(write_run: Callable[..., Path], policy: Policy) -> None:
    """Those of one file stand together, whatever came between them in the record."""
    picture = Picture("person", "a.jpg", 64, 48, "AAAA", (Panel("p", (), (), ()),), {}, "float")
    other = dataclasses.replace(picture, file="detect.tflite")
    page = pages_of(render_run(write_run([picture, other, picture]), policy))["model-person.html"]
    one = "a.jpg p no detections"
    assert page.text.count(one) == 3
    first, second = page.text.split("detect.tflite given, float : 1 picture", 1)
    assert (first.count(one), second.count(one)) == (2, 1)


def test_background(header: Header, write_run: Callable[..., Path], policy: Policy) -> None:
    """Figures as they were published, unrounded, and the traps; of this model only."""
    other = Background("car", "", (), ("Another model's.",))
    mine = Background(
        "person",
        "For persons.",
        (
            PublishedFigure("map", 23.32125, "mAP in percent"),
            PublishedFigure("speed", 30, "ms on a Pixel 1"),
        ),
        ("First.", "Second."),
    )
    assert page_of(Record(header, backgrounds=(other, mine)), policy).background == mine
    text = pages_of(render_run(write_run([mine]), policy))["model-person.html"].text
    assert "For persons." in text
    assert "mAP in percent 23.32125 ms on a Pixel 1 30" in text
    assert "First. Second." in text


@pytest.mark.parametrize("backgrounds", [(), (Background("person", "For persons."),)])
def test_nothing_known(header: Header, policy: Policy, backgrounds: tuple[Background, ...]) -> None:
    """A description alone is no reason for a section."""
    assert page_of(Record(header, backgrounds=backgrounds), policy).background is None


def test_accuracy_says_how_classes_were_joined(
    write_run: Callable[..., Path], header: Header, policy: Policy
) -> None:
    """Once for all variants, with what was noticed in the data set."""
    join = ClassJoin(
        JoinedBy.NUMBER, False, 1, 1, left_categories=(LeftCategory(2, "<b>", 3, "person"),)
    )
    notice = DatasetNotice(DatasetNoticeKind.AREA_MISSING, 5, ("annotations[0]",))
    figures = CocoFigures(*[0.5] * 12)
    entries = [
        Accuracy("person", variant, "x", figures, 80, (1,), 9, 0.0, join=join)
        for variant in ("reference", "float")
    ]
    dataset = dataclasses.replace(header.dataset, notices=(notice,))  # type: ignore[type-var]
    own = dataclasses.replace(header, dataset=dataset)
    text = pages_of(render_run(write_run(entries, header=own), policy))["model-person.html"].text
    assert text.count("joined to categories by number") == 1
    assert "with 3 objects, which is not scored: 2 <b> (closest class: person)" in text
    assert (
        "objects without area, taken as the area of their boxes: 5 (annotations[0] and 4 more)"
        in text
    )
