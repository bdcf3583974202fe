"""The commands as a program: help, wrong use, errors in one line, Ctrl-C."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from validation import __version__
from validation.cli import main
from validation.errors import ArtefactMissing, CorruptGraph, UsageError

_ROOT = Path(__file__).parents[2]

Capture = pytest.CaptureFixture[str]


def test_debug_shows_the_trace(tmp_path: Path, graph: Path, capsys: Capture) -> None:
    """--debug puts the trace before the line that is all without it; the exit code is the same."""
    out = f"--output_directory={tmp_path / 'out'}"
    cut = tmp_path / "cut.pb"
    cut.write_bytes(graph.read_bytes()[:-1000])
    variant = ["convert", f"--graph_def_file={graph}", "--variant=int3", "--output_file=m.tflite"]
    for words, code, kind in (
        (["export", f"--frozen_graph={tmp_path / 'none.pb'}", out], 1, ArtefactMissing),
        (["export", f"--frozen_graph={cut}", out], 1, CorruptGraph),
        (variant, 2, UsageError),
    ):
        assert main(words) == code
        plain = capsys.readouterr().err
        assert main([*words, "--debug"]) == code
        traced = capsys.readouterr().err
        assert "Traceback (most recent call last)" in traced
        assert kind.__name__ in traced
        assert traced.splitlines()[-1] == plain.splitlines()[-1]


def test_trace_is_as_clean_as_the_line(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name moves no cursor from there either."""
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "a\x1b[2J.pb", "--debug"]) == 1
    text = capsys.readouterr().err
    assert "Traceback" in text
    assert "\x1b" not in text


def test_interrupt(
    graph: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    """Ctrl-C is the shell's own 130, without a trace."""
    # By sys.modules: sessions inside of tests leave the package with another module of this name.
    module = importlib.import_module("validation.export.from_checkpoint")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "read_graph", interrupted)
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={tmp_path}/out"]) == 130
    assert "interrupted; nothing half-written is left" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--output-directory", "--output_directory"])
def test_both_spellings_of_a_flag(flag: str, tmp_path: Path, capsys: Capture) -> None:
    """Dashes and underscores alike, whichever the flag was declared with."""
    graph = f"--frozen-graph={tmp_path / 'none.pb'}"
    assert main(["export", graph, flag, str(tmp_path / "out")]) == 1
    assert "no such graph" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["quantize"], "invalid choice: 'quantize'"),
        (["export", "--output_directory=out"], "one of the arguments --frozen_graph"),
        (["export", "--frozen_graph=a.pb"], "required: --output_directory"),
        (
            ["export", "--frozen_graph=a", "--trained_checkpoint_prefix=b", "--output_directory=c"],
            "not allowed with argument",
        ),
        (
            ["export", "--frozen_graph=a", "--output_directory=c", "--max_detections=0"],
            "must be 1 or more, got 0",
        ),
        (
            ["export", "--frozen_graph=a", "--output_directory=c", "--use_regular_nms=maybe"],
            "must be true or false, got 'maybe'",
        ),
        (["convert", "--graph_def_file=a"], "required: --output_file"),
        (
            ["detect", "m", "i", "--label-mapp=f"],
            "--label-mapp=f; did you mean '--label_map'?; `python -m validation detect --help`",
        ),
        (
            ["zoo", "list", "--jsn"],
            "did you mean '--json'?; `python -m validation zoo list --help`",
        ),
    ],
)
def test_wrong_use(capsys: Capture, arguments: list[str], said: str) -> None:
    """Exit code 2 as argparse has it, with the flag that is wrong."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (
            "export",
            [
                "--frozen_graph",
                "--trained_checkpoint_prefix",
                "--pipeline_config_path",
                "--output_directory",
                "--add_postprocessing_op",
                "--max_detections",
                "--max_classes_per_detection",
                "--detections_per_class",
                "--use_regular_nms",
            ],
        ),
        (
            "convert",
            [
                "--graph_def_file",
                "--output_file",
                "--input_arrays",
                "--output_arrays",
                "--input_shapes",
                "--allow_custom_ops",
                "--inference_type",
                "--mean_values",
                "--std_dev_values",
            ],
        ),
    ],
)
def test_help(capsys: Capture, command: str, flags: list[str]) -> None:
    """Every flag of the guide is there, and an example that can be copied."""
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert [flag for flag in flags if flag not in text] == []
    assert f"example:\n  python -m validation {command}" in text


def test_examples_parse(
    capsys: Capture,
    failed_line: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The examples of the help texts are accepted as far as their files."""
    monkeypatch.chdir(tmp_path)
    for command in ("export", "convert"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        _, _, example = capsys.readouterr().out.partition("python -m validation ")
        assert main(example.replace("\\\n", " ").split()) == 1
        assert re.search(r"no such|cannot be read", failed_line())


def test_version(capsys: Capture) -> None:
    """The version is the package's."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_module_runs_as_a_program(tmp_path: Path) -> None:
    """Started as a module: the error is all there is on standard error."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "validation",
            "export",
            f"--frozen_graph={tmp_path / 'none.pb'}",
            f"--output_directory={tmp_path / 'out'}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"error: no such graph ({tmp_path / 'none.pb'}); check the path\n"
