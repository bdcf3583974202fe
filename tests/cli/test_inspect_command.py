"""``validation inspect``: text for people, JSON for programs, one line an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import small_ssd
from warm_process import WarmProcess

from validation.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A pipeline.config."""
    path = tmp_path / "pipeline.config"
    path.write_text(small_ssd.TEXT)
    return path


def _tflite(folder: Path) -> Path:
    """A .tflite without ops, whose image goes straight to its output."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    image = schema.TensorT()
    image.name, image.shape, image.type = b"image", [1, 8, 8, 3], schema.TensorType.UINT8
    image.quantization = schema.QuantizationParametersT()
    image.quantization.scale, image.quantization.zeroPoint = [2 / 255], [128]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [image], [0], [0], []
    model = schema.ModelT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], []
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = folder / "m.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


def test_text_and_json_tell_the_same(tmp_path: Path, capsys: Capture) -> None:
    """Results on standard output; nothing on standard error where TensorFlow is not needed."""
    path = _tflite(tmp_path)
    assert main(["inspect", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("m.tflite: a TFLite file, ")
    assert "uint8 [1, 8, 8, 3]" in out
    assert main(["inspect", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "tflite"
    assert facts["inputs"][0]["role"] == "image"
    assert facts["inputs"][0]["real_range"] == pytest.approx([-1.0039, 0.9961], abs=1e-4)
    assert facts["preprocessing"]["feed"] in out


def test_config_as_json(config: Path, capsys: Capture) -> None:
    """Every fact under its name."""
    assert main(["inspect", "--json", str(config)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["extractor"]) == ("pipeline config", "ssd_mobilenet_v1")
    assert facts["anchors"]["per_cell"] == [3, 6, 6, 6, 6, 6]


def test_light_kinds_leave_tensorflow_alone(
    tmp_path: Path, config: Path, light_process: WarmProcess
) -> None:
    """A .tflite and a pipeline.config are read without its seconds."""
    code = (
        "import sys\nfrom validation.cli import main\n"
        f"assert main(['inspect', {str(_tflite(tmp_path))!r}]) == 0\n"
        f"assert main(['inspect', {str(config)!r}]) == 0\n"
        "assert main(['zoo', 'list']) == 0\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    ended = light_process.run(["python", "-c", code])
    assert ended.code == 0, ended.err.decode()[-800:]


def test_variables_of_a_checkpoint(tmp_path: Path, capsys: Capture) -> None:
    """--all lists every one."""
    import miniatures

    prefix = miniatures.write_checkpoint(tmp_path)
    assert main(["inspect", f"{prefix}.meta"]) == 0
    few, err = capsys.readouterr()
    assert "loading TensorFlow" in err
    assert main(["inspect", str(prefix), "--all"]) == 0
    every = capsys.readouterr().out
    assert every.startswith(few.rstrip("\n"))
    assert "\nVariables\n" in every


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.tflite", None, "no such file or checkpoint"),
        ("empty.pb", b"", "this is an empty file"),
        ("cut.tflite", b"\x1c\0\0\0TFL3\0\0", "the TFLite flatbuffer is damaged"),
        ("noise.tflite", b"\xff\x00" * 50, "this is a file of an unknown kind"),
        ("bad.config", b"model { ssd {", "the brace opened here is never closed"),
        ("text.config", b"model { ssd { x: 1 } }", "unknown field 'x'"),
        ("a.tar.gz", b"\x1f\x8b", "this is a tar archive"),
        (".", None, "this is a folder"),
    ],
)
def test_bad_files(
    tmp_path: Path, capsys: Capture, name: str, content: bytes | None, said: str
) -> None:
    """Exit code 1 and one line, whatever the file is."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["inspect", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if not re.match(r"validation: [a-z]", line)]
    assert line.startswith(f"error: {said}"), line


def test_help_has_an_example(capsys: Capture) -> None:
    """One that can be copied."""
    with pytest.raises(SystemExit):
        main(["inspect", "--help"])
    assert "example:\n  python -m validation inspect out/detect.tflite" in capsys.readouterr().out
