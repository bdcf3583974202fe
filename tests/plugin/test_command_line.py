"""The options of a session are kept as they can be typed again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

import pytest

from validation.plugin.command_line import command_line
from validation.plugin.options import add_options
from validation.record.run import CommandOption


class _Config:
    """Answers as pytest's configuration does, for the harness's own options."""

    def __init__(self, *typed: str) -> None:
        parser = argparse.ArgumentParser()
        add_options(parser.add_argument)
        # Of pytest-xdist, where it is installed.
        parser.add_argument("-n", dest="numprocesses", type=int)
        self.options = vars(parser.parse_args(typed))

    def getoption(self, flag: str, default: object = None) -> Any:
        """By its flag."""
        return self.options.get(flag.removeprefix("--").replace("-", "_"), default)


def _kept(*typed: str) -> list[str]:
    options = command_line(cast("pytest.Config", _Config(*typed)))
    assert all(isinstance(each, CommandOption) for each in options)
    return [f"{each.flag}={each.value}" for each in options]


def test_nothing_is_kept_of_defaults() -> None:
    """Where things are kept and how checks are run changes no figure."""
    assert _kept() == []
    assert _kept("--zoo=bundled", "--offline", "--one-process", "--require=pass") == []


def test_each_value_is_one_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated options once for each value; files as they were named."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.tflite", "b.tflite", "own.toml"):
        Path(name).touch()
    assert _kept(
        "--candidate=a.tflite,b.tflite",
        "--reference=none",
        "--zoo=my models",
        "--model=x*",
        "--model=y",
        "--variant=int8",
        "--input-stats=guide",
        "--feed=quantised",
        "--box-format=xyxy",
        "--max-images=50",
    ) == [
        "--zoo=my models",
        "--model=x*",
        "--model=y",
        "--variant=int8",
        "--candidate=a.tflite",
        "--candidate=b.tflite",
        "--reference=none",
        "--feed=quantised",
        "--box-format=xyxy",
        "--max-images=50",
        "--input-stats=128/127",
    ]


def test_what_moves_a_verdict_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline, by which a check judges, and workers, beside which latency is not measured."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "night").mkdir()
    assert _kept("--baseline=night", "-n", "2") == ["--baseline=night", "--numprocesses=2"]
    assert _kept("-n", "0") == []


def test_the_users_name_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below the own folder is kept by its tilde, others as they are."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "images").mkdir()
    assert _kept("--coco-images=~/images") == ["--coco-images=~/images"]
    assert _kept("--coco-images=/") == ["--coco-images=/"]
