"""A model page in use: what an address opens, which side of a picture is shown, what is copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, visit
from shown_pages import page_of

_SCRIPTS = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


def _folded(seen: Any) -> str:
    """The id of a check that is folded over a table."""
    folded = seen.page.locator("details.check:not([open]):has(table)").first.get_attribute("id")
    assert folded
    return str(folded)


@_SCRIPTS
def test_an_address_opens_a_folded_check(browser: Any, shown: Path, script: bool) -> None:
    """From another page, and by a link of the page itself: its measures are in sight."""
    look = Look(DESKTOP.width, script=script)
    with visit(browser, page_of(shown / "fail", "model"), look) as seen:
        anchor = _folded(seen)
        measures = seen.page.locator(f'details[id="{anchor}"] table')
        assert not measures.is_visible()
        seen.page.goto(f"{seen.page.url.partition('#')[0]}#{anchor}")
        measures.wait_for(state="visible")
        assert seen.page.locator(f'details[id="{anchor}"] > summary').is_visible()


def test_details_begin_within_four_screens(browser: Any, shown: Path) -> None:
    """Of a desktop: summary, accuracy, losses, pictures, parity and latency of four files."""
    with visit(browser, page_of(shown / "fail", "model")) as seen:
        places = seen.page.evaluate(
            "() => [document.getElementById('checks').getBoundingClientRect().top, innerHeight]"
        )
        assert places[0] <= 4 * places[1]


def test_an_address_that_is_none_stops_no_script(browser: Any, shown: Path) -> None:
    """Its percent sign begins no letter; commands can be copied all the same."""
    with visit(browser, page_of(shown / "fail", "model")) as seen:
        seen.page.goto(f"{seen.page.url}#100%")
        seen.page.reload()
        assert seen.page.locator("button.copy").first.is_visible()
        assert seen.complaints == []


def test_a_check_that_was_opened_can_be_folded(browser: Any, shown: Path) -> None:
    """By mouse and keyboard, although the address still names it."""
    with visit(browser, page_of(shown / "fail", "model")) as seen:
        anchor = _folded(seen)
        seen.page.goto(f"{seen.page.url}#{anchor}")
        summary = seen.page.locator(f'details[id="{anchor}"] > summary')
        measures = seen.page.locator(f'details[id="{anchor}"] table')
        measures.wait_for(state="visible")
        summary.click()
        assert not measures.is_visible()
        summary.focus()
        seen.page.keyboard.press("Enter")
        assert measures.is_visible()


@pytest.mark.parametrize("look", [DESKTOP, PHONE, Look(DESKTOP.width, script=False)], ids=str)
def test_sides_of_a_picture(browser: Any, shown: Path, look: Look) -> None:
    """Radio buttons show one side or two, by the arrow keys too; boxes are switched off."""
    with visit(browser, page_of(shown / "fail", "model"), look) as seen:
        gallery = seen.page.locator(".gallery").first

        def visible() -> Iterator[str]:
            for role in ("reference", "subject", "truth"):
                if gallery.locator(f".side.{role}").first.is_visible():
                    yield role

        assert list(visible()) == ["reference", "subject"]
        radios = gallery.get_by_role("radio")
        radios.first.focus()
        for sides in (["reference"], ["subject"], ["truth"]):
            seen.page.keyboard.press("ArrowRight")
            assert list(visible()) == sides
        radios.first.check()
        assert list(visible()) == ["reference", "subject"]
        objects = gallery.locator(".side.subject g.truth").first
        assert objects.is_visible()
        gallery.get_by_role("checkbox", name="Ground truth drawn").uncheck()
        assert not objects.is_visible()


def test_commands_are_copied(browser: Any, shown: Path) -> None:
    """What the button copies is what stands beside it."""
    with visit(browser, page_of(shown / "fail", "model")) as seen:
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        command = seen.page.locator(".command").first
        command.get_by_role("button", name="Copy").click()
        command.get_by_role("button", name="Copied").wait_for()
        copied = seen.page.evaluate("navigator.clipboard.readText()")
        assert copied == command.locator("code").inner_text()
        assert copied.startswith("validation run ")
