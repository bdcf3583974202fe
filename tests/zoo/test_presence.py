"""Where an archive is, is told without opening anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.errors import CatalogueError
from validation.zoo.cache import archive_path, source_path
from validation.zoo.entry import CatalogueEntry, FolderSource, HttpsSource, PackageSource
from validation.zoo.integrity import Digest, Sha384Digest
from validation.zoo.lockfile import LOCK_NAME, note_digest
from validation.zoo.presence import Presence, download_bytes, presence

_URL = "https://example.org/m.tar.gz"
_DIGEST = Digest("ab" * 32, 7)


def _entry(**fields: object) -> CatalogueEntry:
    return CatalogueEntry(name="m", group="g", **{"source": HttpsSource(_URL), **fields})


@pytest.mark.parametrize("unpacked", [True, False])
def test_pinned_download(tmp_path: Path, unpacked: bool) -> None:
    """Cached where its file or its folder is."""
    entry = _entry(digest=_DIGEST)
    assert presence(entry, tmp_path) is Presence.ABSENT
    place = (
        archive_path(tmp_path, _DIGEST.sha256, "m")
        if unpacked
        else source_path(tmp_path, _DIGEST.sha256, "m.tar.gz")
    )
    place.mkdir(parents=True)
    assert presence(entry, tmp_path) is Presence.CACHED


@pytest.mark.parametrize("digest", [None, Sha384Digest("cd" * 48, 7)])
def test_download_that_the_lock_file_knows(tmp_path: Path, digest: Sha384Digest | None) -> None:
    """Noted and there; noted in a lock file of another place as well."""
    entry = _entry(digest=digest, trust_first_download=digest is None)
    source_path(tmp_path, _DIGEST.sha256, "m.tar.gz").mkdir(parents=True)
    assert presence(entry, tmp_path) is Presence.ABSENT
    note_digest(tmp_path / "own.json", _URL, _DIGEST)
    assert presence(entry, tmp_path) is Presence.ABSENT
    assert presence(entry, tmp_path, tmp_path / "own.json") is Presence.CACHED
    note_digest(tmp_path / LOCK_NAME, _URL, _DIGEST)
    assert presence(entry, tmp_path) is Presence.CACHED


def test_damaged_lock_file_is_told(tmp_path: Path) -> None:
    """What it says cannot be guessed."""
    (tmp_path / LOCK_NAME).write_text("{")
    with pytest.raises(CatalogueError):
        presence(_entry(trust_first_download=True), tmp_path)


def test_folders_and_members_of_the_package(tmp_path: Path) -> None:
    """There or not."""
    assert presence(_entry(source=FolderSource(tmp_path)), tmp_path) is Presence.LOCAL
    assert presence(_entry(source=FolderSource(tmp_path / "x")), tmp_path) is Presence.ABSENT
    shipped = PackageSource("ssd_mobilenet_v1.tar.gz")
    assert presence(_entry(source=shipped), tmp_path) is Presence.SHIPPED
    assert presence(_entry(source=PackageSource("none")), tmp_path) is Presence.ABSENT


def test_size_of_the_download() -> None:
    """Where it is published."""
    assert download_bytes(_entry(digest=_DIGEST)) == 7
    assert download_bytes(_entry()) is None
