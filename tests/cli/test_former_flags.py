"""Flags of the old tools that have gone are ignored with a note, or refused with advice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from validation.cli import main
from validation.cli.former_flags import former_flags, without_former_flags
from validation.errors import UsageError

Capture = pytest.CaptureFixture[str]


def test_flags_that_change_nothing_are_ignored_with_a_note(capsys: Capture) -> None:
    """Bare, with = or with the value as an argument of its own; each is named."""
    typed = [
        "convert",
        "--enable_v1_converter",
        "--graph_def_file=g.pb",
        "--output_format=TFLITE",
        "--input_format",
        "TENSORFLOW_GRAPHDEF",
        "--change_concat_input_ranges=False",
        "--allow_custom_ops",
    ]
    kept = without_former_flags(typed)
    assert kept == ["convert", "--graph_def_file=g.pb", "--allow_custom_ops"]
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(": ignored; .*", "", line) for line in lines] == [
        "validation: --enable_v1_converter",
        "validation: --output_format=TFLITE",
        "validation: --input_format TENSORFLOW_GRAPHDEF",
        "validation: --change_concat_input_ranges=False",
    ]


@pytest.mark.parametrize(
    ("command", "flag", "advice"),
    [
        ("convert", ["--output_format=GRAPHVIZ_DOT"], "python -m validation visualize draws"),
        ("convert", ["--output_format", "GRAPHVIZ_DOT"], "python -m validation visualize draws"),
        ("convert", ["--saved_model_dir=saved_model"], "validation export makes tflite_graph.pb"),
        ("convert", ["--post_training_quantize"], "--variant=dynamic"),
        ("convert", ["--default_ranges_min=0"], "--variant=int8 with --representative_images"),
        ("convert", ["--std_values=128"], "it is called --std_dev_values"),
        ("export", ["--config_override", "model { }"], "a copy of pipeline.config"),
        ("export", ["--ssd_max_detections=100"], "it is called --max_detections"),
    ],
)
def test_what_has_gone_is_answered(
    command: str, flag: list[str], advice: str, capsys: Capture
) -> None:
    """Before anything else is asked for, with what to type now; exit code 2."""
    assert main([command, *flag]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"error: {command} has no {flag[0].partition('=')[0]}")
    assert advice in line


def test_other_commands_have_no_forerunner() -> None:
    """Their arguments are left to argparse."""
    assert former_flags("detect") == {}
    assert without_former_flags([]) == []
    typed = ["detect", "--output_format=GRAPHVIZ_DOT", "m.tflite"]
    assert without_former_flags(typed) == typed


@pytest.mark.parametrize("command", ["convert", "export"])
def test_no_flag_of_today_has_gone(command: str, capsys: Capture) -> None:
    """Neither by its name nor as an abbreviation of one, which argparse takes."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    today = set(re.findall(r"--[a-z0-9_]+", capsys.readouterr().out.split("example:")[0]))
    assert len(today) > 5
    gone = former_flags(command)
    assert len(gone) > 5
    clashes = [old for old in gone for new in today if new.startswith(old)]
    assert clashes == []
    for name, flag in gone.items():
        assert re.fullmatch("--[a-z0-9_]+", name)
        assert flag.instead and "\n" not in flag.instead


def test_flag_without_its_value_is_answered(tmp_path: Path) -> None:
    """At the end of the line, or before the next flag."""
    for typed in (["--output_format"], ["--output_format", f"--output_file={tmp_path / 'm'}"]):
        with pytest.raises(UsageError, match="convert has no --output_format"):
            without_former_flags(["convert", *typed])
