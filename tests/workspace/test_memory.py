"""Memory goes back to the system when there is much of it."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from validation.workspace import memory

_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_freed_pieces_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces freed beneath one that stays: the allocator keeps them, until asked."""
    monkeypatch.setattr(memory, "_WORTH_BYTES", 0)
    pieces = [np.ones(12_000) for _ in range(4000)]
    last = pieces[-1]
    del pieces
    before = _resident()
    memory.give_back()
    assert _resident() < before - 100e6
    assert last.sum() == 12_000


def test_little_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small process is not held up."""
    monkeypatch.setattr(memory, "_WORTH_BYTES", 10**15)
    monkeypatch.setattr(memory.gc, "collect", lambda: pytest.fail("collected"))
    memory.give_back()


def test_systems_without_statm_do_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only Linux has the figure; nothing is done where it is not known."""
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory.gc, "collect", lambda: pytest.fail("collected"))
    memory.give_back()


@pytest.mark.parametrize(("asked", "kept"), [(None, "0"), ("1", "1")])
def test_onednn_is_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, kept: str
) -> None:
    """Off by default, because its allocator gives nothing back; the environment decides."""
    monkeypatch.setenv(_ONEDNN, asked or "")
    if asked is None:
        monkeypatch.delenv(_ONEDNN)
    memory.without_pools()
    assert os.environ[_ONEDNN] == kept


def test_garbage_is_looked_for_seldom() -> None:
    """But looked for: graphs are full of cycles."""
    was = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    memory.collect_seldom()
    asked = gc.get_threshold()
    gc.set_threshold(*was)
    assert gc.isenabled()
    assert asked[0] > 10_000
    assert 0 < asked[2] <= 10
