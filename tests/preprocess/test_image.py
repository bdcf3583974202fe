"""Image files of every mode, and broken ones."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_files import LimitFiles
from PIL import Image

from validation.errors import DatasetError
from validation.preprocess.image import load_rgb, shown_otherwise, stored_image


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all examples of a property may share."""
    return tmp_path_factory.mktemp("images")


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Length, name, data and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 12), width=st.integers(1, 12))
def test_rgb_comes_back_as_it_was_stored(scratch: Path, seed: int, height: int, width: int) -> None:
    """Rows stay rows and red stays red, in an array that may be written to."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(scratch / "rgb.png")
    loaded = load_rgb(scratch / "rgb.png")
    np.testing.assert_array_equal(loaded, pixels)
    assert loaded.dtype == np.uint8
    assert loaded.flags.writeable


@pytest.mark.parametrize(
    ("mode", "colour", "rgb", "suffix"),
    [
        ("L", 200, (200, 200, 200), "png"),
        ("1", 1, (255, 255, 255), "png"),
        ("LA", (90, 10), (90, 90, 90), "png"),
        ("RGBA", (10, 20, 30, 0), (10, 20, 30), "png"),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255), "tif"),
    ],
)
def test_every_mode_becomes_rgb(
    tmp_path: Path,
    mode: str,
    colour: int | tuple[int, ...],
    rgb: tuple[int, int, int],
    suffix: str,
) -> None:
    """Grey is repeated, CMYK converted, alpha dropped: not blended with a background."""
    path = tmp_path / f"image.{suffix}"
    Image.new(mode, (3, 2), colour).save(path)
    loaded = load_rgb(path)
    assert loaded.shape == (2, 3, 3)
    assert (loaded == rgb).all()


@pytest.mark.parametrize("transparency", [None, 1, b"\x00\x80"])
def test_a_palette_is_looked_up(tmp_path: Path, transparency: int | bytes | None) -> None:
    """With alpha in the palette or without, and without a warning."""
    image = Image.new("P", (2, 1))
    image.putpalette([1, 2, 3, 40, 50, 60])
    image.putdata([0, 1])
    options: dict[str, Any] = {} if transparency is None else {"transparency": transparency}
    image.save(tmp_path / "palette.png", **options)
    assert load_rgb(tmp_path / "palette.png").tolist() == [[[1, 2, 3], [40, 50, 60]]]


def test_exif_orientation_is_not_applied(tmp_path: Path) -> None:
    """An image said to lie on its side keeps its stored height and width."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert load_rgb(tmp_path / "turned.jpg").shape == (4, 8, 3)
    assert shown_otherwise(tmp_path / "turned.jpg")


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@given(st.dictionaries(st.integers(0, 80), st.integers(0, 255), max_size=6))
def test_damaged_exif_asks_for_nothing(changes: dict[int, int]) -> None:
    """Whatever stands in the tag and around it, the answer is yes or no."""
    exif = Image.Exif()
    exif[0x0112] = 1
    stored = io.BytesIO()
    Image.new("RGB", (8, 4)).save(stored, "JPEG", exif=exif)
    data = bytearray(stored.getvalue())
    start = data.index(b"Exif") + 6
    for place, value in changes.items():
        if start + place < len(data):
            data[start + place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        path.write_bytes(data)
        assert shown_otherwise(path) in (True, False)
        if not changes:
            assert not shown_otherwise(path)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    """The message names the file and what to check."""
    with pytest.raises(DatasetError, match=r"the image is not there \(.*none\.jpg\).*annotations"):
        load_rgb(tmp_path / "none.jpg")


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    """Half a JPEG is refused, not filled up with grey."""
    path = tmp_path / "half.jpg"
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DatasetError, match=r"the image cannot be read \(.*half\.jpg\)"):
        load_rgb(path)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(8, 10_000), byte=st.integers(0, 255))
def test_a_damaged_file_gives_an_image_or_a_named_refusal(
    scratch: Path, place: int, byte: int
) -> None:
    """No other error escapes, wherever one byte of a PNG is changed."""
    path = scratch / "damaged.png"
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(path)
    data = bytearray(path.read_bytes())
    data[8 + place % (len(data) - 8)] = byte
    path.write_bytes(data)
    try:
        loaded = load_rgb(path)
    except DatasetError as error:
        assert "damaged.png" in str(error)
    else:
        assert loaded.ndim == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "number.gif",
            b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\x0d\1\0\0;",
            id="Pillow's ValueError",
        ),
        # One pixel's header, a data chunk cut short, and zeros where the next chunk's name is.
        pytest.param(
            "chunk.png",
            b"\x89PNG\r\n\x1a\n"
            + png_chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
            + png_chunk(b"IDAT", zlib.compress(bytes(4))[:3])
            + bytes(12),
            id="Pillow's SyntaxError",
        ),
    ],
)
def test_damage_that_pillow_reports_otherwise_is_named(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """A code of too many bits in a GIF, a chunk without a name in a PNG."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=rf"the image cannot be read \(.*{name}\)"):
        load_rgb(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"an empty file .*page\.jpg"),
        (b"<html>404</html>", r"a web page .*page\.jpg.*download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\nsize 9\n", r"of 9 bytes.*git lfs pull"),
        (b"not found", r"cannot be read.*page\.jpg.*fetch the file again"),
    ],
)
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """As a failed download or a checkout without Git LFS leaves it."""
    path = tmp_path / "page.jpg"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        load_rgb(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("eps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        ("netpbm.png", b"P6 1 1 255 abc"),
        ("icon.png", b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x04\0\0\0\x16\0\0\0abcd"),
    ],
)
def test_formats_are_those_of_a_list(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever a file is called; EPS would be handed to another program."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=r"expected an image: JPEG, PNG, BMP, WEBP, GIF, TIFF"):
        load_rgb(tmp_path / name)
    with pytest.raises(DatasetError, match=r"expected an image: JPEG"):
        stored_image(content)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "gif", "tif"])
def test_every_format_of_the_list_is_read(tmp_path: Path, suffix: str) -> None:
    """With its size from the header, of a file and of bytes."""
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (7, 5), (10, 200, 30)).save(path)
    assert load_rgb(path).shape == (5, 7, 3)
    assert stored_image(path) == stored_image(path.read_bytes())
    assert stored_image(path).size == (7, 5)


def test_pixels_are_bounded_by_the_policy(tmp_path: Path, limit_files: LimitFiles) -> None:
    """By the header, before one is decoded; as many as the policy says are."""
    Image.new("RGB", (1000, 1000)).save(tmp_path / "a.png")
    limit_files(read_image_megapixels=1)
    assert load_rgb(tmp_path / "a.png").shape == (1000, 1000, 3)
    limit_files(read_image_megapixels=0.9)
    for read in (load_rgb, stored_image):
        with pytest.raises(DatasetError, match=r"too many pixels .*1000 x 1000 pixels.*smaller"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1"])
def test_strips_give_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A large image is converted in pieces, which nobody can see."""
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (37, 23, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    whole = load_rgb(path)
    monkeypatch.setattr("validation.preprocess.image._STRIP_PIXELS", 100)
    monkeypatch.setattr("validation.preprocess.image._ALONE_PIXELS", 10)
    np.testing.assert_array_equal(load_rgb(path), whole)


@pytest.mark.parametrize("limit", [100, 500])
def test_an_image_too_large_to_be_true_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Pillow's error beyond twice the limit, its warning beyond once: both become ours."""
    Image.new("RGB", (30, 30)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DatasetError, match=r"cannot be read.*bomb\.png"):
        load_rgb(tmp_path / "bomb.png")


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint16, "png"), (np.float32, "tif")])
def test_more_than_eight_bits_are_refused(tmp_path: Path, dtype: type, suffix: str) -> None:
    """Pillow would clip them at 255 without a word."""
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(np.full((2, 2), 1000, dtype)).save(path)
    with pytest.raises(DatasetError, match=rf"more than 8 bits a channel.*deep\.{suffix}"):
        load_rgb(path)
