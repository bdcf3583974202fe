"""What is lost at the operating point is shown the worst first, and folded beyond a few rows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, render_run

from validation.policy.load import Policy
from validation.record.operating_point import ObjectSize, OperatingPointLosses, OperatingRow
from validation.report.operating_tables import lost_interval, operating_view


def _row(
    class_id: int | None, size: ObjectSize | None, right: int, lost: int, low: float
) -> OperatingRow:
    name = "" if class_id is None else f"class{class_id}"
    counts = (right, right + 3, right, lost + 1, lost, 2, 1, right + 5, 3, 2)
    return OperatingRow(class_id, name, size, *counts, (low, 0.5))


def _losses(classes: int, min_score: float = 0.3) -> OperatingPointLosses:
    """The third class loses all of its small objects, the second one of many."""
    rows = [
        _row(class_id, ObjectSize.SMALL, 9, 9 * (class_id == 3), 0.4 * (class_id == 3))
        for class_id in range(1, classes + 1)
    ]
    rows[1] = _row(2, ObjectSize.SMALL, 900, 1, 0.001)
    total = _row(None, None, 1000, 10, 0.004)
    return OperatingPointLosses(
        "person", "int8", min_score, 0.3, 0.05, 0.5, 0.75, 80, ("hat",), 4, 0, (total, *rows)
    )


def _names(text: str) -> list[list[str]]:
    tables = re.findall('<table class="operating">.*?</table>', text, re.DOTALL)
    return [re.findall('<th scope="row">(.*?)</th>', table) for table in tables]


@pytest.fixture
def page(write_run: Callable[..., Path], policy: Policy) -> Callable[[OperatingPointLosses], str]:
    """The text of the model's page."""

    def render(losses: OperatingPointLosses) -> str:
        run = write_run([losses])
        return render_run(run, policy).with_name("model-person.html").read_text()

    return render


def test_worst_rows_first(page: Callable[[OperatingPointLosses], str]) -> None:
    """A line for the file; the whole table, every row once, unfolds below."""
    files, rows = _names(page(_losses(9)))
    assert files == ["int8"]
    assert rows[:3] == [
        "all objects",
        "small objects of class class3",
        "small objects of class class2",
    ]
    assert len(rows) == len(set(rows)) == 10


def test_a_file_is_one_line(page: Callable[[OperatingPointLosses], str]) -> None:
    """What is lost in all, and of what most."""
    text = Page(page(_losses(5))).text
    assert "int8 0.3 10 of 1,000 1 % 0.4 to" in text
    assert "small objects of class class3 9 of 9" in text


def test_a_row_says_how_many_and_how_sure(page: Callable[[OperatingPointLosses], str]) -> None:
    """Of the worst row every figure; it is marked, and few objects are called few."""
    text = page(_losses(4))
    (row,) = re.findall('<tr class="worst">(.*?)</tr>', text, re.DOTALL)
    cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row)]
    assert cells == [
        "small objects of class class3",
        "9 of 9",
        "100 %",
        "40 to 50 %, few",
        *("1", "2", "12", "10", "2", "14", "3"),
    ]
    said = Page(text).text
    assert "Scores from 0.3, 80 images. The file had no slot left for 4" in said
    assert "all detections of the reference count as right: hat." in said


def test_the_models_own_threshold_is_told(page: Callable[[OperatingPointLosses], str]) -> None:
    """It is another than the policy's."""
    said = Page(page(_losses(4, 0.5))).text
    assert "Scores from 0.5, the model's own threshold (policy: 0.3), 80 images" in said


def test_a_row_without_right_detections_has_no_interval() -> None:
    """None of none is no share."""
    assert lost_interval(_row(1, None, 0, 0, 0.0)) == "\u2014"
    assert lost_interval(_row(1, None, 50, 0, 0.0)) == "0 to 50 %"
    exact = dataclasses.replace(_row(1, None, 50, 1, 0.0), interval=None)
    assert lost_interval(exact) == "\u2014"


def test_a_table_of_one_row() -> None:
    """Where nothing was found there is the row of all together."""
    losses = OperatingPointLosses(
        "m", "int8", 0.3, 0.3, 0.05, 0.5, 0.75, 1, (), 0, 0, (_row(None, None, 0, 0, 0.0),)
    )
    view = operating_view(losses)
    assert view.rows == losses.rows
