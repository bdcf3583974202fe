"""The list of canaries is read whole, each image compared with its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from validation.errors import CatalogueError, IntegrityError
from validation.zoo.canaries import Canary, load_canaries

_IMAGE = b"pretends to be an image"
_SHA256 = hashlib.sha256(_IMAGE).hexdigest()
_ENTRY = f"""\
[[canary]]
file = "a.jpg"
sha256 = "{_SHA256}"
label = "person"
box = [0.1, 0, 1, 0.5]
origin = "somebody"
licence = "CC0-1.0"
"""


def _list(folder: Path, text: str) -> Path:
    (folder / "a.jpg").write_bytes(_IMAGE)
    path = folder / "canaries.toml"
    path.write_text(text)
    return path


def test_entry_is_read(tmp_path: Path) -> None:
    """Path beside the list, box as floats, origin and licence as written."""
    assert load_canaries(_list(tmp_path, _ENTRY)) == (
        Canary(tmp_path / "a.jpg", "person", (0.1, 0.0, 1.0, 0.5), "somebody", "CC0-1.0"),
    )


def test_shipped_canaries() -> None:
    """Each is there, is no square, and may be passed on."""
    canaries = load_canaries()
    assert len(canaries) >= 2
    assert len({canary.path.name for canary in canaries}) == len(canaries)
    for canary in canaries:
        with Image.open(canary.path) as image:
            assert image.width != image.height
        assert canary.licence


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('label = "person"\n', "", "'label' is missing .*canary 1"),
        ('label = "person"\n', 'label = "person"\nmood = 1\n', "unknown key 'mood'"),
        (
            "[0.1, 0, 1, 0.5]",
            "[0.1, 0, 1]",
            r"box is wrong .*canary 1\): expected a list of 4, got \[0.1, 0, 1\]",
        ),
        ("[0.1, 0, 1, 0.5]", "5", "box is wrong"),
        ("[0.1, 0, 1, 0.5]", '["a", 0, 1, 0.5]', "box 1 is wrong"),
        ("[0.1, 0, 1, 0.5]", "[1, 0, 0.1, 0.5]", "from 0 to 1, low before high"),
        ("[0.1, 0, 1, 0.5]", "[0.1, 0, 100, 50]", "from 0 to 1, low before high"),
        ("[0.1, 0, 1, 0.5]", "[0.1, 0, nan, 0.5]", "box 3 is wrong.*a finite number"),
        ("[[canary]]", "[[bird]]", r"unknown key 'bird' \(canaries.toml\)"),
        (_ENTRY, "canary = 5\n", "canary is wrong .*a list, got 5"),
        ("[[canary]]", "= 1", "cannot be read"),
        (_ENTRY, "canary = []\n", "has no"),
        (_ENTRY, "canary = [5]\n", "canary 1 is wrong .*a table"),
    ],
)
def test_wrong_list(tmp_path: Path, old: str, new: str, message: str) -> None:
    """What is not said exactly is refused with its place."""
    assert old in _ENTRY
    with pytest.raises(CatalogueError, match=message):
        load_canaries(_list(tmp_path, _ENTRY.replace(old, new)))


def test_list_that_is_no_text(tmp_path: Path) -> None:
    """No file, and bytes that are no text, are told as such."""
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_canaries(tmp_path / "canaries.toml")
    (tmp_path / "canaries.toml").write_bytes(b"\xff")
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_canaries(tmp_path / "canaries.toml")


def test_another_image(tmp_path: Path) -> None:
    """An image that was edited or replaced is no known object any more."""
    path = _list(tmp_path, _ENTRY)
    (tmp_path / "a.jpg").write_bytes(_IMAGE + b"!")
    with pytest.raises(IntegrityError, match=rf"a\.jpg\): expected {_SHA256}, got [0-9a-f]{{64}}"):
        load_canaries(path)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(IntegrityError, match="got no file; install the package again"):
        load_canaries(path)
