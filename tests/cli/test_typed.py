"""Command lines as people type and paste them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.cli import main
from validation.cli.completion import script
from validation.cli.output import print_json
from validation.cli.typed import as_declared, with_plain_dashes

_FLAGS = ("-h", "--help", "--coco-annotations", "--label_map", "--json")

Capture = pytest.CaptureFixture[str]


def _read(*typed: str, own_only: bool = False) -> tuple[str, ...]:
    plain = with_plain_dashes(typed)
    return as_declared(plain.arguments, _FLAGS, own_only=own_only).arguments


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("--coco_annotations=a_b-c", "--coco-annotations=a_b-c"),
        ("--label-map", "--label_map"),
        ("--coco_ann=x", "--coco-ann=x"),
        ("\u2014json", "--json"),
        ("\u2013json", "--json"),
        ("-\u2013json", "--json"),
        ("\u2013\u2013json", "--json"),
        ("\u2212\u2212label\u2011map=x", "--label_map=x"),
        ("\u2013h", "-h"),
        ("-coco-annotations", "--coco-annotations"),
        ("-label-map=x", "--label_map=x"),
        ("\u00a0--json", "--json"),
        ("--label_map=\u201cmy labels.txt\u201d", "--label_map=my labels.txt"),
        ("--label_map='labels.txt'", "--label_map=labels.txt"),
        ("\u2018m.tflite\u2019", "m.tflite"),
        ("m.tflite", "m.tflite"),
        ("--other=x", "--other=x"),
        ("-h", "-h"),
        ("'a' or 'b'", "'a' or 'b'"),
    ],
)
def test_a_flag_is_known_however_it_is_pasted(typed: str, read: str) -> None:
    """Both spellings, a word processor's dashes and quotes, one dash for two."""
    assert _read(typed) == (read,)


def test_what_was_read_for_what_is_said() -> None:
    """But not for the other spelling of a flag, which is as good."""
    typed = ("\u2014coco_annotations=x", "-json", "--label-map=y")
    plain = with_plain_dashes(typed)
    read = as_declared(plain.arguments, _FLAGS, own_only=False)
    assert plain.notes == ("reading \u2014coco_annotations=x as --coco_annotations=x",)
    assert read.notes == ("reading -json as --json",)


def test_a_file_with_such_a_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is meant."""
    monkeypatch.chdir(tmp_path)
    Path("\u2014json").touch()
    assert _read("\u2014json") == ("\u2014json",)


@pytest.mark.parametrize("typed", ["--label_map=~/x", "~/x"])
def test_the_home_folder_is_expanded(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also behind =, where no shell does it."""
    monkeypatch.setenv("HOME", "/homes/me")
    assert _read(typed) == (typed.replace("~", "/homes/me"),)


def test_values_of_pytest_s_own_options_are_left_alone() -> None:
    """They are expressions, and quotes belong to them."""
    typed = ("-k", "'person'", "--label_map", "'x.txt'", "--override-ini='a'")
    read = ("-k", "'person'", "--label_map", "x.txt", "--override-ini='a'")
    assert _read(*typed, own_only=True) == read


@given(st.lists(st.text(max_size=12), max_size=5))
def test_any_arguments_are_read(arguments: list[str]) -> None:
    """As many as were typed, and what is behind -- stays as it is."""
    typed = [each.replace("\0", "") for each in arguments]
    assert len(_read(*typed)) == len(typed)
    if "--" not in typed:
        assert _read("--", *typed)[0] == "--"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evalute"], "did you mean 'evaluate'?"),
        (
            ["evaluate", "m", "--coco-images=x", "--coco-anotations=x"],
            "--coco-anotations is not known, did you mean '--coco-annotations'?",
        ),
        (["zoo", "list", "-jsn"], "did you mean '--json'?"),
        (["completion", "bsh"], "did you mean 'bash'?"),
        (["convert", "--config=x"], "--config is not known; `"),
        (["detect", "m", "i", "--map=x"], "--map=x; `"),
        (["detect", "m", "i", "--labels=x"], "did you mean '--label_map'?"),
        (["evaluate", "m", "--coco-annotations=x", "--category"], "'--per_category'?"),
        (["zoo", "list", "--nope"], "--nope; `"),
        (["nope"], "'completion'); `"),
    ],
)
def test_what_was_probably_meant_is_said(arguments: list[str], said: str, capsys: Capture) -> None:
    """For commands, choices and flags; also where one that is required is missing."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (math.nan, None),
        (math.inf, "Infinity"),
        ({"a": (-math.inf, 1.5)}, {"a": ["-Infinity", 1.5]}),
        ([{"float": "nan"}], [None]),
    ],
)
def test_json_is_valid_whatever_the_figures_are(
    value: object, printed: object, capsys: Capture
) -> None:
    """Bare NaN and Infinity are none of JSON's."""
    print_json(value)

    def refused(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(capsys.readouterr().out, parse_constant=refused) == printed


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["inspect", "none.tflite", "--json"], "ArtefactMissing", 1),
        (["compare", "--json", "record.jsonl", "none"], "ArtefactMissing", 1),
        (["report", "none", "--json"], "UsageError", 2),
        (["zoo", "list", "--json", "--nope"], "UsageError", 2),
    ],
)
def test_an_error_is_a_document_too(
    arguments: list[str], kind: str, code: int, capsys: Capture
) -> None:
    """Where JSON is asked for; the line and the exit code stay."""
    try:
        assert main(arguments) == code
    except SystemExit as stopped:
        assert stopped.code == code
    out, err = capsys.readouterr()
    printed = json.loads(out)["error"]
    assert (printed["type"], printed["exit_code"]) == (kind, code)
    assert err == f"error: {printed['text']}\n"


@pytest.mark.parametrize("arguments", [["zoo", "list", "--json"], ["run", "--help"]])
def test_a_closed_pipe_ends_in_silence(arguments: list[str]) -> None:
    """With the code that the shell gives a program which SIGPIPE has ended."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "validation", *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_flags(shell: str) -> None:
    """Those of every command, the harness's own of ``run`` among them."""
    text = script(shell)
    for word in ("evaluate", "completion", "--graph_def_file", "--coco-annotations", "--offline"):
        assert word in text


def test_completion_of_bash_is_a_script(tmp_path: Path) -> None:
    """That bash can read, and that completes a command and a flag."""
    file = tmp_path / "validation.bash"
    file.write_text(script("bash"))
    tried = (
        f"source {file}; COMP_WORDS=(validation conv); COMP_CWORD=1; "
        "_shtab_validation 2>/dev/null; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", tried], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "convert"
