"""What a reader does with a page: by keyboard, on paper, without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, Visit, visit
from shown_pages import KINDS, page_of

# Elements whose content is wider than they are and can be pushed sideways.
_SCROLLERS = """() => [...document.querySelectorAll('body *')].filter(each => {
    const overflow = getComputedStyle(each).overflowX;
    return (overflow === 'auto' || overflow === 'scroll') && each.scrollWidth > each.clientWidth;
})"""
# Tables that end beyond the window and lie in nothing that can be pushed.
_UNREACHABLE = f"""() => {{
    const scrollers = ({_SCROLLERS})();
    return [...document.querySelectorAll('table')].filter(table =>
        table.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        && !scrollers.some(each => each.contains(table))
    ).map(table => table.outerHTML.slice(0, 120));
}}"""


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_by_keyboard(browser: Any, shown: Path, kind: str, look: Look) -> None:
    """Whatever is wider than its place has a name, takes the focus and moves with arrow keys."""
    with visit(browser, page_of(shown / "fail", kind), look) as seen:
        seen.open_everything()
        assert seen.page.evaluate(_UNREACHABLE) == []
        scrollers = seen.page.evaluate_handle(_SCROLLERS)
        for number in range(scrollers.evaluate("found => found.length")):
            each = scrollers.evaluate_handle("(found, number) => found[number]", number)
            assert each.evaluate("each => each.tabIndex") == 0, _start(each)
            assert each.evaluate("each => each.getAttribute('role')") == "region"
            assert each.evaluate("each => each.getAttribute('aria-label')")
            each.evaluate("each => { each.scrollLeft = 0; each.focus(); }")
            seen.page.keyboard.press("ArrowRight")
            seen.page.wait_for_function("each => each.scrollLeft > 0", arg=each, timeout=5000)


@pytest.mark.parametrize("kind", KINDS)
def test_tab_reaches_everything(browser: Any, shown: Path, kind: str) -> None:
    """The tab key visits every link, button, field and region once, and is caught nowhere."""
    with visit(browser, page_of(shown / "fail", kind)) as seen:
        asked = """() => [...document.querySelectorAll(
            'a[href], button, input:not([type=radio]), select, summary, [tabindex="0"]'
        )].filter(each => !each.disabled && each.checkVisibility({visibilityProperty: true}))"""
        count = seen.page.evaluate(f"() => ({asked})().length")
        assert count > 0
        for _ in range(count + 20):
            seen.page.keyboard.press("Tab")
            seen.page.evaluate("() => document.activeElement.setAttribute('data-visited', '')")
        left = seen.page.evaluate(
            f"() => ({asked})().filter(each => !each.hasAttribute('data-visited'))"
            ".map(each => each.outerHTML.slice(0, 120))"
        )
        assert left == []


@pytest.mark.parametrize("kind", KINDS)
def test_whole_without_scripts(browser: Any, shown: Path, kind: str) -> None:
    """Every row and section is there, and nothing is shown that only a script would serve."""
    path = page_of(shown / "fail", kind)
    with visit(browser, path, Look(DESKTOP.width, script=False)) as seen:
        seen.open_everything()
        without = _rows(seen)
        assert seen.page.locator("button:visible, input[type=search]:visible").count() == 0
        assert seen.complaints == []
    with visit(browser, path) as seen:
        seen.open_everything()
        assert _rows(seen) == without


def _rows(seen: Visit) -> list[str]:
    return list(
        seen.page.evaluate(
            "() => [...document.querySelectorAll('tr')].filter(each => each.checkVisibility())"
            ".map(each => each.querySelector('th, td')?.textContent.trim() ?? '')"
        )
    )


def test_signature_is_on_the_first_sheet(browser: Any, shown: Path) -> None:
    """Printed on A4, the first page's first sheet has verdict and signature."""
    from pypdf import PdfReader

    for run in ("pass", "fail"):
        target = shown / run / "index.pdf"
        with visit(browser, page_of(shown / run, "index")) as seen:
            seen.page.pdf(path=target, format="A4")
        text = PdfReader(target).pages[0].extract_text()
        assert "Signature" in text
        assert run.upper() in text


def test_paper_says_which_rows_it_has(browser: Any, shown: Path) -> None:
    """The rows that were chosen are printed, and under what they were chosen by."""
    with visit(browser, page_of(shown / "fail", "index")) as seen:
        seen.page.get_by_role("radio", name="FAIL").check()
        seen.page.emulate_media(media="print")
        choice = seen.page.locator(".choose")
        words = choice.inner_text().split()
        assert [words[2:4], words[-4:]] == [["FAIL", "2"], ["2", "of", "7", "shown"]]
        before = "() => getComputedStyle(document.querySelector('.choose fieldset'), '::before')"
        assert seen.page.evaluate(f"({before})().content") == '"Rows shown:"'
        assert choice.locator("input:visible").count() == 0


def _start(element: Any) -> str:
    """The tag by which an element is found in its page."""
    return str(element.evaluate("each => each.outerHTML.slice(0, 160)"))
