"""Accuracy rows: the reference first, differences only where they mean something."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

from run_pages import Page, render_run

from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.coco_figures import CocoFigures
from validation.record.types import Accuracy, ModelKey
from validation.report.accuracy_table import (
    accuracy_rows,
    comparable,
    reference_first,
    reference_of,
)
from validation.report.interval_tables import difference_view

FIGURES = CocoFigures(*(0.5 for _ in dataclasses.fields(CocoFigures)))
REFERENCE = Accuracy("a", "reference", "frozen graph", FIGURES, 80, (1, 2, 3), 7800, 0.0, 21.0)
FLOAT = dataclasses.replace(
    REFERENCE,
    variant="float",
    subject="regular NMS",
    figures=dataclasses.replace(FIGURES, ap=0.4, ap_small=-1),
)


def test_every_figure_has_a_title(write_run: Callable[..., Path]) -> None:
    """The titles follow the fields of the twelve figures."""
    entry = dataclasses.replace(REFERENCE, model="person")
    page = render_run(write_run([entry])).with_name("model-person.html").read_text()
    head = page.partition('<table class="coco">')[2].partition("</thead>")[0]
    titles = re.findall(r'<th scope="col" class="n">(.+?)<small>.+?</small></th>', head)
    names = [title.lower().replace(" ", "_") for title in titles]
    fields = [field.name for field in dataclasses.fields(CocoFigures)]
    sizes = {"s": "small", "m": "medium", "l": "large"}
    assert fields == ["_".join(sizes.get(part, part) for part in name.split("_")) for name in names]


def test_rows_stand_by_variant() -> None:
    """The reference is first, and what else ran of a variant stands below it."""
    int8 = dataclasses.replace(FLOAT, variant="int8")
    other = dataclasses.replace(FLOAT, subject="fast NMS")
    rows = accuracy_rows([FLOAT, int8, REFERENCE, other])
    assert [(row.entry.variant, row.entry.subject) for row in rows] == [
        ("reference", "frozen graph"),
        ("float", "regular NMS"),
        ("float", "fast NMS"),
        ("int8", "regular NMS"),
    ]
    assert [row.is_reference for row in rows] == [True, False, False, False]


def test_difference_to_the_reference() -> None:
    """Each figure carries its distance; a figure without ground truth carries none."""
    reference, row = accuracy_rows([REFERENCE, FLOAT])
    assert [difference for _, difference in reference.figures] == [None] * 12
    assert row.figures[:2] == ((0.4, -0.1), (0.5, 0.0))
    assert row.figures[3] == (-1, None)
    assert row.has_absent_figures
    assert not reference.has_absent_figures
    assert row.is_comparable


def test_other_images_are_not_compared() -> None:
    """A figure of other images or classes stands alone, and the row says so."""
    fewer = dataclasses.replace(FLOAT, images=40)
    others = dataclasses.replace(FLOAT, category_ids=(1,))
    for entry in (fewer, others):
        assert not comparable(entry, REFERENCE)
        _, row = accuracy_rows([REFERENCE, entry])
        assert [difference for _, difference in row.figures] == [None] * 12
        assert not row.is_comparable


def test_without_reference() -> None:
    """Without a reference there is nothing to hold against, and nothing to explain."""
    assert reference_of([FLOAT]) is None
    (row,) = accuracy_rows([FLOAT])
    assert (row.figures[0], row.is_comparable) == ((0.4, None), True)


def test_reference_first() -> None:
    """The others keep their order."""
    keys = [ModelKey("m", each) for each in ("int8", "reference", "float")]
    assert reference_first(keys) == [keys[1], keys[0], keys[2]]


def test_given_files_come_last() -> None:
    """After what was made here, whatever they are called."""
    given = ModelKey("m", "float", "reference")
    made = [ModelKey("m", each) for each in ("int8", "reference")]
    assert reference_first([given, *made]) == [made[1], made[0], given]


def _difference(figure: Figure, low: float, high: float, category: int | None = None) -> Difference:
    return Difference(figure, 0.5, 0.5 + (low + high) / 2, 40, low, high, 0.01, 1000, category)


_DIFFERENCES = ApDifference(
    "person",
    "float",
    "regular NMS",
    80,
    1000,
    0,
    ranked_alike=False,
    differences=(
        _difference(Figure.AP, -0.0102, 0.0031),
        _difference(Figure.SMALL, -0.2, -0.1),
        _difference(Figure.CATEGORY, -0.3, 0.1, 1),
        _difference(Figure.CATEGORY, -0.02, -0.01, 2),
        _difference(Figure.CATEGORY, math.nan, math.nan, 3),
    ),
    images_needed=912,
    names={1: "cat", 2: "dog"},
)


def test_differences_stand_with_their_intervals() -> None:
    """Below each figure that has one, of the subject that it was found for."""
    other = dataclasses.replace(FLOAT, model="person", subject="fast NMS")
    own = dataclasses.replace(FLOAT, model="person")
    _, with_interval, without = accuracy_rows([REFERENCE, own, other], [_DIFFERENCES])
    by_name = dict(zip(dataclasses.asdict(FIGURES), with_interval.intervals, strict=True))
    assert {name: text for name, text in by_name.items() if text} == {
        "ap": "-0.0102 to +0.0031",
        "ap_small": "-0.2000 to -0.1000",
    }
    assert set(without.intervals) == {""}


def test_categories_stand_worst_first() -> None:
    """What is certainly lost before what may be lost, and what is not known last."""
    view = difference_view(_DIFFERENCES)
    assert [each.category_id for each in view.categories] == [2, 1, 3]
    assert view.certain == 1


def test_the_pages_show_the_interval(write_run: Callable[..., Path]) -> None:
    """On the first page beside the difference; by class and size on the model's, folded."""
    entries = [dataclasses.replace(each, model="person") for each in (REFERENCE, FLOAT)]
    alike = dataclasses.replace(_DIFFERENCES, variant="int8", ranked_alike=True, differences=())
    first = render_run(write_run([*entries, _DIFFERENCES, alike]))
    assert Page(first.read_text()).text.count("-0.0102 to +0.0031") == 1
    page = Page(first.with_name("model-person.html").read_text()).text
    assert "float : differences with their intervals" in page.replace("float:", "float :")
    assert "about 912 needed" in page
    assert page.index("dog (2)") < page.index("cat (1)") < page.index("category 3")
    assert "int8 : the same true positives in the same order" in page
