"""The pages of whole runs: VALIDATION_BROWSER_RUNS names folders of runs, a colon between two."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, PHONE, Look, visit

_FOLDERS = [
    Path(each) for each in os.environ.get("VALIDATION_BROWSER_RUNS", "").split(os.pathsep) if each
]
_LOOKS = [Look(DESKTOP.width), Look(PHONE.width, "dark")]

pytestmark = pytest.mark.skipif(
    not _FOLDERS, reason="VALIDATION_BROWSER_RUNS names no folder of a run"
)


def _pages() -> list[Path]:
    """All but the model pages, and of these the longest of each run."""
    found = []
    for folder in _FOLDERS:
        models = sorted(folder.glob("model-*.html"), key=lambda page: page.stat().st_size)
        others = [page for page in folder.glob("*.html") if page not in models]
        found += [*sorted(others), *models[-1:]]
    return found


def test_folders_have_pages() -> None:
    """Each folder that is named has a first page and one of a model."""
    for folder in _FOLDERS:
        assert (folder / "index.html").is_file(), folder
        assert list(folder.glob("model-*.html")), folder


@pytest.mark.parametrize("look", _LOOKS, ids=str)
@pytest.mark.parametrize("page", _pages(), ids=lambda page: f"{page.parent.name}/{page.name}")
def test_nothing_to_complain_of(browser: Any, axe: str, page: Path, look: Look) -> None:
    """As of the runs that are only written, see test_pages; contrast of what is not folded."""
    with visit(browser, page, look) as seen:
        assert seen.violations(axe) == []
        seen.open_everything()
        assert seen.violations(axe, contrast=False) == []
        assert seen.sideways() == 0
        assert seen.elsewhere == []
        assert seen.complaints == []
