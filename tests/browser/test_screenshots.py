"""The tool that draws the pictures of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
import screenshots
from PIL import Image


@pytest.mark.usefixtures("chromium")
def test_pictures_of_a_run(
    shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file for each page that the run has, small enough and of the size that was asked for."""
    monkeypatch.setattr(screenshots, "IMAGES", tmp_path)
    assert screenshots.main([str(shown / "fail")]) == 0
    assert "report.webp: " in capsys.readouterr().out
    assert {path.stem for path in tmp_path.iterdir()} == {each.name for each in screenshots.SHOTS}
    for shot in screenshots.SHOTS:
        path = tmp_path / f"{shot.name}.webp"
        assert path.stat().st_size <= 150_000
        with Image.open(path) as image:
            assert image.size == (shot.width * shot.scale, shot.height * shot.scale)


def test_pictures_of_the_documentation() -> None:
    """Each is drawn by the tool, and below 150 kB."""
    names = {f"{each.name}.webp" for each in screenshots.SHOTS}
    for path in screenshots.IMAGES.glob("*.webp"):
        assert path.name in names
        assert path.stat().st_size <= 150_000
