"""Names that would be markup or script elsewhere are text on every page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, visit
from shown_names import HOSTILE, Names
from shown_pages import KINDS, page_of
from shown_runs import write_shown_run

# Which names each kind of page shows.
_SHOWN: dict[str, tuple[str, ...]] = {
    "index": ("model", "other", "file", "dataset", "option"),
    "model": ("model", "file", "label", "category", "image", "layer", "message"),
    "matrix": ("model", "other", "file", "option"),
    "compare": ("model", "file", "option"),
}
# Attributes that hold a script.
_HANDLERS = """() => [...document.querySelectorAll('*')]
    .flatMap(each => each.getAttributeNames()).filter(name => name.startsWith('on'))"""

# Where links of the table's models begin, when they stand in one line of text.
_PLACES_IN_ONE_LINE = """() => {
    const line = document.createElement('p');
    const links = [...document.querySelectorAll('.files tr.first .model a')];
    links.forEach(each => line.append(each.cloneNode(true), ', '));
    document.querySelector('main').append(line);
    return [...line.children].map(each => each.getBoundingClientRect().left);
}"""


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_stay_text(
    browser: Any, axe: str, shown: Path, kind: str, look: Look
) -> None:
    """They are read as they were given; nothing runs, loads, or opens an element."""
    with visit(browser, page_of(shown / "hostile", kind), look) as seen:
        seen.open_everything()
        text = seen.page.evaluate("() => document.body.textContent")
        for name in _SHOWN[kind]:
            assert " ".join(getattr(HOSTILE, name).split()) in " ".join(text.split())
        # Each of them would write its own name there.
        assert seen.page.title() not in Names.__dataclass_fields__
        strangers = (
            "iframe, object, embed, link, b[onmouseover], svg[onload], img:not([src^='data:'])"
        )
        assert seen.page.locator(strangers).count() == 0
        assert seen.page.locator("a[href^='javascript:']").count() == 0
        assert seen.page.evaluate(_HANDLERS) == []
        assert seen.violations(axe) == []
        assert seen.sideways() == 0
        assert seen.elsewhere == []
        assert seen.complaints == []


def test_names_from_right_to_left_keep_their_place(browser: Any, tmp_path: Path) -> None:
    """Two links beside each other are read in their order, whichever letters they are in."""
    run = write_shown_run(
        tmp_path / "run",
        names=dataclasses.replace(Names(), model="\u05d0\u05d1\u05d2", other="\u05d3\u05d4\u05d5"),
    )
    with visit(browser, page_of(run, "index")) as seen:
        places = seen.page.evaluate(_PLACES_IN_ONE_LINE)
        assert places == sorted(places)


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_long_names_stay_in_the_window(browser: Any, shown: Path, kind: str, look: Look) -> None:
    """Names of hundreds of letters without a place to break are broken all the same."""
    with visit(browser, page_of(shown / "long", kind), look) as seen:
        seen.open_everything()
        assert seen.sideways() == 0
