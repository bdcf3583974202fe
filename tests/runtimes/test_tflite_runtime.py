"""LiteRT as a runtime: what only it can refuse, and what it says of its ends."""

import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from validation.errors import ArtefactMissing, ConversionError
from validation.faults import file_edits
from validation.runtimes.tflite import TfliteRuntime, default_threads
from validation.specs.contracts import INPUT_NAME
from validation.specs.tensors import TensorSpec

OP = "TFLite_Detection_PostProcess"


def test_detections_come_by_the_ops_names(files):
    """Boxes, classes, scores and count, as many slots as the op has."""
    feed = {INPUT_NAME: np.random.default_rng(1).uniform(-1, 1, (1, 48, 64, 3)).astype(np.float32)}
    with TfliteRuntime(files.float) as runtime:
        out = runtime.run(feed)
    shapes = {name: array.shape for name, array in out.items()}
    assert shapes == {OP: (1, 20, 4), f"{OP}:1": (1, 20), f"{OP}:2": (1, 20), f"{OP}:3": (1,)}
    assert 0 < out[f"{OP}:3"][0] <= 20


def test_quantised_ends_tell_their_scales(quantised):
    """What a caller needs to turn pixels and results."""
    with TfliteRuntime(quantised) as runtime:
        (image,), (end,) = runtime.inputs, runtime.outputs
        out = runtime.run({"image": np.full((1, 2, 2, 3), 255, np.uint8)})
    assert (image.dtype, image.zero_point) == ("uint8", 128)
    assert image.scale == pytest.approx(2 / 255)
    assert (end.dtype, end.zero_point) == ("uint8", 0)
    assert out["end"].dtype == np.uint8
    np.testing.assert_allclose(out["end"] * end.scale, 2, atol=0.01)


def test_float_ends_have_no_scale(files):
    """0 is TFLite's word for none."""
    with TfliteRuntime(files.raw) as runtime:
        assert runtime.inputs == (TensorSpec(INPUT_NAME, "float32", (1, 48, 64, 3)),)


def test_threads_reach_the_interpreter(files, monkeypatch):
    """And are kept beside the path, for whoever tells of a run."""
    asked = []

    def spy(path, num_threads):
        asked.append(num_threads)
        return Interpreter(path, num_threads=num_threads)

    monkeypatch.setattr("validation.runtimes.tflite.Interpreter", spy)
    with TfliteRuntime(files.raw, threads=2) as runtime:
        assert (runtime.path, runtime.threads) == (files.raw, 2)
    TfliteRuntime(files.raw)
    assert asked == [2, 1]


def test_default_threads_are_at_least_one():
    """However few cores there are."""
    assert default_threads() >= 1


def test_missing_file_is_named(tmp_path):
    """With its path."""
    with pytest.raises(ArtefactMissing, match=r"no .tflite file \(.*no.tflite\)"):
        TfliteRuntime(tmp_path / "no.tflite")


@pytest.mark.parametrize("content", [b"", b"404 Not Found", b"\0\0\0\0TFL3" + b"\0" * 64])
def test_file_that_is_none_is_refused(tmp_path, content):
    """One line, before LiteRT sees it."""
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"bad\.tflite") as error:
        TfliteRuntime(path)
    assert "\n" not in str(error.value)


def test_truncated_file_is_refused(files, tmp_path):
    """A transfer that stopped half way."""
    path = tmp_path / "cut.tflite"
    path.write_bytes(files.raw.read_bytes()[:20_000])
    with pytest.raises(
        ConversionError, match=r"damaged \(cut.tflite\).*the end of the file is missing"
    ):
        TfliteRuntime(path)


def test_runtime_needs_no_tensorflow(files):
    """A worker that only runs .tflite files starts without it."""
    code = (
        "import sys; from pathlib import Path; "
        "from validation.runtimes.tflite import TfliteRuntime; "
        "from validation.tflite.facts import read_tflite; "
        f"path = Path({str(files.float)!r}); TfliteRuntime(path); read_tflite(path); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_operator_that_fails_is_an_error_of_the_file(files, tmp_path):
    """LiteRT takes the file, and the op refuses the boxes that it decodes: they are inside out."""
    change = file_edits.change_anchors(lambda anchors: anchors * [1, 1, -1, 1])
    path = file_edits.rewrite(files.float, tmp_path / "broken.tflite", change)
    feed = {INPUT_NAME: np.zeros((1, 48, 64, 3), np.float32)}
    with (
        TfliteRuntime(path) as runtime,
        pytest.raises(ConversionError, match=r"cannot run it .*broken\.tflite"),
    ):
        runtime.run(feed)
