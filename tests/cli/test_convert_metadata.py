"""``convert --metadata``: apps find in the file itself how it is fed and read."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from miniature_cases import MiniatureFiles

from validation.cli import main
from validation.export.exported import load_export
from validation.labels.alignment import align
from validation.labels.reading import read_labels
from validation.metadata.class_labels import labels_of
from validation.metadata.feeding import preprocessing_from
from validation.metadata.model_metadata import FileType, Normalisation
from validation.metadata.unpacking import read_metadata
from validation.preprocess.image import load_rgb
from validation.preprocess.prepare import prepare
from validation.runtimes.tflite import TfliteRuntime
from validation.tflite.facts import read_tflite
from validation.zoo.bundled_files import bundled_file, labelled_scenes

Capture = pytest.CaptureFixture[str]


def _names(path: Path, count: int = 2) -> Mapping[int, str]:
    """By class id, as the metadata of a file of so many classes has them."""
    metadata = read_metadata(path)
    labels = None if metadata is None else labels_of(metadata)
    return {} if labels is None else align(labels, count).names


@pytest.fixture(scope="module")
def exported(miniature: MiniatureFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The miniature's graph, exported."""
    folder = tmp_path_factory.mktemp("export")
    graph = miniature.archive / "frozen_inference_graph.pb"
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={folder}"]) == 0
    yield folder / "tflite_graph.pb"


@pytest.fixture(scope="module")
def plain(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature, converted without metadata."""
    path = tmp_path_factory.mktemp("plain") / "plain.tflite"
    assert main(["convert", f"--graph_def_file={exported}", f"--output_file={path}"]) == 0
    return path


def _convert(graph: Path, output: Path, *arguments: str) -> int:
    command = ["convert", f"--graph_def_file={graph}", f"--output_file={output}"]
    return main([*command, *arguments])


def _error(capsys: Capture) -> str:
    lines = capsys.readouterr().err.splitlines()
    (line,) = [line for line in lines if line.startswith("error: ")]
    return line


def test_metadata_tells_all(exported: Path, miniature: MiniatureFiles, tmp_path: Path) -> None:
    """Preprocessing and labels come back from the file, with nothing else at hand."""
    label_map = miniature.archive / "label_map.pbtxt"
    path = tmp_path / "m.tflite"
    assert _convert(exported, path, "--metadata", f"--label_map={label_map}") == 0
    assert [each.name for each in tmp_path.iterdir()] == ["m.tflite"]
    metadata = read_metadata(path)
    assert metadata is not None
    found = preprocessing_from(metadata, read_tflite(path))
    wanted = load_export(exported.parent).contract.preprocessing
    assert (found.height, found.width) == (wanted.height, wanted.width)
    assert found.scale == pytest.approx(wanted.scale, rel=1e-6)
    assert found.offset == pytest.approx(wanted.offset, rel=1e-6)
    assert _names(path) == align(read_labels(label_map), 2).names


def test_runs_as_without(exported: Path, plain: Path, tmp_path: Path) -> None:
    """The same ends and the same bits; two runs give the same bytes, whatever the file's name."""
    first, second = tmp_path / "a.tflite", tmp_path / "b.tflite"
    assert _convert(exported, first, "--metadata") == 0
    assert _convert(exported, second, "--metadata=true") == 0
    assert first.read_bytes() == second.read_bytes()
    assert read_metadata(plain) is None
    assert read_tflite(first).min_runtime == read_tflite(plain).min_runtime != ""
    with TfliteRuntime(plain) as before, TfliteRuntime(first) as after:
        assert after.outputs == before.outputs
        (spec,) = before.inputs
        feed = np.random.default_rng(1).uniform(-1, 1, spec.shape).astype(np.float32)
        expected, got = before.run({spec.name: feed}), after.run({spec.name: feed})
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value)


def test_without_labels(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """Said, since an app then shows numbers."""
    path = tmp_path / "m.tflite"
    assert _convert(exported, path, "--metadata") == 0
    expected = "validation: no --label_map: the metadata names no classes"
    assert expected in capsys.readouterr().err.splitlines()
    assert _names(path) == {}


def test_raw_outputs(exported: Path, miniature: MiniatureFiles, tmp_path: Path) -> None:
    """No detection is promised; the labels name the columns."""
    path, label_map = tmp_path / "m.tflite", miniature.archive / "label_map.pbtxt"
    arguments = ("--variant=raw", "--metadata", f"--label_map={label_map}")
    assert _convert(exported, path, *arguments) == 0
    metadata = read_metadata(path)
    assert metadata is not None
    assert metadata.groups == ()
    files = [output.label_file for output in metadata.outputs if output.label_file]
    assert [file.type for file in files] == [FileType.TENSOR_AXIS_LABELS]
    assert _names(path) == align(read_labels(label_map), 2).names


def test_uint8(tmp_path: Path) -> None:
    """Mean and std of the extractor, whatever the guide's flags make of the bytes."""
    import fake_quant_graph

    graph = fake_quant_graph.write_export(tmp_path / "export")
    path = tmp_path / "m.tflite"
    guide = ("--mean_values=128", "--std_dev_values=127")
    assert _convert(graph, path, "--metadata", *guide) == 0
    metadata = read_metadata(path)
    assert metadata is not None
    (image,) = metadata.inputs
    assert image.normalisation == Normalisation((127.5,) * 3, (127.5,) * 3)
    assert (image.minimum, image.maximum) == ((0.0,), (255.0,))
    assert read_tflite(path).inputs[0].dtype == "uint8"


def test_shipped_graph_and_the_guides_flags(tmp_path: Path) -> None:
    """A quantised archive's own tflite_graph.pb has no contract: mean and std are as stated."""
    import fake_quant_graph

    exported = fake_quant_graph.write_export(tmp_path / "export")
    graph = tmp_path / "tflite_graph.pb"
    graph.write_bytes(exported.read_bytes())
    path = tmp_path / "m.tflite"
    guide = ("--mean_values=128", "--std_dev_values=127")
    assert _convert(graph, path, "--metadata", *guide) == 0
    metadata = read_metadata(path)
    assert metadata is not None
    assert metadata.inputs[0].normalisation == Normalisation((128.0,) * 3, (127.0,) * 3)


def test_graph_without_contract(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """Nothing says how its images are normalised, and nothing is guessed."""
    (tmp_path / "tflite_graph.pb").write_bytes(exported.read_bytes())
    assert _convert(tmp_path / "tflite_graph.pb", tmp_path / "m.tflite", "--metadata") == 1
    line = _error(capsys)
    assert "the preprocessing is not known" in line
    assert "expected tflite_graph.json, or --mean_values and --std_dev_values" in line
    assert [each.name for each in tmp_path.iterdir()] == ["tflite_graph.pb"]


def test_labels_without_metadata(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """They would go nowhere."""
    assert _convert(exported, tmp_path / "m.tflite", "--label_map=labels.txt") == 2
    assert "labels go into the metadata: expected --metadata" in _error(capsys)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such label map: expected a file, or 'coco'"),
        ("", "this is an empty file"),
        ("\n", "the label map names no class"),
        ("a\n", "the label list does not fit the model's classes (labels.txt): expected 2 names"),
        ("a\nb\nc\n", "the label list does not fit the model's classes (labels.txt): expected 2"),
        (
            "1: a\n2: b\n3: c",
            "the label map is of another model (labels.txt): expected names for 2",
        ),
        ('item { id: 1 name: "a\\nb" }', "a label has one line"),
    ],
)
def test_label_map_that_is_refused(
    exported: Path, tmp_path: Path, capsys: Capture, content: str | None, said: str
) -> None:
    """Before TensorFlow is loaded; the file of an earlier conversion stays."""
    label_map, path = tmp_path / "labels.txt", tmp_path / "m.tflite"
    if content is not None:
        label_map.write_text(content)
    path.write_text("of an earlier conversion")
    capsys.readouterr()
    assert _convert(exported, path, "--metadata", f"--label_map={label_map}") == 1
    err = capsys.readouterr().err
    assert f"error: {said}" in err
    assert "loading TensorFlow" not in err
    assert path.read_text() == "of an earlier conversion"


def test_conversion_that_fails(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """The file of an earlier conversion stays, and nothing is left beside it."""
    path = tmp_path / "m.tflite"
    path.write_text("of an earlier conversion")
    assert _convert(exported, path, "--metadata", "--output_arrays=none") == 1
    assert "no node for output array 'none'" in _error(capsys)
    (tmp_path / "folder").mkdir()
    assert _convert(exported, tmp_path / "folder", "--metadata") == 1
    assert f"the file cannot be written ({tmp_path / 'folder'})" in _error(capsys)
    assert path.read_text() == "of an earlier conversion"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "m.tflite"]


def test_image_is_detected_by_metadata_alone(tmp_path: Path) -> None:
    """A bundled model and a labelled scene: the best detection is an object of the scene."""
    with tarfile.open(bundled_file("ssd_mobilenet_v1.tar.gz")) as archive:
        archive.extract("ssd_mobilenet_v1/frozen_inference_graph.pb", tmp_path, filter="data")
    graph = tmp_path / "ssd_mobilenet_v1" / "frozen_inference_graph.pb"
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={tmp_path}"]) == 0
    path, label_map = tmp_path / "m.tflite", bundled_file("scenes/label_map.pbtxt")
    arguments = ("--metadata", f"--label_map={label_map}")
    assert _convert(tmp_path / "tflite_graph.pb", path, *arguments) == 0
    metadata, file = read_metadata(path), read_tflite(path)
    assert metadata is not None
    annotations, images = labelled_scenes()
    table = json.loads(annotations.read_text())
    scene = table["images"][0]
    tensor = prepare(load_rgb(images / scene["file_name"]), preprocessing_from(metadata, file))
    with TfliteRuntime(path) as runtime:
        outputs = runtime.run({file.inputs[0].name: tensor.reshape(file.inputs[0].shape)})
    _, classes, scores, _ = (outputs[name] for name in file.postprocess_outputs)
    assert scores[0, 0] > 0.5
    names = {category["id"]: category["name"] for category in table["categories"]}
    objects = [each for each in table["annotations"] if each["image_id"] == scene["id"]]
    shown = {names[each["category_id"]] for each in objects}
    assert _names(path, 8)[int(classes[0, 0]) + 1] in shown
