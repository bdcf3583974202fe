"""What sorts, filters and switches: with a mouse, by keyboard, and by style alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, Visit, visit
from shown_pages import page_of

# Cells of a column in the rows that are shown, as the page sorts them.
_COLUMN = """name => {
    const table = document.querySelector('table[data-sort]');
    const heads = [...table.tHead.rows[0].cells];
    const column = heads.findIndex(each => each.textContent.trim().startsWith(name));
    return [...table.tBodies[0].rows].filter(row => row.checkVisibility()).map(row => {
        const cell = row.cells[column];
        return cell.dataset.order === undefined ? cell.textContent.trim() : cell.dataset.order;
    });
}"""


def _column(seen: Visit, name: str) -> list[str]:
    return list(seen.page.evaluate(_COLUMN, name))


def _numbers(values: Sequence[str]) -> list[float]:
    return [float(value) for value in values if value]


def _head(seen: Visit, name: str) -> Any:
    return seen.page.locator("table[data-sort] thead th").filter(has_text=name).first


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=str)
def test_sorting(browser: Any, shown: Path, look: Look) -> None:
    """A heading sorts by its figures, then the other way round, then not at all."""
    with visit(browser, page_of(shown / "fail", "index"), look) as seen:
        order = _column(seen, "Variant")
        head = _head(seen, "Size")
        assert head.get_attribute("aria-sort") is None
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        sizes = _numbers(_column(seen, "Size"))
        assert sizes == sorted(sizes)
        assert len(set(sizes)) == 3
        # As with the mouse, so with the keyboard.
        head.get_by_role("button").focus()
        seen.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert _numbers(_column(seen, "Size")) == sorted(sizes, reverse=True)
        seen.page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") is None
        assert _column(seen, "Variant") == order


def test_sorting_by_words_and_by_verdict(browser: Any, shown: Path) -> None:
    """Names go by the alphabet; the worst verdict comes first; one column sorts at a time."""
    with visit(browser, page_of(shown / "fail", "index")) as seen:
        _head(seen, "Variant").get_by_role("button").click()
        names = _column(seen, "Variant")
        assert names == sorted(names)
        _head(seen, "Verdict").get_by_role("button").click()
        severity = _numbers(_column(seen, "Verdict"))
        assert severity == sorted(severity)
        assert seen.page.locator("table[data-sort] th[aria-sort]").count() == 1
        first = seen.page.locator("table[data-sort] tbody tr .status").first
        assert first.inner_text() == "FAIL"


def test_finding(browser: Any, shown: Path) -> None:
    """All words have to be in a row, in any case; how many are shown is said."""
    with visit(browser, page_of(shown / "fail", "index")) as seen:
        box = seen.page.get_by_role("searchbox")
        everything = _column(seen, "Variant")
        box.fill("GIVEN int8")
        (row,) = _column(seen, "Variant")
        assert row.startswith("detect.tflite")
        assert seen.page.locator("output").inner_text() == f"1 of {len(everything)} shown"
        box.fill("nothing is called so")
        assert _column(seen, "Variant") == []
        box.fill("")
        assert _column(seen, "Variant") == everything


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_choosing_rows(browser: Any, shown: Path, script: bool) -> None:
    """Style alone shows the rows of one verdict, and the columns that are left out at first."""
    look = Look(DESKTOP.width, script=script)
    with visit(browser, page_of(shown / "fail", "index"), look) as seen:
        everything = len(_column(seen, "Variant"))
        seen.page.get_by_role("radio", name="FAIL").check()
        assert len(_column(seen, "Variant")) == 2
        seen.page.get_by_role("radio", name="All").check()
        assert len(_column(seen, "Variant")) == everything
        further = seen.page.locator("table[data-sort] th.extra").first
        assert not further.is_visible()
        seen.page.get_by_role("checkbox").first.check()
        assert further.is_visible()
