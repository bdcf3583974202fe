"""Failing cases: one pack for each file that failed, which a replay reproduces."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from validation.cli import main
from validation.packs.manifest import PackedRole
from validation.packs.reading import read_pack
from validation.record.store import load_record
from validation.signoff.run_files import RunFiles, digests, named_files

Run = Callable[..., pytest.RunResult]

# Nothing is fast enough, whatever the machine.
_TOO_SLOW = """\
version = 1

[[limit]]
check = "latency"
measure = "p95_ms"
max = 1e-6
reason = "nothing keeps it"
"""
_FEW = ("-k", "latency or tflite_file or archives_graph")


def _run(session: Any) -> Path:
    (folder,) = (each.parent for each in session.reports.glob("*/record.jsonl"))
    return Path(folder)


@pytest.fixture
def failed(over_miniature: Run, session: Any, tmp_path: Path) -> tuple[pytest.RunResult, Path]:
    """A session in which both files fail, and the folder of its run."""
    policy = tmp_path / "own.toml"
    policy.write_text(_TOO_SLOW)
    result = over_miniature(*_FEW, f"--policy={policy}")
    return result, _run(session)


def test_a_failing_case_is_reproduced(
    failed: tuple[pytest.RunResult, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """To the last bit; file, image, both sides, checks and versions travel in the pack."""
    result, folder = failed
    result.stdout.fnmatch_lines(
        ["failing case: validation replay reports/*/packs/mini-float.zip, and 1 more there"]
    )
    record = load_record(folder / "record.jsonl")
    for name in ("mini-float.zip", "mini-raw.zip"):
        path = folder / "packs" / name
        pack = read_pack(path)
        failed_checks = [each.check for each in pack.manifest.checks if each.status == "fail"]
        assert failed_checks == ["latency"]
        assert pack.manifest.versions == record.header.versions
        assert {PackedRole.MODEL, PackedRole.IMAGE, PackedRole.EXPECTED, PackedRole.FOUND} <= set(
            pack.members
        )
        capsys.readouterr()
        assert main(["replay", str(path)]) == 0
        said = capsys.readouterr().out.splitlines()
        assert any(line.startswith("  FAIL latency: p95_ms is ") for line in said)
        assert "here the file detects what it did in the run, to the last bit" in said
        assert said[-1].startswith("reproduced: ")


def test_a_signature_covers_packs(failed: tuple[pytest.RunResult, Path]) -> None:
    """They are named in the record by their hash, as every file of the run is."""
    _, folder = failed
    named = named_files(load_record(folder / "record.jsonl"))
    covered = digests(RunFiles(folder))
    packs = [path for path in covered if path.startswith("packs/")]
    assert packs == ["packs/mini-float.zip", "packs/mini-raw.zip"]
    assert all(named[path].sha256 == covered[path] for path in packs)


def test_another_file_is_not_the_case(
    failed: tuple[pytest.RunResult, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the image finds something else, the exit code says so, and so does the document."""
    _, folder = failed
    pack = folder / "packs" / "mini-float.zip"
    found = read_pack(pack).members[PackedRole.FOUND]
    other = tmp_path / "other.zip"
    # The reference's detections with one taken away, as those of the file.
    other.write_bytes(_with_detections(pack, found))
    assert main(["replay", "--json", str(other)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["holds"], document["bit_equal"]) == (False, False)


@pytest.mark.parametrize(("asked", "packs"), [((), 0), (("--pack",), 2)])
def test_packs_on_request(
    over_miniature: Run, session: Any, asked: tuple[str, ...], packs: int
) -> None:
    """Of files without a failure too, where they are asked for."""
    over_miniature("-k", "tflite_file or archives_graph", *asked)
    assert len([*(_run(session) / "packs").glob("*.zip")]) == packs


def _with_detections(pack: Path, found: bytes) -> bytes:
    import hashlib

    from validation.record.detection_files import detections_bytes, parse_detections

    ((key, own),) = parse_detections(found, pack).items()
    changed = detections_bytes({key: own.take(slice(1, None))})
    stream = io.BytesIO()
    with zipfile.ZipFile(pack) as archive, zipfile.ZipFile(stream, "w") as target:
        for about in archive.infolist():
            data = archive.read(about)
            if about.filename == "manifest.json":
                document = json.loads(data)
                for each in document["files"]:
                    if each["name"] == "file.npz":
                        each["sha256"] = hashlib.sha256(changed).hexdigest()
                        each["size_bytes"] = len(changed)
                data = json.dumps(document).encode()
            target.writestr(about.filename, changed if about.filename == "file.npz" else data)
    return stream.getvalue()
