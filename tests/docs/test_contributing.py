"""What CONTRIBUTING.md and README.md point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("validation", "suites", "tests", "tools", "docs")


def _paths(text: str) -> list[str]:
    """Paths in backticks and in links; words in capitals are for the reader to fill in."""
    quoted = re.findall(r"`([\w./-]+)`|\]\(([\w./-]+)\)", text)
    paths = {next(filter(None, each)) for each in quoted}
    return sorted(
        path
        for path in paths
        if path.partition("/")[0] in _FOLDERS and "/" in path and not re.search(r"[A-Z]{4}", path)
    )


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_paths_exist(page: str) -> None:
    """A step that names a file names one that exists."""
    paths = _paths((_ROOT / page).read_text(encoding="utf-8"))
    assert len(paths) > 3
    assert [path for path in paths if not (_ROOT / path).exists()] == []


def test_quick_tests_exist() -> None:
    """The environment `quick` of tox runs folders that are there."""
    text = (_ROOT / "tox.ini").read_text(encoding="utf-8")
    paths = re.findall(r"tests/[\w./]+", text.partition("[testenv:quick]")[2])
    assert len(paths) > 10
    assert [path for path in paths if not (_ROOT / path).exists()] == []
