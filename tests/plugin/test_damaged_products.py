"""What a failing disk changed in the cache is made again: the same figures, and a notice."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.record.run import Step
from validation.record.store import load_record

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

Run = Callable[..., pytest.RunResult]


def _flip(folder: Path) -> str:
    """Change one bit in the middle of the largest file of a product; returns its name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    path = max(files, key=lambda each: (each.stat().st_size, each.name))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path.relative_to(folder).as_posix()


def _figures(session: Any) -> dict[tuple[str, str], Any]:
    """What every check but the one of speed found."""
    return {
        key: (line["status"], line["measures"])
        for key, line in session.checks().items()
        if key[0] != "latency"
    }


def _steps(session: Any) -> list[Step]:
    (record,) = session.reports.glob("*/record.jsonl")
    return list(load_record(record).steps)


def test_one_bit_of_every_kind_of_product(
    over_miniature: Run, session: Any, miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """Nothing of it reaches a figure, no check fails, and terminal, record and page say so."""
    cache = tmp_path / "cache"
    shutil.copytree(miniature.cache, cache)
    over_miniature("--cache-dir", cache).assert_outcomes(passed=21, skipped=4)
    before = _figures(session)
    assert not [step for step in _steps(session) if step.damaged]
    # The cache holds products for other tests, too, which this session does not ask for.
    asked = {str(step.stage) for step in _steps(session) if step.cached}
    shutil.rmtree(session.reports)

    kinds = [path for path in (cache / "work").iterdir() if path.is_dir()]
    changed = {
        (kind.name, _flip(product))
        for kind in kinds
        for product in kind.iterdir()
        if product.is_dir()
    }
    result = over_miniature("--cache-dir", cache)
    result.assert_outcomes(passed=21, skipped=4)
    assert _figures(session) == before
    said = {(str(step.stage), step.damaged) for step in _steps(session) if step.damaged}
    assert said <= changed
    assert {kind for kind, _ in said} == asked & {kind.name for kind in kinds}
    for step in _steps(session):
        if step.damaged:
            assert not step.cached
            line = f"mini, {step.step}: {step.damaged} in the cache had changed since it was made"
            assert any(each.startswith(f"cache: {line}") for each in result.outlines)
            assert line in html.unescape(session.page())

    shutil.rmtree(session.reports)
    over_miniature("--cache-dir", cache).assert_outcomes(passed=21, skipped=4)
    assert not [step for step in _steps(session) if step.damaged]
