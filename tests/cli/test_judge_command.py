"""``python -m validation judge``: what it hands to the suites, and what it refuses by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from validation.cli import judge, main

_HANDED = [
    (["a.tflite"], ["--candidate=a.tflite", "--reference=none"]),
    (["a.tflite", "g.pb", "-x"], ["--candidate=a.tflite", "--reference=g.pb", "-x"]),
    (
        ["a.tflite", "g.pb", "c.json", "--label-map", "l.txt"],
        ["--candidate=a.tflite", "--reference=g.pb", "--coco-annotations=c.json", "--label-map",
         "l.txt"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "handed"), _HANDED)
def test_what_comes_first_is_named_by_its_place(
    typed: list[str], handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, its reference and the labels; options behind them go on as they are."""
    seen: list[Sequence[str]] = []

    def run(arguments: Sequence[str], *, command: str, by_place: Sequence[str]) -> int:
        assert (command, len(by_place)) == ("judge", 3)
        seen.append(arguments)
        return 10

    monkeypatch.setattr(judge, "run", run)
    assert main(["judge", *typed]) == 10
    assert seen == [handed]


@pytest.mark.parametrize("typed", [[], ["--label-map", "coco"]])
def test_nothing_to_judge(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and pytest's exit code for wrong use."""
    assert main(["judge", *typed]) == 4
    assert capsys.readouterr().err.startswith("error: no file to judge: expected FILE.tflite first")


def test_a_fourth_place_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """It would be a folder of suites to pytest; people mean another file or their images."""
    assert main(["judge", "a.tflite", "g.pb", "c.json", "images", "-x"]) == 4
    said = capsys.readouterr().err
    assert "got 'images' as well" in said
    assert "--coco-images" in said


def test_what_is_said_names_this_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Its help, and no flag that was not typed."""
    assert main(["judge", "gone.tflite"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("error: no such file: gone.tflite; `python -m validation judge --help`")
