"""A case is run as the run did it, and what is found is held against what the run recorded."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from failing_cases import case_of
from PIL import Image

from validation.cli import main
from validation.errors import RecordError
from validation.inference.model_file import open_tflite
from validation.packs.manifest import PackedRole
from validation.packs.reading import Pack, read_pack
from validation.packs.replaying import Replayed, replay
from validation.packs.text import lines_of
from validation.preprocess.image import load_rgb
from validation.record.detection_files import detections_bytes, parse_detections
from validation.record.detections import Detections

_TINY = Path(__file__).parents[1] / "data" / "metadata" / "tiny.tflite"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with something to see."""
    path = tmp_path_factory.mktemp("images") / "a.png"
    Image.effect_mandelbrot((24, 16), (-2, -1, 1, 1), 20).convert("RGB").save(path)
    return path


def _pack(folder: Path, data: bytes) -> Pack:
    path = folder / "case.zip"
    path.write_bytes(data)
    return read_pack(path)


def _replayed(pack: Pack, folder: Path) -> Replayed:
    return replay(pack, folder, pack.manifest.versions)


def _detected(pack: Pack) -> Detections:
    (found,) = parse_detections(pack.members[PackedRole.FOUND], Path("file.npz")).values()
    return found


def _with_found(pack: Pack, found: Detections) -> Pack:
    assert pack.manifest.image is not None
    data = detections_bytes({pack.manifest.image.key: found})
    return dataclasses.replace(pack, members={**pack.members, PackedRole.FOUND: data})


def test_the_same_bits(tmp_path: Path, image: Path) -> None:
    """Here as in the run: to the last bit, and what the reference finds is lost as it was."""
    missed = Detections([(0.1, 0.1, 0.4, 0.4)], [0.9], [7])
    pack = _pack(tmp_path, case_of(_TINY, image, expected=missed))
    found = _replayed(pack, tmp_path)
    assert (found.holds, found.bit_equal, found.stopped) == (True, True, "")
    assert found.then == found.now
    assert found.now is not None
    assert found.now.lost == 1
    lines = list(lines_of(found))
    assert "worst image: a.png; file and reference differ on 3 of 8 images" in lines
    assert "here the file detects what it did in the run, to the last bit" in lines
    assert any(line.startswith("here, against the reference: ") for line in lines)


def test_other_bits_of_the_same_detections(tmp_path: Path, image: Path) -> None:
    """Another runtime rounds otherwise: the rule of the run decides, and by how much is said."""
    pack = _pack(tmp_path, case_of(_TINY, image))
    own = _detected(pack)
    assert len(own)
    pack = _with_found(pack, Detections(own.boxes, own.scores + 1e-6, own.classes))
    found = _replayed(pack, tmp_path)
    assert (found.holds, found.bit_equal) == (True, False)
    assert found.largest_difference == pytest.approx(1e-6, rel=0.2)
    assert any("values by at most 1.0e-06" in line for line in lines_of(found))


def test_another_detection_is_another_case(tmp_path: Path, image: Path) -> None:
    """One that the run had and that is not found here."""
    pack = _pack(tmp_path, case_of(_TINY, image))
    more = Detections([(0.1, 0.1, 0.4, 0.4)], [0.9], [7])
    found = _replayed(_with_found(pack, more), tmp_path)
    assert not found.holds
    assert found.from_run is not None
    assert found.from_run.lost == 1


@pytest.mark.parametrize(
    "feed",
    [
        {"shared_size": (2**40, 2**40)},
        {"shared_size": (-1, 5)},
    ],
)
def test_a_feed_that_would_take_all_memory(
    tmp_path: Path, image: Path, feed: Mapping[str, Any]
) -> None:
    """Refused before an image is made of it."""
    pack = _pack(tmp_path, case_of(_TINY, image, feed=feed))
    with pytest.raises(RecordError, match="a feed that cannot be the file's"):
        _replayed(pack, tmp_path)


def test_a_feed_of_another_size(tmp_path: Path, image: Path) -> None:
    """It is of another file than the one in the pack."""
    wanted = open_tflite(_TINY).preprocessing
    other = dataclasses.replace(wanted, height=wanted.height + 1)
    pack = _pack(tmp_path, case_of(_TINY, image, feed={"preprocessing": other}))
    with pytest.raises(RecordError, match="a feed that cannot be the file's"):
        _replayed(pack, tmp_path)


def test_the_image_is_fed_as_in_the_run(tmp_path: Path, image: Path) -> None:
    """Resized in whole numbers before, where the run did so: other pixels, another case."""
    pack = _pack(tmp_path, case_of(_TINY, image, feed={"shared_size": (3, 2)}))
    detected = open_tflite(_TINY).detector().detect(load_rgb(image))
    assert _detected(pack) == detected
    assert _replayed(pack, tmp_path).bit_equal is False


def test_the_document(tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it for programs; the exit code is the answer."""
    _pack(tmp_path, case_of(_TINY, image))
    assert main(["replay", str(tmp_path / "case.zip"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["holds"] is True
    assert document["manifest"]["subject"] == {"model": "ssd", "variant": "int8", "file": ""}
    assert document["manifest"]["diagnoses"][0]["fault"] == "epsilon"
