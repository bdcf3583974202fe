"""Where commands write: devices stay, links are not followed, wrong paths are refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles

from validation.cli import main

Capture = pytest.CaptureFixture[str]


def _convert(exported: Path, output: Path | str, *more: str) -> list[str]:
    graph = exported / "tflite_graph.pb"
    return ["convert", f"--graph_def_file={graph}", f"--output_file={output}", *more]


@pytest.mark.parametrize("more", [(), ("--metadata",)])
def test_the_null_device_is_written_through(
    exported: Path, capsys: Capture, more: tuple[str, ...]
) -> None:
    """As root too, for whom it could have been replaced by a file."""
    assert main(_convert(exported, os.devnull, *more)) == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert capsys.readouterr().out == "/dev/null: written\n"


def test_a_file_to_standard_output_is_that_file_alone(exported: Path, tmp_path: Path) -> None:
    """The lines of the command go aside."""
    assert main(_convert(exported, tmp_path / "m.tflite")) == 0
    words = [sys.executable, "-m", "validation", *_convert(exported, "/dev/stdout")]
    done = subprocess.run(words, capture_output=True, check=True)
    assert done.stdout == (tmp_path / "m.tflite").read_bytes()
    assert b"/dev/stdout: written" in done.stderr


def test_a_planted_link_is_replaced(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """Its target is not touched."""
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "m.tflite").symlink_to(tmp_path / "victim")
    assert main(_convert(exported, tmp_path / "m.tflite")) == 0
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert not (tmp_path / "m.tflite").is_symlink()
    assert "bytes" in capsys.readouterr().out


def test_a_newline_in_a_name_ends_no_line(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """Who reads lines gets one a file, whatever it is called."""
    output = tmp_path / "a\nverdict: PASS.tflite"
    assert main(_convert(exported, output)) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f"a\\nverdict: PASS.tflite: {output.stat().st_size} bytes")


def test_wrong_places_are_refused_before_the_work(
    exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A folder where the file should be, and a file where a folder should be."""
    (tmp_path / "file").touch()
    for output, said in [
        (tmp_path, "got a folder"),
        (tmp_path / "file" / "m.tflite", "got Not a directory"),
    ]:
        assert main(_convert(exported, output)) == 1
        error = capsys.readouterr().err
        assert said in error
        assert "loading TensorFlow" not in error


def test_export_into_a_file_is_refused_before_the_work(
    miniature: MiniatureFiles, tmp_path: Path, capsys: Capture
) -> None:
    """So are the other commands that fill a folder."""
    (tmp_path / "file").touch()
    graph = miniature.archive / "frozen_inference_graph.pb"
    words = ["export", f"--frozen_graph={graph}", f"--output_directory={tmp_path / 'file'}"]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "the folder cannot be written" in error
    assert "loading TensorFlow" not in error
