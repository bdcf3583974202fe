"""TensorFlow's tflite_convert is run as a reader of the guide would, and read when it fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from validation.convert.tflite_convert_cli import error_line, guide_arguments, tflite_convert
from validation.specs.input_stats import GUIDE_STATS

_SHAPE = (1, 300, 300, 3)


def test_flags_are_the_guides() -> None:
    """Those of the guide, after the one that TensorFlow 2 wants."""
    flags = guide_arguments(Path("tflite_graph.pb"), Path("detect.tflite"), _SHAPE, None)
    assert flags == (
        "--enable_v1_converter",
        "--graph_def_file=tflite_graph.pb",
        "--output_file=detect.tflite",
        "--input_arrays=normalized_input_image_tensor",
        "--input_shapes=1,300,300,3",
        "--output_arrays=TFLite_Detection_PostProcess,TFLite_Detection_PostProcess:1,"
        "TFLite_Detection_PostProcess:2,TFLite_Detection_PostProcess:3",
        "--allow_custom_ops",
    )


def test_flags_of_a_quantised_graph() -> None:
    """QUANTIZED_UINT8 with mean 128 and std 127."""
    flags = guide_arguments(Path("g.pb"), Path("d.tflite"), _SHAPE, GUIDE_STATS)
    quantised = ("--inference_type=QUANTIZED_UINT8", "--mean_values=128", "--std_dev_values=127")
    assert set(quantised) <= set(flags)


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    """The process's exit code, and the line of its trace that matters."""
    graph = tmp_path / "none.pb"
    (run,) = tflite_convert(guide_arguments(graph, tmp_path / "d.tflite", _SHAPE, None))
    assert run.exit_code != 0
    assert "none.pb" in run.error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("", "no message"),
        ("Traceback\n  x\nValueError: bad shape\n\n", "ValueError: bad shape"),
        (
            "Error: failed\nerror: 'tf.X' op is neither a custom op nor a flex op\nlast",
            "error: 'tf.X' op is neither a custom op nor a flex op",
        ),
        ("killed", "killed"),
    ],
)
def test_line_that_matters(said: str, line: str) -> None:
    """A missing op goes before the error's class, which goes before the last line."""
    assert error_line(said) == line


@pytest.mark.parametrize(("own", "taken"), [(None, "262144"), ("1000000", "1000000")])
def test_program_gives_freed_weights_back(
    monkeypatch: pytest.MonkeyPatch, own: str | None, taken: str
) -> None:
    """Unless the user's environment says from which size on."""
    name = "MALLOC_MMAP_THRESHOLD_"
    monkeypatch.delenv(name, raising=False)
    if own is not None:
        monkeypatch.setenv(name, own)
    asked: list[str] = []

    def run(*_: object, env: dict[str, str], **__: object) -> subprocess.CompletedProcess[str]:
        asked.append(env[name])
        return subprocess.CompletedProcess([], 0, "[]\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert tflite_convert() == ()
    assert asked == [taken]
