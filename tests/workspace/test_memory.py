"""Memory goes back to the system when there is much of it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
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


def test_large_file_makes_room_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However little is resident; a small file, or none, holds nothing up."""
    collected: list[str] = []
    monkeypatch.setattr(memory, "_LARGE_BYTES", 10)
    monkeypatch.setattr(memory.gc, "collect", lambda: collected.append("collected"))
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"1" * 9)
    large.write_bytes(b"1" * 10)
    for file in (None, small, tmp_path / "none"):
        memory.make_room(file)
    assert collected == []
    memory.make_room(large)
    assert collected == ["collected"]


_PIECES = """
from pathlib import Path
import numpy as np
from validation.workspace import memory
{settled}
# By this alone the allocator would keep pieces of up to 30 MB from then on.
largest = np.ones(30 << 17)
del largest
pieces = [np.ones(8 << 17) for _ in range(20)]
last = pieces.pop()
held = memory._resident_bytes()
del pieces
print(held - memory._resident_bytes())
"""


@pytest.mark.parametrize(("settled", "kept"), [("", True), ("memory.map_large_pieces()", False)])
def test_large_pieces_go_back_at_once(settled: str, kept: bool) -> None:
    """As the weights of a graph that is not needed any more, below one that is."""
    program = [sys.executable, "-c", _PIECES.format(settled=settled)]
    freed = int(subprocess.run(program, capture_output=True, check=True, text=True).stdout)
    assert (freed < 10e6) == kept
    assert (freed > 150e6) != kept


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


@pytest.mark.parametrize(("asked", "kept"), [(None, "1"), ("3", "3")])
def test_an_op_has_one_thread(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, kept: str
) -> None:
    """Whatever the machine has: what is added up in another order has other last bits."""
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", asked or "")
    if asked is None:
        monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
        assert memory.threads_of_an_op().endswith("cores")
    memory.without_pools()
    assert memory.threads_of_an_op() == kept


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
