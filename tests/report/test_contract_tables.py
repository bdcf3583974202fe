"""What a given file has otherwise than its reference is on the page, with its cost."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, render_run

from validation.comparison.reference_differences import check_reference_contract
from validation.policy.limits import Status
from validation.policy.load import Policy, load_policy
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import (
    NotCompared,
    ReferenceDifference,
    ReferenceDifferences,
)
from validation.report.contract_tables import contract_view
from validation.specs.references import ReferenceKind

_DEFAULTS = ReferenceDifference(
    DifferenceKind.GUIDE_DEFAULTS,
    1,
    (Fact("max_detections", 100, 10), Fact("use_regular_nms", True, False)),
    ap=0.2198,
)
_ORDER = ReferenceDifference(
    DifferenceKind.OUTPUT_ORDER,
    2,
    (Fact("order", ["boxes", "scores"], ["scores", "boxes"]),),
    is_named=True,
)


def _found(*differences: ReferenceDifference, ap: float | None = 0.1948) -> ReferenceDifferences:
    return ReferenceDifferences(
        "person",
        "float",
        ReferenceKind.GRAPH,
        differences,
        (DifferenceKind.SCALES, DifferenceKind.NMS, DifferenceKind.DETECTIONS),
        (NotCompared((DifferenceKind.THRESHOLDS,), "no COCO: the reference <has> none"),),
        ap=ap,
        images=80,
        unpriced="" if ap else "no labelled images",
        file="detect.tflite",
    )


@pytest.fixture
def page(
    write_run: Callable[..., Path], policy: Policy
) -> Callable[[ReferenceDifferences], tuple[str, str]]:
    """The text of the first page and of the model's page."""

    def render(found: ReferenceDifferences) -> tuple[str, str]:
        result = check_reference_contract(found, load_policy(), found.key)
        index = render_run(write_run([found, result]), policy)
        return index.read_text(), index.with_name("model-person.html").read_text()

    return render


def test_a_difference_with_its_cost(
    page: Callable[[ReferenceDifferences], tuple[str, str]],
) -> None:
    """On the model's page as a row, and on the first page as a finding."""
    first, own = page(_found(_DEFAULTS, _ORDER))
    rows = [
        re.sub("<[^>]*>", "|", row)
        for row in re.findall('<tr><th scope="row">(.*?)</tr>', own, re.DOTALL)
        if "where the reference has" in row
    ]
    words = (
        "10 detections and class-agnostic NMS where the reference has 100 and NMS for each class"
    )
    assert rows[0].startswith(f"{words}|")
    assert "-0.0250" in rows[0]
    assert "0.2198" in rows[0]
    assert "warn" in rows[0].lower()
    text = Page(own).text
    assert "AP of the file as it is: 0.1948 on 80 labelled images" in text
    assert "The same as the reference's: box scales." in text
    assert "Not compared: thresholds (no COCO: the reference <has> none)" in text
    assert f"{words}: -0.025 AP" in Page(first).text


def test_without_labels_nothing_has_a_price(
    page: Callable[[ReferenceDifferences], tuple[str, str]],
) -> None:
    """The page says so in the place of figures."""
    text = Page(page(_found(_DEFAULTS, ap=None))[1]).text
    assert "No labelled images." in text


def test_nothing_differs(page: Callable[[ReferenceDifferences], tuple[str, str]]) -> None:
    """One sentence in the place of a table."""
    assert "Nothing that was compared differs." in Page(page(_found())[1]).text


def test_nothing_was_compared(page: Callable[[ReferenceDifferences], tuple[str, str]]) -> None:
    """No agreement is claimed, and nothing is said of prices."""
    found = dataclasses.replace(_found(ap=None), compared=())
    text = Page(page(found)[1]).text
    assert "Nothing was compared." in text
    assert "put right" not in text


def test_status_of_each_difference() -> None:
    """As the check judged it; what nothing judges is a note."""
    found = _found(_DEFAULTS, _ORDER)
    result = check_reference_contract(found, load_policy(), found.key)
    view = contract_view(found, [result])
    assert [row.status for row in view.rows] == [Status.WARN, Status.PASS]
    assert view.same == ("box scales",)
