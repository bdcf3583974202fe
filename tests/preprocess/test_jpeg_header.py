"""A JPEG's first bytes tell what Pillow tells of the file, or nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.errors import DatasetError
from validation.preprocess.image import StoredImage, stored_image
from validation.preprocess.jpeg_header import HEAD_BYTES, plain_jpeg_size


def _jpeg(mode: str = "RGB", size: tuple[int, int] = (40, 30), **saving: Any) -> bytes:
    with io.BytesIO() as stream:
        Image.new(mode, size, 90).save(stream, "JPEG", **saving)
        return stream.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _jpeg(exif=exif)


def _edited(segment: bytes, at: int, new: bytes, *, inserted: int = 0) -> bytes:
    """A JPEG whose segment has other bytes behind its marker and length."""
    data = bytearray(_jpeg())
    start = data.index(segment)
    length = int.from_bytes(data[start + 2 : start + 4], "big") + inserted
    data[start + 2 : start + 4] = length.to_bytes(2, "big")
    data[start + 4 + at : start + 4 + at + len(new) - inserted] = new
    return bytes(data)


_PLAIN = {
    "colour": _jpeg(),
    "grey": _jpeg("L"),
    "four inks": _jpeg("CMYK"),
    "progressive": _jpeg(progressive=True),
    "a comment": _jpeg(comment=b"drawn"),
    "restarts": _jpeg(restart_marker_rows=1),
    "long": _jpeg(size=(65500, 1)),
}
_OTHERS = {
    "turned": _turned(),
    "a colour profile": _jpeg(icc_profile=b"profile" * 20),
    "XMP": _jpeg(xmp=b"<x/>"),
    "a long comment": _jpeg(comment=b"x" * HEAD_BYTES),
    "cut off": _jpeg()[:100],
    "a head alone": _jpeg()[:3],
    "nothing": b"",
    "twelve bits": _edited(b"\xff\xc0", 0, b"\x0c"),
    "two components": _edited(b"\xff\xc0", 5, b"\x02"),
    "no height": _edited(b"\xff\xc0", 1, b"\0\0"),
    "a long frame": _edited(b"\xff\xc0", 6, b"\0", inserted=1),
    "wide tables": _edited(b"\xff\xdb", 0, b"\x10"),
    "a short table": _edited(b"\xff\xdb", 0, b"\0", inserted=1),
    "a short name": _edited(b"\xff\xe0", 0, b"JFXX"),
    "another format": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("data", _PLAIN.values(), ids=_PLAIN)
def test_plain_ones_are_read(data: bytes) -> None:
    """Without Pillow, as most images of a data set are."""
    with Image.open(io.BytesIO(data)) as image:
        assert plain_jpeg_size(data[:HEAD_BYTES]) == image.size


@pytest.mark.parametrize("data", _OTHERS.values(), ids=_OTHERS)
def test_others_are_left_to_pillow(data: bytes) -> None:
    """What may turn an image, what is not in the head, and what is no JPEG."""
    assert plain_jpeg_size(data[:HEAD_BYTES]) is None


@settings(max_examples=600, deadline=None)
@given(
    name=st.sampled_from([*_PLAIN, *_OTHERS]),
    changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 900),
)
def test_damage_is_what_pillow_says_it_is(
    name: str, changes: list[tuple[int, int]], cut: int
) -> None:
    """Whatever bytes a header has: a size is given only where Pillow gives it too."""
    damaged = bytearray((_PLAIN | _OTHERS)[name])
    for at, value in changes:
        if at < len(damaged):
            damaged[at] = value
    head = bytes(damaged[: max(cut, 1)] if cut < 700 else damaged)
    size = plain_jpeg_size(head[:HEAD_BYTES])
    if size is not None:
        assert stored_image(head) == StoredImage(size, 1, "JPEG")


def test_of_a_file_both_ways_are_one(tmp_path: Path) -> None:
    """Size, orientation and format; a file that is turned, or no image, is Pillow's to read."""
    for number, data in enumerate([*_PLAIN.values(), _OTHERS["turned"], _OTHERS["XMP"]]):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(data)
        assert stored_image(path) == stored_image(data)
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DatasetError, match="the image cannot be read"):
        stored_image(path)


def test_more_pixels_than_are_decoded_are_refused(tmp_path: Path) -> None:
    """Also where the head alone would tell the size."""
    data = bytearray(_jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\x1f\x40" * 2
    path = tmp_path / "vast.jpg"
    path.write_bytes(data)
    assert plain_jpeg_size(bytes(data)) == (8_000, 8_000)
    with pytest.raises(DatasetError, match="the image has too many pixels"):
        stored_image(path)
