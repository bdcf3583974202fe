"""Every kind of source ends in a verified folder with the model's files, or in an error."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import pickle
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
    DatasetError,
    IntegrityError,
    UnsafeArchive,
)
from validation.files.limits import MIB
from validation.labels.reading import labels_by_id
from validation.zoo import archives
from validation.zoo.archives import obtain
from validation.zoo.entry import CatalogueEntry, FolderSource, HttpsSource
from validation.zoo.integrity import Digest

_FILES = {
    "frozen_inference_graph.pb": b"graph" * 100,
    "pipeline.config": b"model {}",
    "model.ckpt.index": b"index",
    "model.ckpt.data-00000-of-00001": b"data" * 200,
    "model.ckpt.meta": b"meta",
    "label_map.pbtxt": b"item { id: 2 name: 'car' }",
}


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


def _tar_gz(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"ssd_tiny_2018/{name}")
            info.size = len(data)
            info.mode = 0o4755
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


_TAR = _tar_gz(_FILES)


def _snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "zoo" / "ssd_tiny"
    path.mkdir(parents=True)
    for name, data in _FILES.items():
        (path / name).write_bytes(data)
    return path


def _local(path: Path, **changes: Any) -> CatalogueEntry:
    return CatalogueEntry("ssd_tiny", "zoo", FolderSource(path), **changes)


def _packed(tmp_path: Path, data: bytes = _TAR, **changes: Any) -> CatalogueEntry:
    path = tmp_path / "ssd_tiny.tar.gz"
    path.write_bytes(data)
    return _local(path, **changes)


def test_folder_is_used_in_place_and_left_alone(cache: Path, folder: Path) -> None:
    """A folder is neither copied nor changed, and its own label map names the classes."""
    before = _snapshot(folder)
    archive = obtain(_local(folder), cache)
    assert archive.root == folder
    assert archive.frozen_graph == folder / "frozen_inference_graph.pb"
    assert archive.checkpoint_prefix == folder / "model.ckpt"
    assert archive.meta_graph == folder / "model.ckpt.meta"
    assert archive.pipeline_config == folder / "pipeline.config"
    assert archive.tflite_graph is None
    assert archive.labels is not None
    assert archive.labels.by_number == {2: "car"}
    assert _snapshot(folder) == before
    assert not cache.exists()


def test_digest_of_a_folder_follows_every_file_that_counts(cache: Path, folder: Path) -> None:
    """Each of the model's files changes the folder's sha256, a foreign file does not."""
    first = obtain(_local(folder), cache)
    assert first.source.size_bytes == sum(map(len, _FILES.values()))
    (folder / "notes.txt").write_text("x")
    assert obtain(_local(folder), cache).source.sha256 == first.source.sha256
    seen = {first.source.sha256}
    for name, data in _FILES.items():
        (folder / name).write_bytes(data + b"\n")
        seen.add(obtain(_local(folder), cache).source.sha256)
    assert len(seen) == len(_FILES) + 1


def test_declared_digest_of_a_folder_is_compared(cache: Path, folder: Path) -> None:
    """A folder that the catalogue vouches for must still be the same."""
    digest = obtain(_local(folder), cache).source
    assert obtain(_local(folder, digest=digest), cache).source == digest
    (folder / "pipeline.config").write_bytes(b"model { }")
    with pytest.raises(IntegrityError, match=r"archive of ssd_tiny is not the .*restore the archi"):
        obtain(_local(folder, digest=digest), cache)


def test_labels_of_the_catalogue_go_first(cache: Path, folder: Path) -> None:
    """Declared labels hold; without any, and without a label map, there are none."""
    person = labels_by_id({1: "person"}, "the catalogue")
    assert obtain(_local(folder, labels=person), cache).labels == person
    (folder / "label_map.pbtxt").write_text("item { id: 1 }")
    with pytest.raises(DatasetError, match=r"has no name \(.*label_map\.pbtxt, item 1\)"):
        obtain(_local(folder), cache)
    (folder / "label_map.pbtxt").unlink()
    archive = obtain(_local(folder), cache)
    assert (archive.label_map, archive.labels) == (None, None)


def test_tar_in_a_folder_is_unpacked_to_the_cache(tmp_path: Path, cache: Path) -> None:
    """A packed archive is hashed, unpacked once, and found again."""
    entry = _packed(tmp_path)
    archive = obtain(entry, cache)
    assert archive.source == _digest(_TAR)
    assert archive.root == cache / "archives" / f"{_digest(_TAR).sha256[:16]}-ssd_tiny"
    assert archive.frozen_graph == archive.root / "ssd_tiny_2018" / "frozen_inference_graph.pb"
    assert archive.labels is not None
    assert archive.labels.by_number == {2: "car"}
    before = _snapshot(archive.root)
    assert {name.split("/")[1]: data for name, (data, _) in before.items()} == _FILES
    assert obtain(entry, cache, offline=True) == archive
    assert _snapshot(archive.root) == before


def test_archive_crosses_process_borders(cache: Path, folder: Path) -> None:
    """Workers get archives by pickle and keep them in sets."""
    archive = obtain(_local(folder), cache)
    assert pickle.loads(pickle.dumps(archive)) == archive
    assert len({archive, dataclasses.replace(archive)}) == 1


def test_missing_archive_is_said(tmp_path: Path, cache: Path) -> None:
    """A folder or tar that has gone since it was listed is missing."""
    with pytest.raises(ArtefactMissing, match=r"cannot be read .*gone.*; the archive has been mov"):
        obtain(_local(tmp_path / "gone"), cache)


def test_archive_that_cannot_be_reached_is_missing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path below a folder that may not be entered is missing, not a crash."""

    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(ArtefactMissing, match=r"cannot be reached .*: got Permission denied"):
        obtain(_local(tmp_path), cache)


@pytest.mark.parametrize(("declared", "default"), [(None, 0), (0, 10**6)])
def test_declared_size_bounds_the_unpacking(
    tmp_path: Path,
    cache: Path,
    limit_files: LimitFiles,
    declared: int | None,
    default: int,
) -> None:
    """The catalogue's size is the limit, and the default only where it says nothing."""
    whole = sum(map(len, _FILES.values()))

    def entry(size: int) -> CatalogueEntry:
        limit_files(archive_unpacked_mib=(default or size) / MIB)
        return _packed(tmp_path, unpacked_bytes=None if declared is None else size)

    with pytest.raises(UnsafeArchive, match=f"more than {whole - 1} bytes"):
        obtain(entry(whole - 1), cache)
    assert obtain(entry(whole), cache).root.is_dir()


@pytest.mark.parametrize("data", [_TAR[:-20], _tar_gz({"../../x": b"1", **_FILES})])
def test_bad_archive_leaves_nothing(tmp_path: Path, cache: Path, data: bytes) -> None:
    """After an archive that is cut or unsafe there is nothing in its place, now or next time."""
    entry = _packed(tmp_path, data)
    for _ in range(2):
        with pytest.raises(ArtefactError, match=r"cut short|a path with \.\."):
            obtain(entry, cache)
        assert list((cache / "archives").iterdir()) == []


def test_declared_tar_is_compared_before_it_is_opened(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive with another hash is refused without a look inside."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(archives, "unpack_tar", never)
    with pytest.raises(IntegrityError, match="archive of ssd_tiny is not the expected"):
        obtain(_packed(tmp_path, digest=_digest(b"other")), cache)


@pytest.mark.parametrize("damage", ["a byte", "cut", "gone", "a link", "one more"])
def test_changed_unpacked_file_is_unpacked_again(tmp_path: Path, cache: Path, damage: str) -> None:
    """What is not as it was unpacked is not taken for the model's, and plays no part."""
    entry = _packed(tmp_path)
    archive = obtain(entry, cache)
    graph, whole = archive.frozen_graph, _snapshot(archive.root)
    assert archive.damaged == ""
    assert graph is not None
    data = graph.read_bytes()
    name = graph.relative_to(archive.root).as_posix()
    if damage == "a byte":
        graph.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif damage == "cut":
        graph.write_bytes(data[:-1])
    elif damage == "one more":
        name = "zzz"
        (archive.root / name).touch()
    else:
        graph.unlink()
        if damage == "a link":
            (tmp_path / "elsewhere").write_bytes(data)
            graph.symlink_to(tmp_path / "elsewhere")
    again = obtain(entry, cache)
    assert again.damaged == name
    assert {path: data for path, (data, _) in _snapshot(again.root).items()} == {
        path: data for path, (data, _) in whole.items()
    }
    assert not graph.is_symlink()
    assert obtain(entry, cache) == archive


@pytest.mark.parametrize("damage", [None, "", "no manifest\n", "a b c\n"])
def test_folder_without_its_list_is_unpacked_again(
    tmp_path: Path, cache: Path, damage: str | None
) -> None:
    """What nobody vouches for is replaced, leftovers included."""
    entry = _packed(tmp_path)
    root = obtain(entry, cache).root
    manifest = root.with_name(f"{root.name}.files")
    if damage is None:
        manifest.unlink()
    else:
        manifest.write_text(damage)
    (root / "stray").touch()
    assert obtain(entry, cache).root == root
    assert not (root / "stray").exists()
    assert sorted(path.name for path in root.parent.iterdir()) == [root.name, manifest.name]


def test_crash_before_the_last_step_is_repaired(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the move into place never came, the next call does the work anew."""
    entry = _packed(tmp_path)

    def crash(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(ArtefactError, match=r"cannot be written .*Input/output error"):
            obtain(entry, cache)
    assert not [path for path in (cache / "archives").iterdir() if path.is_dir()]
    assert obtain(entry, cache).root.is_dir()


def test_download_without_digest_is_refused(cache: Path) -> None:
    """An entry made by hand cannot get round the hash."""
    entry = CatalogueEntry("tiny", "group", HttpsSource("http://127.0.0.1:1/a.tar"))
    with pytest.raises(CatalogueError, match=r"needs sha256 and size \(model 'tiny'\)"):
        obtain(entry, cache)


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    requests: list[str] = []

    class Handler(Quiet, http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(_TAR)))
            self.end_headers()
            self.wfile.write(_TAR)

    with serving(Handler) as url:
        yield f"{url}/ssd_tiny.tar.gz", requests


def test_archive_behind_a_url_is_obtained_once_by_many(
    cache: Path, served: tuple[str, list[str]]
) -> None:
    """Of several that want the same archive at once, one downloads and all get it."""
    url, requests = served
    entry = CatalogueEntry("ssd_tiny", "tf1", HttpsSource(url), _digest(_TAR))
    found: list[archives.Archive] = []
    threads = [
        threading.Thread(target=lambda: found.append(obtain(entry, cache, progress=False)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert requests == ["/ssd_tiny.tar.gz"]
    assert found[0].checkpoint_prefix is not None
    assert found[0].checkpoint_prefix.name == "model.ckpt"


def test_modes_of_the_archive_are_not_taken_over(tmp_path: Path, cache: Path) -> None:
    """Nothing that was unpacked is executable or set-uid, whatever its header says."""
    archive = obtain(_packed(tmp_path), cache)
    modes = {path.stat().st_mode & 0o7111 for path in archive.root.rglob("*") if path.is_file()}
    assert modes == {0}
