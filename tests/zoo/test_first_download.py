"""A download without a published sha256 is trusted once, and never again."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from limited_files import LimitFiles
from local_server import Quiet, serving

from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    CatalogueError,
    DownloadFailed,
    IntegrityError,
    UsageError,
)
from validation.zoo.archives import Archive, obtain
from validation.zoo.entry import CatalogueEntry, FolderSource, HttpsSource, PypiSource
from validation.zoo.integrity import Digest, Sha384Digest
from validation.zoo.lockfile import LOCK_NAME, note_digest, noted_digest


def _tar_gz(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(f"ssd_tiny/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


_TAR = _tar_gz({"pipeline.config": b"model {}", "frozen_inference_graph.pb": bytes(range(256))})
_OTHER = _tar_gz({"pipeline.config": b"model { ssd {} }"})


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


def _sha384(data: bytes) -> Sha384Digest:
    return Sha384Digest(hashlib.sha384(data).hexdigest(), len(data))


class _Server:
    """What the server sends, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.body = _TAR
        self.requests: list[str] = []


@pytest.fixture
def server() -> Iterator[_Server]:
    found = _Server()

    class Handler(Quiet, http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.body)

    with serving(Handler) as url:
        found.url = f"{url}/ssd_tiny.tar.gz"
        yield found


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _entry(server: _Server, name: str = "ssd_tiny", **changes: Any) -> CatalogueEntry:
    options = {"trust_first_download": "digest" not in changes, **changes}
    return CatalogueEntry(name, "tf1", HttpsSource(server.url), origin="a zoo", **options)


def _kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "sources").iterdir())


def test_first_download_is_noted_and_found_again(server: _Server, cache: Path) -> None:
    """The lock file in the cache says what came, and the next call needs no network."""
    archive = obtain(_entry(server), cache)
    assert archive.source == _digest(_TAR)
    assert archive.frozen_graph is not None
    assert noted_digest(cache / LOCK_NAME, server.url) == _digest(_TAR)
    assert obtain(_entry(server), cache, offline=True) == archive
    assert server.requests == ["/ssd_tiny.tar.gz"]
    assert _kept(cache) == [f"{_digest(_TAR).sha256[:16]}-ssd_tiny.tar.gz"]


def test_later_download_must_be_the_same(server: _Server, cache: Path, tmp_path: Path) -> None:
    """On another machine with the project's lock file another archive is refused, not kept."""
    lock_file = tmp_path / "project" / "models.lock.json"
    obtain(_entry(server), cache, lock_file=lock_file)
    assert not (cache / LOCK_NAME).exists()
    server.body = _OTHER
    elsewhere = tmp_path / "elsewhere"
    message = (
        rf"download of ssd_tiny from a zoo is not the .*{_digest(_TAR).sha256}, got .*"
        rf"{_digest(_OTHER).sha256}; .*compared it with the lock file {lock_file}$"
    )
    for _ in range(2):
        with pytest.raises(IntegrityError, match=message):
            obtain(_entry(server), elsewhere, lock_file=lock_file)
        assert _kept(elsewhere) == []
    server.body = _TAR
    assert obtain(_entry(server), elsewhere, lock_file=lock_file).source == _digest(_TAR)


def test_cache_without_its_file_fetches_the_same_again(server: _Server, cache: Path) -> None:
    """A cleared cache is filled again by what the lock file allows."""
    obtain(_entry(server), cache)
    for name in ("sources", "archives"):
        shutil.rmtree(cache / name)
    with pytest.raises(ArtefactMissing, match=r"ssd_tiny is not in the cache .*without --offline"):
        obtain(_entry(server), cache, offline=True)
    assert obtain(_entry(server), cache).source == _digest(_TAR)
    assert len(server.requests) == 2


def test_offline_nothing_is_trusted(server: _Server, cache: Path) -> None:
    """Offline, an archive that was never seen is missing."""
    with pytest.raises(ArtefactMissing, match=rf"not in the cache \({server.url}\).*--offline"):
        obtain(_entry(server), cache, offline=True)
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"\n <!DOCTYPE html><html>Sign in", DownloadFailed, "web page, not an .*ask for a login"),
        (_TAR[: len(_TAR) // 2], ArtefactError, "damaged or cut short"),
        (_tar_gz({"notes.md": b"x"}), ArtefactError, "no model in the archive"),
        (_tar_gz({"../../x": b"x"}), ArtefactError, r"a path with \.\."),
    ],
)
def test_what_is_no_model_is_never_trusted(
    server: _Server, cache: Path, body: bytes, error: type[Exception], message: str
) -> None:
    """A login form or half an archive does not become the truth: the next try starts anew."""
    server.body = body
    with pytest.raises(error, match=message):
        obtain(_entry(server), cache)
    assert noted_digest(cache / LOCK_NAME, server.url) is None
    assert _kept(cache) == []
    server.body = _TAR
    assert obtain(_entry(server), cache).source == _digest(_TAR)


def test_no_more_is_taken_than_the_policy_says(
    server: _Server, cache: Path, limit_files: LimitFiles
) -> None:
    """Of a file whose size nobody has published, within a policy of the user's own too."""
    limit_files(download_bytes=len(_TAR) - 1)
    message = rf"sends more than is taken .*{len(_TAR) - 1} bytes at most .*download_bytes"
    with pytest.raises(DownloadFailed, match=message):
        obtain(_entry(server), cache)
    assert _kept(cache) == []
    limit_files(download_bytes=len(_TAR))
    assert obtain(_entry(server), cache).source == _digest(_TAR)


def test_published_sha384_is_compared_first(server: _Server, cache: Path) -> None:
    """Of a file with a sha384 the sha256 is noted only when the sha384 was right."""
    entry = _entry(server, digest=_sha384(_TAR))
    server.body = _OTHER
    message = (
        rf"download of ssd_tiny .*expected {len(_TAR)} bytes with sha384 {_sha384(_TAR).sha384}, "
        rf"got {len(_OTHER)} bytes with sha384 {_sha384(_OTHER).sha384}; .*with the catalogue"
    )
    with pytest.raises(IntegrityError, match=message):
        obtain(entry, cache)
    assert noted_digest(cache / LOCK_NAME, server.url) is None
    assert _kept(cache) == []
    server.body = _TAR
    assert obtain(entry, cache).source == _digest(_TAR)
    assert noted_digest(cache / LOCK_NAME, server.url) == _digest(_TAR)


def test_lock_file_does_not_outvote_the_catalogue(
    server: _Server, cache: Path, tmp_path: Path
) -> None:
    """Downloaded or cached, a file that the lock file allows and the sha384 does not is refused."""
    server.body = _OTHER
    lock_file = tmp_path / "lock.json"
    note_digest(lock_file, server.url, _digest(_OTHER))
    entry = _entry(server, digest=_sha384(_TAR))
    with pytest.raises(IntegrityError, match="with sha384"):
        obtain(entry, cache, lock_file=lock_file)
    assert _kept(cache) == []
    obtain(_entry(server, "trusting"), cache, lock_file=lock_file)
    with pytest.raises(IntegrityError, match="with sha384"):
        obtain(entry, cache, lock_file=lock_file)


def test_many_at_once_download_once(server: _Server, cache: Path) -> None:
    """Of several that want an archive nobody has seen, one downloads and all get the same."""
    found: list[Archive] = []
    threads = [
        threading.Thread(target=lambda: found.append(obtain(_entry(server), cache, progress=False)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert server.requests == ["/ssd_tiny.tar.gz"]


def test_two_models_of_one_archive(server: _Server, cache: Path) -> None:
    """fp32/ and uint8/ of one tar are two models, fetched once, each with its own files."""
    server.body = _tar_gz(
        {
            f"{folder}/{name}": folder.encode()
            for folder in ("fp32", "uint8")
            for name in (
                "model.ckpt-400000.index",
                "model.ckpt-400000.data-00000-of-00001",
                "model.ckpt-400000.meta",
                "pipeline.config",
                "tflite_graph.pb",
            )
        }
    )
    for folder in ("fp32", "uint8"):
        archive = obtain(_entry(server, f"ssd_tiny_{folder}", subfolder=folder), cache)
        assert archive.checkpoint_prefix is not None
        assert archive.checkpoint_prefix.name == "model.ckpt-400000"
        assert archive.checkpoint_prefix.parent.name == folder
        assert archive.pipeline_config is not None
        assert archive.pipeline_config.read_text() == folder
        assert archive.frozen_graph is None
    assert len(server.requests) == 1
    assert len(json.loads((cache / LOCK_NAME).read_text())["downloads"]) == 1
    with pytest.raises(ArtefactError, match="has not one model folder 'int8'"):
        obtain(_entry(server, "ssd_tiny_int8", subfolder="int8"), cache)


@pytest.mark.parametrize("digest", [None, _sha384(_TAR)])
def test_wheels_are_never_trusted(cache: Path, digest: Sha384Digest | None) -> None:
    """Trust on first download is for archives behind a URL only."""
    source = PypiSource("tiny-model", "0.2", "graph.pb", "a" * 64, 1)
    entry = CatalogueEntry("tiny", "group", source, digest, trust_first_download=True)
    with pytest.raises(CatalogueError, match="the archive needs sha256 and size"):
        obtain(entry, cache)


@pytest.mark.parametrize("name", ["faster_rcnn_nas", "mask_rcnn_resnet50_atrous_coco_2018_01_28"])
def test_model_that_is_no_ssd_is_refused_by_name(
    server: _Server, cache: Path, tmp_path: Path, name: str
) -> None:
    """Neither downloaded nor looked for on disk, by the zoo's name or by the archive's."""
    for source in (HttpsSource(server.url), FolderSource(tmp_path / "none")):
        with pytest.raises(UsageError, match=rf"is a (Faster|Mask) R-CNN \(model '{name}'\).*such"):
            obtain(CatalogueEntry(name, "tf1", source, trust_first_download=True), cache)
    assert server.requests == []
