"""A .tflite file is opened with what is known of it, and whoever says so is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.errors import ArtefactMissing, ConversionError, GraphConfigMismatch
from validation.inference.feed_sources import normalised
from validation.inference.model_file import open_tflite
from validation.labels.reading import labels_by_id
from validation.metadata.detector import detector_metadata
from validation.metadata.packing import write_with_metadata
from validation.preprocess.image import load_rgb
from validation.specs.contracts import Preprocessing
from validation.specs.feeds import StatedFeed
from validation.specs.input_stats import InputStats
from validation.tflite.facts import read_tflite
from validation.workspace.model_build import ModelBuild


@pytest.fixture
def build(miniature: MiniatureFiles) -> ModelBuild:
    """The miniature's products."""
    return make_case(miniature).build


def _beside_its_export(build: ModelBuild, folder: Path, variant: str = "raw") -> Path:
    export = build.exported(add_postprocessing_op=variant == "float")
    shutil.copytree(export.graph.parent, folder)
    return Path(shutil.copy(build.tflite(variant), folder / "detect.tflite"))


def test_alone_a_float_file_is_fed_as_most_ssds_are(build: ModelBuild) -> None:
    """Nobody says how pixels are normalised, and the words for it say so."""
    model = open_tflite(build.tflite("float"))
    assert model.preprocessing == normalised(48, 64, InputStats(127.5, 127.5))
    assert "not stated in the file" in model.source
    assert model.num_classes == 2


def test_export_beside_the_file_is_believed(build: ModelBuild, tmp_path: Path) -> None:
    """The contract that export wrote says what the extractor wants."""
    path = _beside_its_export(build, tmp_path / "out")
    model = open_tflite(path)
    assert model.preprocessing == build.exported().contract.preprocessing
    assert model.source == "tflite_graph.json beside it"


def test_what_the_caller_states_goes_first(build: ModelBuild, tmp_path: Path) -> None:
    """Mean and std that are stated go before the export's."""
    path = _beside_its_export(build, tmp_path / "out")
    model = open_tflite(path, stated=StatedFeed(stats=InputStats(0, 255)))
    assert model.preprocessing == Preprocessing(48, 64, (1 / 255,) * 3, (0.0,) * 3)


def test_raw_file_detects_as_the_file_with_the_op(
    build: ModelBuild, miniature: MiniatureFiles
) -> None:
    """Anchors and attributes of the named export close a raw file."""
    export = build.exported(add_postprocessing_op=False).graph.parent
    raw = open_tflite(build.tflite("raw"), export=export).detector()
    whole = open_tflite(build.tflite("float")).detector()
    image = load_rgb(next(miniature.images.iterdir()))
    found, expected = raw.detect(image), whole.detect(image)
    assert len(expected) > 0
    assert found.classes.tolist() == expected.classes.tolist()
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-5)


def test_raw_file_alone_is_refused(build: ModelBuild, tmp_path: Path) -> None:
    """Without its anchors a raw file cannot be read, and the folder to name is said."""
    alone = Path(shutil.copy(build.tflite("raw"), tmp_path / "raw.tflite"))
    with pytest.raises(ArtefactMissing, match=r"anchors.*--export_directory"):
        open_tflite(alone)


def test_export_of_another_model_is_refused_where_it_was_named(
    build: ModelBuild, tmp_path: Path
) -> None:
    """What the caller names has to fit; one that merely lies beside is ignored."""
    path = _beside_its_export(build, tmp_path / "out", "float")
    contract = tmp_path / "out" / "tflite_graph.json"
    contract.write_text(contract.read_text().replace('"num_anchors": 132', '"num_anchors": 7'))
    with pytest.raises(GraphConfigMismatch, match="anchors 7, the file's 132"):
        open_tflite(path, export=tmp_path / "out")
    assert "not stated in the file" in open_tflite(path).source


def test_half_an_export_beside_the_file_is_enough(build: ModelBuild, tmp_path: Path) -> None:
    """A folder that somebody tidied up: the contract says how a file is fed, as in inspect."""
    path = _beside_its_export(build, tmp_path / "out", "float")
    (tmp_path / "out" / "anchors.npy").unlink()
    assert open_tflite(path).source == "tflite_graph.json beside it"
    with pytest.raises(ArtefactMissing, match=r"anchors\.npy"):
        open_tflite(path, export=tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3" + b"\xff" * 40])
def test_bytes_that_are_no_model(tmp_path: Path, content: bytes) -> None:
    """One error that names the file, whatever the bytes."""
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"bad\.tflite"):
        open_tflite(path)


def test_metadata_goes_before_what_lies_beside(build: ModelBuild, tmp_path: Path) -> None:
    """What stands in the file itself is believed, its labels are taken; a named export is more."""
    path = _beside_its_export(build, tmp_path / "out", "float")
    file = read_tflite(path)
    odd = normalised(48, 64, InputStats(0, 255))
    labels = labels_by_id({1: "box", 2: "disc"}, "mine")
    write_with_metadata(path, detector_metadata(file, odd, labels), path)
    model = open_tflite(path)
    assert model.source == "its own metadata"
    assert model.preprocessing.scale == pytest.approx(odd.scale)
    assert model.labels is not None
    assert model.labels.names == ("box", "disc")
    values = open_tflite(path, export=tmp_path / "out")
    assert values.preprocessing == build.exported().contract.preprocessing
