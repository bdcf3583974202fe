"""The images that ship with the package have a name on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.cli.bundled import calibration_place, labelled_places
from validation.zoo.bundled_files import calibration_scenes, labelled_scenes


def test_by_the_name_of_their_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labelled scenes, and those to calibrate with."""
    monkeypatch.chdir(tmp_path)
    assert labelled_places(Path("bundled"), None) == labelled_scenes()
    assert calibration_place(Path("bundled")) == calibration_scenes()


def test_a_path_of_that_name_is_what_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is any other path, and a folder of images beside it."""
    monkeypatch.chdir(tmp_path)
    own, images = Path("own.json"), Path("images")
    assert labelled_places(own, None) == (own, None)
    assert labelled_places(Path("bundled"), images) == (Path("bundled"), images)
    Path("bundled").mkdir()
    assert labelled_places(Path("bundled"), None) == (Path("bundled"), None)
    assert calibration_place(Path("bundled")) == Path("bundled")
