"""An archive that ships inside the package goes the way of every other one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from validation.errors import ArtefactMissing, CatalogueError, IntegrityError
from validation.zoo import bundled_files
from validation.zoo.archives import obtain
from validation.zoo.cache import archive_path
from validation.zoo.entry import CatalogueEntry, PackageSource
from validation.zoo.integrity import Digest

_LABELS = {1: "star"}


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("ssd_tiny/frozen_inference_graph.pb")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"graph"))
    return stream.getvalue()


_TAR = _tar()
_DIGEST = Digest(hashlib.sha256(_TAR).hexdigest(), len(_TAR))


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file inside the package."""
    folder = tmp_path / "package"
    folder.mkdir()
    monkeypatch.setattr(bundled_files, "BUNDLED_FOLDER", folder)
    path = folder / "ssd_tiny.tar.gz"
    path.write_bytes(_TAR)
    return path


def _entry(digest: Digest | None = _DIGEST) -> CatalogueEntry:
    return CatalogueEntry(
        "ssd_tiny", "bundled", PackageSource("ssd_tiny.tar.gz"), digest, labels=_LABELS
    )


def test_archive_is_unpacked_to_the_cache(member: Path, tmp_path: Path) -> None:
    """Offline, verified, the package itself left alone; a second time it is found unpacked."""
    cache = tmp_path / "cache"
    archive = obtain(_entry(), cache, offline=True)
    assert archive.source == _DIGEST
    assert archive.labels == _LABELS
    assert archive.frozen_graph is not None
    assert archive.frozen_graph.read_bytes() == b"graph"
    assert archive.root == archive_path(cache, _DIGEST.sha256, "ssd_tiny")
    assert list(member.parent.iterdir()) == [member]
    before = archive.frozen_graph.stat().st_mtime_ns
    again = obtain(_entry(), cache, offline=True)
    assert again.frozen_graph is not None
    assert again.frozen_graph.stat().st_mtime_ns == before


@pytest.mark.parametrize("data", [b"", _TAR + b"\0", _TAR[:-1] + b"\1"])
def test_another_file_is_not_opened(member: Path, tmp_path: Path, data: bytes) -> None:
    """Another size or hash than the catalogue's: nothing is unpacked."""
    member.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"archive of ssd_tiny.*install the package again$"):
        obtain(_entry(), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_installation_without_its_archive(member: Path, tmp_path: Path) -> None:
    """The error says that the installation is at fault, and which file."""
    member.unlink()
    with pytest.raises(ArtefactMissing, match=r"ssd_tiny\.tar\.gz should have come .*install it"):
        obtain(_entry(), tmp_path / "cache")


def test_unpinned_archive_is_refused(member: Path, tmp_path: Path) -> None:
    """The catalogue cannot give such an entry; code that does is stopped."""
    with pytest.raises(CatalogueError, match=r"needs sha256 and size \(model 'ssd_tiny'\)"):
        obtain(_entry(None), tmp_path / "cache")
    assert member.is_file()
