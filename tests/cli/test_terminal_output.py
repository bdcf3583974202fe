"""No name and no locale disturbs the terminal, whatever command prints it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles
from warm_process import Ended, WarmProcess

from validation.cli import main

# Clears the screen, says PASS in green, and names the window.
_HARM = "m\x1b[2J\x1b[32mPASS\x1b[0m\x1b]0;x\a\r\u202e\x9b2J"
_LOCALES = {
    "C": {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "POSIX": {"LANG": "POSIX", "LC_ALL": "POSIX"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii strict": {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"},
    "latin-1": {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
}


def _clean(text: str) -> bool:
    return all(part.isprintable() for part in text.replace("\n", "").split("\t"))


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", _HARM],
        ["evaluate", _HARM, f"--coco_annotations={_HARM}", f"--coco_images={_HARM}"],
        ["export", f"--frozen_graph={_HARM}", "--output_directory=out"],
        ["convert", f"--graph_def_file={_HARM}", "--output_file=out"],
        ["zoo", "show", _HARM],
        ["zoo", "fetch", _HARM],
        ["report", _HARM],
        ["signoff", _HARM, "--by", _HARM],
        ["detect", _HARM, _HARM],
        ["visualize", _HARM],
        ["inspect", f"--{_HARM}"],
        [_HARM],
        ["run", "--model", _HARM],
        ["run", f"--{_HARM}"],
        ["run", "--zoo", _HARM],
        ["judge", _HARM],
    ],
)
def test_errors_show_names_as_escapes(
    words: list[str],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a file that is not there, a flag and a command that there is not."""
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as end:
        assert isinstance(end.code, int)
        code = end.code
    assert code != 0
    out, err = capfd.readouterr()
    assert _clean(out + err), repr(out + err)
    assert "error" in err


def test_results_show_names_as_escapes(
    miniature: MiniatureFiles, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of a file that is there, and of its folder."""
    folder = tmp_path / _HARM / "zoo" / "mini"
    shutil.copytree(miniature.archive, folder)
    for words in (
        ["inspect", str(folder / "frozen_inference_graph.pb")],
        ["zoo", "show", str(folder)],
        ["zoo", "list", "--zoo", str(folder.parent)],
        ["visualize", str(folder / "frozen_inference_graph.pb"), f"--output_file={folder}/x.dot"],
    ):
        assert main([*words]) == 0
    out, err = capfd.readouterr()
    assert _clean(out + err), repr(out + err)


@pytest.mark.parametrize("locale", _LOCALES)
def test_no_locale_stops_a_command(
    locale: str, miniature: MiniatureFiles, tmp_path: Path, light_process: WarmProcess
) -> None:
    """A name with letters that it lacks, and with bytes that are no text."""
    name = os.fsdecode("größe 猫 ".encode() + b"\xff")
    folder = tmp_path / name
    shutil.copytree(miniature.archive, folder)

    def run(*words: str) -> Ended:
        return light_process.run(
            ["python", "-m", "validation", *words], tmp_path, {**os.environ, **_LOCALES[locale]}
        )

    shown = run("zoo", "show", str(folder))
    assert shown.code == 0, shown.err
    missing = run("inspect", str(folder / "none"))
    assert missing.code != 0
    assert missing.err.startswith(b"error: ")
    for ended in (shown, missing):
        assert b"Traceback" not in ended.err
        assert b"UnicodeEncodeError" not in ended.err


def test_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Its streams are made by the interpreter, for the locale."""
    words = (sys.executable, "-m", "validation", "inspect", str(tmp_path / "größe 猫 \udcff"))
    for settings in _LOCALES.values():
        done = subprocess.run(
            [os.fsencode(each) for each in words],
            capture_output=True,
            check=False,
            env={**os.environ, **settings},
        )
        assert done.returncode != 0
        assert done.stderr.startswith(b"error: ")
        assert b"Traceback" not in done.stderr
