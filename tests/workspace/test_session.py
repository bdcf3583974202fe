"""What a session's options reach."""

from __future__ import annotations

import functools
import http.server
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_server import Quiet, serving

from validation.errors import IntegrityError
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.workspace.session import Session
from validation.zoo.archives import Archive
from validation.zoo.entry import CatalogueEntry, HttpsSource
from validation.zoo.integrity import Digest
from validation.zoo.lockfile import LOCK_NAME, note_digest, noted_digest

_NAME = "ssd_tiny"


class _Files(Quiet, http.server.SimpleHTTPRequestHandler):
    """Sends what lies in a folder."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Of an archive that a server on this machine sends."""
    folder = tmp_path / "served"
    (folder / _NAME).mkdir(parents=True)
    (folder / _NAME / "frozen_inference_graph.pb").write_bytes(b"graph")
    with tarfile.open(folder / f"{_NAME}.tar.gz", "w:gz") as tar:
        tar.add(folder / _NAME, _NAME)
    with serving(functools.partial(_Files, directory=folder)) as address:
        yield f"{address}/{_NAME}.tar.gz"


def _archive(url: str, cache: Path, lock_file: Path | None) -> Archive:
    """The archive as a session with these options obtains it."""
    source = HttpsSource(url)
    entry = CatalogueEntry(_NAME, "tf1", source, trust_first_download=True)
    state = Session(
        entries=(entry,),
        keys=(ModelKey(_NAME, "float"),),
        policy=load_policy(),
        dataset=None,
        canaries=(),
        labels=None,
        cache_dir=cache,
        offline=False,
        lock_file=lock_file,
    )
    return state.context(state.keys[0]).build.archive


def test_lock_file_of_the_option_is_the_one_that_counts(url: str, tmp_path: Path) -> None:
    """The first download is noted there and not in the cache; a second machine is held to it."""
    lock_file, cache = tmp_path / "project" / "lock.json", tmp_path / "cache"
    source = _archive(url, cache, lock_file).source
    assert noted_digest(lock_file, url) == source
    assert not (cache / LOCK_NAME).exists()
    assert _archive(url, tmp_path / "elsewhere", lock_file).source == source


def test_download_that_the_lock_file_does_not_name_is_refused(url: str, tmp_path: Path) -> None:
    """With both hashes and the lock file's path."""
    lock_file = tmp_path / "lock.json"
    note_digest(lock_file, url, Digest("a" * 64, 5))
    message = rf"expected 5 bytes with sha256 a.*, got .*with the lock file {lock_file}$"
    with pytest.raises(IntegrityError, match=message):
        _archive(url, tmp_path / "cache", lock_file)


def test_without_the_option_the_lock_file_lies_in_the_cache(url: str, tmp_path: Path) -> None:
    """As the help says."""
    source = _archive(url, tmp_path / "cache", None).source
    assert noted_digest(tmp_path / "cache" / LOCK_NAME, url) == source
