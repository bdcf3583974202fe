"""Metadata of other tools is read, and no bytes raise anything but one clear error."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ArtefactMissing, ConversionError
from validation.metadata.class_labels import labels_of
from validation.metadata.model_metadata import METADATA, ModelMetadata
from validation.metadata.reader import parse_metadata
from validation.metadata.unpacking import metadata_buffer_of, metadata_of, read_metadata
from validation.metadata.writer import metadata_buffer
from validation.tflite.model import read_model

_FOREIGN = (Path(__file__).parents[1] / "data" / "metadata" / "foreign.tflite").read_bytes()
_BUFFER = metadata_buffer_of(read_model(_FOREIGN, "foreign.tflite")) or b""


def _metadata_in(content: bytes) -> ModelMetadata | None:
    return metadata_of(read_model(content, "x.tflite"))


def test_other_tools_metadata_means_ours(data: Path, metadata: ModelMetadata) -> None:
    """What tflite-support's writer says of the same detector is all that ours says."""
    assert read_metadata(data / "foreign.tflite") == metadata
    assert parse_metadata(metadata_buffer(metadata)) == parse_metadata(_BUFFER)


def test_file_without_metadata(data: Path) -> None:
    """None, which is not an error; the converter's own metadata is another."""
    assert read_metadata(data / "tiny.tflite") is None


def test_no_file(tmp_path: Path) -> None:
    """Nothing there, or a folder."""
    for path in (tmp_path / "none.tflite", tmp_path):
        with pytest.raises(ArtefactMissing, match=r"no \.tflite file"):
            read_metadata(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4" * 9, b"<html></html>"])
def test_other_format(content: bytes) -> None:
    """Said to be another format, with what was found."""
    with pytest.raises(ConversionError, match="not a TFLite flatbuffer"):
        _metadata_in(content)
    with pytest.raises(
        ConversionError, match=r"metadata flatbuffer \(x\): expected identifier M001"
    ):
        parse_metadata(content, "x")


@settings(deadline=None)
@given(st.integers(0, len(_BUFFER) - 1))
def test_cut_metadata(length: int) -> None:
    """A buffer that ends early is read where its end is only filling, else refused."""
    with suppress(ConversionError):
        assert isinstance(parse_metadata(_BUFFER[:length]), ModelMetadata)


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some words overwritten: offsets that lead out, back, or to themselves, and huge counts."""
    content = bytearray(whole)
    words = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 64), st.just(2**31 - 1))
    places = st.integers(0, len(whole) // 4 - 1)
    for place in draw(st.lists(places, min_size=1, max_size=6)):
        content[4 * place : 4 * place + 4] = struct.pack("<I", draw(words))
    content[4:8] = whole[4:8]
    return bytes(content)


@settings(deadline=None)
@given(_damaged(_BUFFER))
def test_damaged_metadata(content: bytes) -> None:
    """Either something is read, or it is one error that says damage."""
    try:
        assert isinstance(parse_metadata(content), ModelMetadata)
    except ConversionError as error:
        assert "the TFLite metadata flatbuffer is damaged (metadata): got " in str(error)


@settings(deadline=None)
@given(_damaged(_FOREIGN))
def test_damaged_file(content: bytes) -> None:
    """The model around the metadata and the archive behind it are no safer."""
    with suppress(ConversionError):
        _metadata_in(content)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    """Behind the right identifiers, too."""
    for read, name in ((_metadata_in, b"TFL3"), (parse_metadata, b"M001")):
        with suppress(ConversionError):
            read(content[:4] + name + content[4:])


def test_metadata_that_unfolds_without_end_is_refused() -> None:
    """Thousands of offsets to one long text: a short buffer that would be read as a gigabyte."""
    count, length = 4000, 60000
    names = [METADATA.table("TensorGroup")(tensor_names=["a" * length, *["b"] * count])]
    graph = METADATA.table("SubGraphMetadata")(output_tensor_groups=names)
    content = METADATA.pack(METADATA.table("ModelMetadata")(subgraph_metadata=[graph]))
    start = content.index(struct.pack("<I", count + 1)) + 4
    (first,) = struct.unpack_from("<I", content, start)
    offsets = (first - 4 * index for index in range(count + 1))
    shared = struct.pack(f"<{count + 1}I", *offsets)
    hostile = content[:start] + shared + content[start + len(shared) :]
    with pytest.raises(ConversionError, match="unfolds to more than 4 times the file"):
        parse_metadata(hostile)


def _with_archive(archive: bytes) -> bytes:
    """The foreign file with another archive behind its model."""
    return _FOREIGN[: _FOREIGN.index(b"PK\3\4")] + archive


def _archive(content: bytes, name: str = "labelmap.txt", method: int = zipfile.ZIP_STORED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr(name, content)
    return whole.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        _archive(b"ball\n")[:-5],
        _archive(b"ball\n", name="labels.txt"),
        _archive(b"\xff\xfe"),
        _archive(b"ball\n" * 10**6, method=zipfile.ZIP_DEFLATED),
        _archive(b"ball\n" * 99, method=zipfile.ZIP_LZMA),
        _archive(b"ball\n").replace(b"ball", b"hall"),
    ],
    ids=["none", "torn", "other name", "no UTF-8", "too much", "LZMA", "checksum"],
)
def test_labels_that_cannot_be_read(archive: bytes) -> None:
    """The file is named, and what its metadata promises."""
    with pytest.raises(ConversionError, match=r"label file 'labelmap\.txt' .* \(x\.tflite\)"):
        _metadata_in(_with_archive(archive))


@pytest.mark.parametrize("content", [b"a\nb", b"a\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n"])
def test_forms_of_label_files(content: bytes) -> None:
    """With and without a last line break, as Windows writes it, and with its mark of UTF-8."""
    archive = _archive(content, method=zipfile.ZIP_DEFLATED)
    found = _metadata_in(_with_archive(archive))
    assert found is not None
    labels = labels_of(found)
    assert labels is not None
    assert labels.names == ("a", "b")
