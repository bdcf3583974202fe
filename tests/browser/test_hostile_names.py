"""Names that would be markup or script elsewhere are text on every page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, visit
from shown_pages import KINDS, page_of
from shown_runs import HOSTILE, Names

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
