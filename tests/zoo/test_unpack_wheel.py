"""One file comes out of a wheel, verified, or nothing does."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from validation.errors import ArtefactError, IntegrityError, UnsafeArchive
from validation.files.manifest import ListedFile
from validation.zoo.integrity import Digest
from validation.zoo.unpack import unpack_wheel_member


def _wheel(path: Path, data: bytes = b"graph") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("package/graph.pb", data)
        wheel.writestr("../outside", b"never read")
    return path


def _member_of(tmp_path: Path, member: str, expected: bytes, data: bytes = b"graph") -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    digest = Digest(hashlib.sha256(expected).hexdigest(), len(expected))
    files = unpack_wheel_member(_wheel(tmp_path / "a.whl", data), member, folder, expected=digest)
    assert files == (ListedFile("graph.pb", digest.sha256, digest.size_bytes),)


def test_one_member_of_a_wheel_is_written(tmp_path: Path) -> None:
    """Only the named member comes out, under its last name."""
    _member_of(tmp_path, "package/graph.pb", b"graph")
    (file,) = (tmp_path / "folder").rglob("*")
    assert (file.name, file.read_bytes()) == ("graph.pb", b"graph")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.whl", "folder"]


def test_wheel_without_the_member_is_refused(tmp_path: Path) -> None:
    """A wheel that lacks the file is told with the file's name."""
    with pytest.raises(ArtefactError, match=r"wheel lacks a file .*expected package/none\.pb"):
        _member_of(tmp_path, "package/none.pb", b"graph")


def test_other_member_is_refused(tmp_path: Path) -> None:
    """The member is compared with the catalogue too."""
    with pytest.raises(IntegrityError, match=r"graph\.pb of a\.whl is not the expected file"):
        _member_of(tmp_path, "package/graph.pb", b"other")


def test_member_larger_than_declared_is_refused(tmp_path: Path) -> None:
    """A member that bursts its declared size is stopped at it."""
    with pytest.raises(UnsafeArchive, match=r"'graph\.pb': unpacks to more than 5 bytes"):
        _member_of(tmp_path, "package/graph.pb", b"graph", b"graph" * 1000)
    assert sum(path.stat().st_size for path in (tmp_path / "folder").iterdir()) <= 5


def test_damaged_wheel_is_refused(tmp_path: Path) -> None:
    """Bytes that are no wheel are told as a damaged archive."""
    (tmp_path / "b.whl").write_bytes(b"PK no")
    with pytest.raises(ArtefactError, match=r"damaged or cut short \(.*b\.whl\)"):
        unpack_wheel_member(tmp_path / "b.whl", "a", tmp_path, expected=Digest("a" * 64, 1))
