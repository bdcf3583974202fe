"""Packs are read whole or refused, and a case that cannot be run is one as well."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from failing_cases import CASE

from validation.cli import main
from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    IntegrityError,
    RecordError,
    RecordVersionError,
    UnsafeArchive,
    UsageError,
    ValidationError,
)
from validation.files.limits import file_limits, keep_to
from validation.packs.manifest import (
    MANIFEST_NAME,
    PackedImage,
    PackedRole,
)
from validation.packs.reading import read_pack
from validation.packs.replaying import replay
from validation.packs.text import lines_of
from validation.packs.writing import pack_bytes
from validation.record.detection_files import detections_bytes
from validation.record.detections import Detections

_MEMBERS = {PackedRole.MODEL: b"no model", PackedRole.LABELS: b"star\n"}


def _written(path: Path, data: bytes | None = None) -> Path:
    path.write_bytes(pack_bytes(CASE, _MEMBERS) if data is None else data)
    return path


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """All of it; the same case has the same bytes."""
    pack = read_pack(_written(tmp_path / "case.zip"))
    assert pack.members == _MEMBERS
    assert dataclasses.replace(pack.manifest, files=()) == CASE
    assert pack_bytes(CASE, _MEMBERS) == pack_bytes(CASE, _MEMBERS)


def _changed_manifest(data: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    members = _members(data)
    document = json.loads(members[MANIFEST_NAME])
    change(document)
    return _zipped({**members, MANIFEST_NAME: json.dumps(document).encode()})


_DAMAGE: dict[str, tuple[Callable[[bytes], bytes], type[ValidationError], str]] = {
    "cut": (lambda data: data[: len(data) // 2], ArtefactError, "only part of a zip archive"),
    "a bit": (
        lambda data: data.replace(b"no model", b"no madel"),
        ArtefactError,
        "the pack is damaged",
    ),
    "another member": (
        lambda data: _zipped({**_members(data), "model.tflite": b"other"}),
        IntegrityError,
        "is not the one that its manifest names",
    ),
    "no model": (
        lambda data: _zipped(
            {name: each for name, each in _members(data).items() if name != "model.tflite"}
        ),
        IntegrityError,
        "got none",
    ),
    "one more member": (
        lambda data: _zipped({**_members(data), "anchors.npy": b"x"}),
        IntegrityError,
        "got anchors.npy",
    ),
    "outside": (
        lambda data: _zipped({**_members(data), "../../home": b"x"}),
        UnsafeArchive,
        r"got \.\./\.\./home",
    ),
    "compressed": (
        lambda data: _zipped(_members(data), zipfile.ZIP_DEFLATED),
        UnsafeArchive,
        "a compressed member",
    ),
    "another archive": (
        lambda _: _zipped({"model.tflite": b"x"}),
        ArtefactError,
        "the archive is no failing-case pack",
    ),
    "no JSON": (
        lambda data: _zipped({**_members(data), MANIFEST_NAME: b"[NaN]"}),
        ArtefactError,
        "manifest is damaged",
    ),
    "newer": (
        lambda data: _changed_manifest(data, lambda each: each.update(version=2)),
        RecordVersionError,
        "expected version 1, got version 2; install the newer harness",
    ),
    "other fields": (
        lambda data: _changed_manifest(data, lambda each: each.update(more=1)),
        RecordError,
        "unknown key 'more'",
    ),
    "another role": (
        lambda data: _changed_manifest(
            data,
            lambda each: each["files"][0].update(role="anchors"),  # type: ignore[index]
        ),
        IntegrityError,
        "expected anchors.npy",
    ),
    "no zip": (lambda _: b"\x00" * 100, ArtefactError, "a failing-case pack"),
}


@pytest.mark.parametrize("damage", _DAMAGE)
def test_damaged_packs(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused in one line by an error of the harness, with an exit code of their own."""
    change, kind, said = _DAMAGE[damage]
    path = _written(tmp_path / "case.zip", change(pack_bytes(CASE, _MEMBERS)))
    with pytest.raises(kind, match=said):
        read_pack(path)
    assert main(["replay", str(path)]) == UsageError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")


def test_two_members_of_one_name(tmp_path: Path) -> None:
    """Readers would take one or the other."""
    stream = io.BytesIO(pack_bytes(CASE, _MEMBERS))
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model.tflite", b"no model")
    with pytest.raises(UnsafeArchive, match="two members of one name"):
        read_pack(_written(tmp_path / "case.zip", stream.getvalue()))


def test_no_more_than_a_pack_may_have(tmp_path: Path) -> None:
    """By the setting of the policy."""
    path = _written(tmp_path / "case.zip", pack_bytes(CASE, {PackedRole.MODEL: bytes(2**21)}))
    try:
        keep_to(dataclasses.replace(file_limits(), pack_mib=1))
        with pytest.raises(ArtefactError, match="more than 1 MiB"):
            read_pack(path)
    finally:
        keep_to(None)
    assert read_pack(path).members


def test_no_pack(tmp_path: Path) -> None:
    """A path that names nothing."""
    with pytest.raises(ArtefactMissing):
        read_pack(tmp_path / "case.zip")


def test_a_file_that_cannot_be_run(tmp_path: Path) -> None:
    """Where the run could not run it either, that is the case; and what the run said is said."""
    pack = read_pack(_written(tmp_path / "case.zip"))
    found = replay(pack, tmp_path, {"ai-edge-litert": "9.9"})
    assert (found.holds, found.bit_equal, found.now) == (True, None, None)
    lines = list(lines_of(found))
    assert lines[0] == (
        "ssd-int8 of run night: harness 0.1.0, tensorflow 2.21.0, ai-edge-litert 2.3.0; "
        "x86_64, 2 cores, EPYC"
    )
    assert "command: validation run '--zoo=own zoo'" in lines
    assert "  FAIL tflite_contract: LiteRT does not load the file" in lines
    assert any(line.startswith("  diagnosis: .tflite: batch norm has another ") for line in lines)
    assert "another ai-edge-litert: 2.3.0 then, 9.9 here" in lines
    assert lines[-1].startswith("reproduced: ")


def test_a_file_that_ran_and_does_not_run_here(tmp_path: Path) -> None:
    """It is another case than that of the run."""
    one = detections_bytes({"a.jpg": Detections([(0, 0, 1, 1)], [0.5], [1])})
    data = pack_bytes(
        dataclasses.replace(CASE, image=PackedImage("a.jpg", False, 1, 1)),
        {**_MEMBERS, PackedRole.IMAGE: b"none", PackedRole.FOUND: one, PackedRole.EXPECTED: one},
    )
    found = replay(read_pack(_written(tmp_path / "case.zip", data)), tmp_path, {})
    assert found.stopped
    assert not found.holds
    assert found.then is not None
    assert list(lines_of(found))[-1].startswith("not reproduced: ")


def test_detections_of_another_image(tmp_path: Path) -> None:
    """The members do not belong together."""
    one = detections_bytes({"b.jpg": Detections([(0, 0, 1, 1)], [0.5], [1])})
    data = pack_bytes(
        dataclasses.replace(CASE, image=PackedImage("a.jpg", False, 1, 1)),
        {**_MEMBERS, PackedRole.FOUND: one},
    )
    pack = read_pack(_written(tmp_path / "case.zip", data))
    with pytest.raises(RecordError, match="detections of other images"):
        replay(pack, tmp_path, {})
