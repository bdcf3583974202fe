"""From what --reference names to what judges: tar archives."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from kind_samples import GRAPH, TFLITE

from validation.errors import ArtefactError, UnsafeArchive
from validation.isolation.apart import call_apart
from validation.policy.load import Policy, load_policy
from validation.policy.process_limits import limits_of
from validation.record.run import Step
from validation.specs.references import ReferenceKind
from validation.workspace.products import ProductCache
from validation.workspace.reference_source import ReferenceSource, read_first, reference_source
from validation.zoo.entry import FolderSource
from validation.zoo.packed import file_names

_MODEL = "ssd"


def _tar(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _source(path: Path, work: Path) -> ReferenceSource:
    return reference_source(path, _MODEL, ProductCache(work, lambda _: None))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_archive_of_tensorflow_1_is_left_packed(tmp_path: Path) -> None:
    """Whoever reads the graph unpacks it to the cache, with a SavedModel beside it or not."""
    files = {"m/frozen_inference_graph.pb": GRAPH, "m/saved_model/saved_model.pb": GRAPH}
    path = _tar(tmp_path / "m.tar.gz", files)
    source = _source(path, tmp_path / "work")
    assert source.entry is not None
    assert (source.kind, source.packed) == (ReferenceKind.GRAPH, None)
    assert source.entry.source == FolderSource(path)
    assert _files(tmp_path / "work") == []


def test_a_file_in_an_archive(tmp_path: Path) -> None:
    """The only .tflite of an archive without a graph is what judges; it is unpacked once."""
    path = _tar(tmp_path / "m.tar.gz", {"m/detect.tflite": TFLITE, "m/labels.txt": b"one\n"})
    source = _source(path, tmp_path / "work")
    assert (source.kind, source.packed) == (ReferenceKind.TFLITE, path)
    assert source.path is not None
    assert source.path.read_bytes() == TFLITE
    assert _source(path, tmp_path / "work").path == source.path


def test_what_is_read_apart_keeps_to_the_sessions_policy(tmp_path: Path) -> None:
    """In a process of its own, which knows no policy by itself."""
    files = {"m/detect.tflite": TFLITE, **{f"m/{number}": b"" for number in range(10)}}
    path = _tar(tmp_path / "m.tar.gz", files)
    own = tmp_path / "own.toml"
    own.write_text('version = 1\n[setting.archive_members]\nvalue = 10\nreason = "few"\n')

    def read(policy: Policy) -> list[Step]:
        call = partial(read_first, path, _MODEL, tmp_path / "cache", policy)
        return call_apart(call, limits_of(policy), work="reading")

    # Refused as an archive of the zoo would be, when its model is asked for.
    assert read(load_policy(own, ())) == []
    assert [step.step for step in read(load_policy())] == ["unpack m.tar.gz"]


@pytest.mark.parametrize("name", ["/saved_model/a", "saved_model/../../a", "C:/a"])
def test_nothing_is_left_of_an_unsafe_archive(tmp_path: Path, name: str) -> None:
    """The names of its files are looked at alone before; the door for archives refuses it."""
    path = _tar(tmp_path / "m.tar", {"saved_model/saved_model.pb": GRAPH, name: b"x"})
    with pytest.raises(UnsafeArchive, match="unsafe member"):
        _source(path, tmp_path / "work")
    assert _files(tmp_path) == [path]


def test_a_link_out_of_an_archive(tmp_path: Path) -> None:
    """No file outside is ever read."""
    path = tmp_path / "m.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("saved_model/saved_model.pb"))
        link = tarfile.TarInfo("saved_model/variables/variables.index")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../secret"
        archive.addfile(link)
    with pytest.raises(UnsafeArchive, match="out of the archive"):
        _source(path, tmp_path / "work")
    assert _files(tmp_path) == [path]


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_archive(tmp_path: Path, share: float) -> None:
    """It is damaged wherever it stops, and no half of it is used."""
    content = bytes(range(256)) * 40
    path = _tar(tmp_path / "m.tar.gz", {"m/detect.tflite": TFLITE, "m/more.bin": content})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArtefactError, match="damaged or cut short"):
        _obtained(_source(path, tmp_path / "work"), tmp_path)
    assert _files(tmp_path / "work") == []


def _obtained(source: ReferenceSource, folder: Path) -> None:
    """What a session does with an archive that has a graph, as far as could be seen."""
    from validation.zoo.archives import obtain

    assert source.entry is not None
    obtain(source.entry, folder / "cache", offline=True, progress=False)


def test_names_of_what_cannot_be_read(tmp_path: Path) -> None:
    """There are none; what is wrong is said where it is unpacked."""
    path = tmp_path / "m.tar.gz"
    path.write_bytes(b"\x1f\x8b no gzip")
    assert file_names(path) == file_names(tmp_path / "gone.tar") == frozenset()
