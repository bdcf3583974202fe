"""What models need of memory, before anything of them was read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from validation.plugin import memory_needs
from validation.plugin.memory_needs import archive_bytes, budget_of
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.workspace.session import Session
from validation.zoo.entry import CatalogueEntry, FileUrl, FolderSource, HttpsSource
from validation.zoo.integrity import Digest

_GIB = 2**30


def _entry(name: str, source: FolderSource | HttpsSource, size: int = 0) -> CatalogueEntry:
    digest = Digest(sha256="0" * 64, size_bytes=size) if size else None
    return CatalogueEntry(name, "g", source, digest)


def _session(entries: tuple[CatalogueEntry, ...], **candidates: Path) -> Session:
    given = tuple(
        SimpleNamespace(key=ModelKey(model, "float", path.name), path=path)
        for model, path in candidates.items()
    )
    found = SimpleNamespace(policy=load_policy(), entries=entries, candidates=given)
    return cast(Session, found)


def test_size_of_an_archive(tmp_path: Path) -> None:
    """Of the catalogue, of a packed one, of all files of an unpacked one; else it is not known."""
    (tmp_path / "a" / "saved_model").mkdir(parents=True)
    (tmp_path / "a" / "graph.pb").write_bytes(b"12345")
    (tmp_path / "a" / "saved_model" / "x").write_bytes(b"123")
    url = HttpsSource(FileUrl("https://example.org/a.tar.gz"))
    assert archive_bytes(_entry("a", url, 77)) == 77
    assert archive_bytes(_entry("a", url)) is None
    assert archive_bytes(_entry("a", FolderSource(tmp_path / "a"))) == 8
    assert archive_bytes(_entry("a", FolderSource(tmp_path / "a" / "graph.pb"))) == 5
    assert archive_bytes(_entry("a", FolderSource(tmp_path / "not made yet"))) is None


def test_two_large_archives_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 8 GB a large archive goes beside a small one, but not two, nor one of unknown size."""
    monkeypatch.setattr(memory_needs, "available_bytes", lambda: 7 * _GIB)
    url = HttpsSource(FileUrl("https://example.org/a.tar.gz"))
    sizes = {"small": 20_000_000, "large": 400_000_000, "unknown": 0}
    budget = budget_of(_session(tuple(_entry(name, url, size) for name, size in sizes.items())))
    assert budget.fits("large", ["small"])
    assert not budget.fits("large", ["large"])
    assert not budget.fits("unknown", ["small"])


def test_given_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its archive, or alone."""
    monkeypatch.setattr(memory_needs, "available_bytes", lambda: None)
    file = tmp_path / "a.tflite"
    file.write_bytes(b"1" * 1000)
    budget = budget_of(_session((), m=file))
    setting = load_policy().setting
    base, each = setting("model_memory_gib") * _GIB, setting("model_memory_for_archive")
    assert budget.needs == {"m": base + 1000 * each}
    assert budget.fits("m", ["m"] * 1000)
