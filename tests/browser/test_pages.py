"""Every page at every look: nothing to complain of, and nothing asked for off the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, visit
from shown_pages import KINDS, page_of

_LIGHT, _PHONE_DARK = Look(DESKTOP.width), Look(PHONE.width, "dark")
# Contrast is what axe takes its time for: of the run that passes, whose pages have less on them,
# each width and each scheme once.
_LOOKS = {
    "pass": (_LIGHT, _PHONE_DARK),
    "fail": (_LIGHT, Look(DESKTOP.width, "dark"), Look(PHONE.width), _PHONE_DARK),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("run", "look"), [(run, look) for run, looks in _LOOKS.items() for look in looks], ids=str
)
def test_nothing_to_complain_of(
    browser: Any, axe: str, shown: Path, run: str, kind: str, look: Look
) -> None:
    """The console is silent, axe finds no violation, and the page is no wider than the window."""
    with visit(browser, page_of(shown / run, kind), look) as seen:
        seen.open_everything()
        assert seen.violations(axe) == []
        assert seen.sideways() == 0
        assert seen.elsewhere == []
        assert seen.complaints == []


def test_axe_does_find_violations(browser: Any, axe: str, tmp_path: Path) -> None:
    """The tool of these tests sees a picture without words and text of too little contrast."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><html lang=en><title>bad</title><main><h1>Bad</h1>"
        "<img src='data:,'><p style='color:#aaa;background:#fff'>pale</p>"
        "<p style='width:2000px'>wide</p></main>"
        "<script>console.error('said'); fetch('http://127.0.0.1:9/x').catch(() => 0)</script>"
    )
    with visit(browser, page) as seen:
        found = " ".join(seen.violations(axe))
        assert "image-alt" in found
        assert "color-contrast" in found
        assert seen.sideways() > 0
        assert "said" in seen.complaints
        assert "http://127.0.0.1:9/x" in seen.elsewhere
