"""The command visualize: a model in, a picture out, one line where that cannot be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tiny_tflite import write_tiny_tflite
from warm_process import WarmProcess

from validation.cli import main

_ROOT = Path(__file__).parents[2]
_ARCHIVE = _ROOT / "validation" / "zoo" / "bundled" / "ssd_mobilenet_v1_quantized.tar.gz"
_needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's dot is not installed"
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tflite_graph.pb of a bundled quantised model."""
    folder = tmp_path_factory.mktemp("archive")
    with tarfile.open(_ARCHIVE) as tar:
        tar.extract("ssd_mobilenet_v1_quantized/tflite_graph.pb", folder, filter="data")
    return folder / "ssd_mobilenet_v1_quantized" / "tflite_graph.pb"


@pytest.fixture(scope="module")
def model(graph: Path) -> Path:
    """The .tflite file that the guide's step makes of it."""
    path = graph.with_name("detect.tflite")
    stats = ["--mean_values=127.5", "--std_dev_values=127.5"]
    assert main(["convert", f"--graph_def_file={graph}", f"--output_file={path}", *stats]) == 0
    return path


def _error(capsys: Capture) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if not re.match(r"validation: [a-z]", line)]
    return line


def test_a_real_model_as_dot(model: Path, tmp_path: Path, capsys: Capture) -> None:
    """Every part of the detector, its numbers and a legend; the path on standard output."""
    picture = tmp_path / "detect.dot"
    assert main(["visualize", str(model), f"--output_file={picture}"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(rf"{picture}: \d+ bytes\n", out)
    assert "drawing 51 operations as 23 nodes" in err
    text = picture.read_text()
    for words in (
        *("Feature extractor", "Extra feature maps", "Box heads", "Class heads"),
        *("Conv2d_7 … Conv2d_11", "DEPTHWISE_CONV_2D", "BoxPredictor_3", "LOGISTIC"),
        *("8 classes, at most", "uint8 scale", "output: scores", "detect.tflite"),
    ):
        assert words in text, words


@_needs_dot
def test_a_real_model_as_svg(model: Path, tmp_path: Path) -> None:
    """A picture that a browser shows without help from elsewhere, neither ribbon nor poster."""
    picture = tmp_path / "detect.svg"
    assert main(["visualize", str(model), f"--output_file={picture}"]) == 0
    root = ElementTree.fromstring(picture.read_bytes())
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert 0.3 < width / height < 2
    assert max(width, height) < 3000
    assert not any(key.endswith("href") for each in root.iter() for key in each.attrib)


def test_full_draws_more(model: Path, tmp_path: Path, capsys: Capture) -> None:
    """Each operation by itself."""
    picture = tmp_path / "detect.dot"
    assert main(["visualize", str(model), f"--output_file={picture}", "--full"]) == 0
    assert "drawing 51 operations as 51 nodes" in capsys.readouterr().err


def test_a_graph_by_its_usual_name(graph: Path, tmp_path: Path, capsys: Capture) -> None:
    """TensorFlow's graphs too, with shapes that stand in no file."""
    picture = tmp_path / "graph.dot"
    assert main(["visualize", str(graph), f"--output_file={picture}"]) == 0
    capsys.readouterr()
    text = picture.read_text()
    assert "fake-quantised" in text
    assert "float32" in text


def test_the_default_output_lies_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The model's name with .dot; the model's own folder may not be ours to write to."""
    model = write_tiny_tflite(tmp_path / "tiny.tflite")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert main(["visualize", str(model)]) == 0
    assert [each.name for each in here.iterdir()] == ["tiny.dot"]
    assert capsys.readouterr().out.startswith("tiny.dot: ")


def test_a_file_is_told_by_its_content(tmp_path: Path, graph: Path, capsys: Capture) -> None:
    """Downloads lose their suffixes, and a .lite file is a model as well."""
    for name, source in (
        ("detect.lite", write_tiny_tflite(tmp_path / "tiny.tflite")),
        ("graph", graph),
    ):
        copy = tmp_path / name
        shutil.copyfile(source, copy)
        assert main(["visualize", str(copy), f"--output_file={tmp_path / 'a.dot'}"]) == 0
        assert capsys.readouterr().out.startswith(str(tmp_path / "a.dot"))


def test_a_tflite_file_is_drawn_without_tensorflow(
    tmp_path: Path, light_process: WarmProcess
) -> None:
    """A picture of a small file takes a second, not the six that TensorFlow takes to load."""
    model = write_tiny_tflite(tmp_path / "tiny.tflite")
    code = (
        "import sys; from validation.cli import main; "
        f"code = main(['visualize', {str(model)!r}, '--output_file={tmp_path / 'a.dot'}']); "
        "sys.exit(code or int('tensorflow' in sys.modules))"
    )
    ended = light_process.run(["python", "-c", code])
    assert ended.code == 0, ended.err.decode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.tflite", None, "error: no such file"),
        ("none.pb", None, "error: no such file"),
        ("empty.tflite", b"", "error: this is an empty file"),
        ("cut.tflite", b"\x1c\0\0\0TFL3", "error: the TFLite flatbuffer"),
        ("other.pb", b"\xff\xfe not a graph", "error: this is text in UTF-16"),
        ("pipeline.config", b"model {}", "error: this is a pipeline.config"),
        ("model.ckpt.index", b"?", "error: this is a checkpoint"),
        ("model", b"?", "error: this is text of an unknown kind"),
    ],
)
def test_bad_input_is_one_line(
    name: str, content: bytes | None, message: str, tmp_path: Path, capsys: Capture
) -> None:
    """Whatever is handed in, one error says what it is, and no picture is left."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["visualize", str(path), f"--output_file={tmp_path / 'a.dot'}"]) == 1
    assert message in _error(capsys)
    assert not (tmp_path / "a.dot").exists()


def test_a_folder_is_no_model(tmp_path: Path, capsys: Capture) -> None:
    """As a SavedModel is."""
    assert main(["visualize", str(tmp_path), f"--output_file={tmp_path / 'a.dot'}"]) == 1
    assert "this is a folder" in _error(capsys)


def test_without_the_program_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The missing program is reported at once, with the package that has it."""
    monkeypatch.setenv("PATH", "")
    arguments = ["visualize", str(tmp_path / "none.pb"), f"--output_file={tmp_path / 'a.svg'}"]
    assert main(arguments) == 1
    assert "install the package graphviz" in _error(capsys)


def test_the_model_is_never_replaced(tmp_path: Path, capsys: Capture) -> None:
    """Even where its name asks for it."""
    model = tmp_path / "model.dot"
    model.symlink_to(write_tiny_tflite(tmp_path / "tiny.tflite"))
    assert main(["visualize", str(tmp_path / "tiny.tflite"), f"--output_file={model}"]) == 2
    assert "would replace the model" in _error(capsys)


def test_help_has_what_a_user_asks(capsys: Capture) -> None:
    """Default, suffixes, the package and an example."""
    with pytest.raises(SystemExit) as ended:
        main(["visualize", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for each in ("current folder", ".svg", "Graphviz", "--full", "example: python -m validation"):
        assert each in text


def test_a_picture_is_the_same_in_every_process(model: Path, tmp_path: Path) -> None:
    """Whatever the seed of Python's hashes: pictures stand under version control."""
    texts = []
    for seed in ("1", "2", "3"):
        target = tmp_path / f"{seed}.dot"
        command = ["visualize", str(model), f"--output_file={target}"]
        subprocess.run(
            [sys.executable, "-m", "validation", *command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        )
        texts.append(target.read_text())
    assert texts[0] == texts[1] == texts[2]
