"""Memory that may still be taken, of the machine and of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.isolation import available


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system of which nothing is known."""
    monkeypatch.setattr(available, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(available, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(available, "_GROUPS", tmp_path / "groups")
    return tmp_path


def _group(folder: Path, most: str, used: int, names: tuple[str, str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(names, (most, used, f"anon 5\n{names[2]} 30"), strict=True):
        (folder / (name if name != names[2] else "memory.stat")).write_text(str(text))


_TWO = ("memory.max", "memory.current", "inactive_file")
_ONE = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def test_of_the_machine(system: Path) -> None:
    """In bytes."""
    (system / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    assert available.available_bytes() == 5000 * 1024


@pytest.mark.usefixtures("system")
def test_nothing_is_guessed() -> None:
    """Where the system says nothing."""
    assert available.available_bytes() is None


def test_group_with_less_than_the_machine(system: Path) -> None:
    """A container has its own limit, and so may a group around it; cached files go if need be."""
    (system / "meminfo").write_text("MemAvailable: 5000 kB\n")
    (system / "own").write_text("0::/slice/scope\n")
    _group(system / "groups/slice/scope", "max", 100, _TWO)
    _group(system / "groups/slice", "1000", 400, _TWO)
    assert available.available_bytes() == 1000 - 400 + 30


def test_first_version_of_groups(system: Path) -> None:
    """Inside a container the path is that of the host, and its root has the limit."""
    (system / "own").write_text("5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n")
    _group(system / "groups/memory", "2000", 500, _ONE)
    assert available.available_bytes() == 2000 - 500 + 30


def test_real_system_says_something() -> None:
    """On Linux."""
    assert (available.available_bytes() or 0) > 0
