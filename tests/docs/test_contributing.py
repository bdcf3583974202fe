"""What CONTRIBUTING.md and README.md point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from distribution import LONGEST, SLOW, is_slow

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


@pytest.mark.parametrize("path", sorted({*SLOW, *LONGEST}))
def test_named_tests_exist(path: str) -> None:
    """What `-m quick` leaves out, and what several workers start with, is there."""
    assert (_ROOT / "tests" / path).exists()


def test_quick_tests_are_many() -> None:
    """`-m quick` leaves out what is named, and nothing else."""
    tests = list((_ROOT / "tests").rglob("test_*.py"))
    quick = [path for path in tests if not is_slow(path)]
    assert len(quick) > len(tests) / 3
    assert not is_slow(_ROOT / "tests") and is_slow(Path(__file__))
