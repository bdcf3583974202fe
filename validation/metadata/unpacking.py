"""From a .tflite file to its metadata and the label files packed behind the model."""

from __future__ import annotations

import io
import zipfile
import zlib
from functools import cache
from pathlib import Path

from validation.errors import ConversionError
from validation.metadata.flat_table import FlatTable
from validation.metadata.model_metadata import ModelMetadata
from validation.metadata.reader import parse_metadata
from validation.metadata.schema_fields import (
    METADATA_NAME,
    TfliteBufferField,
    TfliteField,
    TfliteMetadataField,
)
from validation.runtimes.tflite_file import DAMAGE, tflite_bytes

# The longest label list of the zoo has 601 names; a ZIP can claim any size.
_MOST_LABEL_BYTES = 1 << 20

# Others are unpacked without a bound, and no app's library reads them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What zipfile raises on archives that are torn, of an unknown method, encrypted, or lies.
_ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    *DAMAGE,
)


def read_metadata(path: Path) -> ModelMetadata | None:
    """The metadata of a .tflite file, with the lines of its label files.

    Args:
        path: The file; a ZIP archive may follow the model, where a label file is named it must.

    Returns:
        None where the file has no metadata.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
        ConversionError: No TFLite flatbuffer, or damage in model, metadata or archive.
    """
    return metadata_of(tflite_bytes(path), path.name)


def metadata_of(data: bytes, where: str) -> ModelMetadata | None:
    """`read_metadata` of a file's bytes."""
    buffer = metadata_buffer_of(data, where)
    if buffer is None:
        return None
    lines_of = cache(lambda name: _label_lines(data, name, where))
    return parse_metadata(buffer, where, lines_of)


def metadata_buffer_of(data: bytes, where: str) -> bytes | None:
    """The metadata flatbuffer that stands in a .tflite file's bytes, or None.

    Raises:
        ConversionError: No TFLite flatbuffer, or a damaged one.
    """
    if data[4:8] != b"TFL3":
        raise ConversionError(
            "the file is no TFLite flatbuffer",
            expected="identifier TFL3 at byte 4",
            got=f"{data[4:8]!r} in {len(data)} bytes",
            where=where,
        )
    try:
        model = FlatTable.root(data)
        for entry in model.tables(TfliteField.METADATA):
            if entry.text(TfliteMetadataField.NAME) == METADATA_NAME:
                buffer = model.nth(TfliteField.BUFFERS, entry.whole(TfliteMetadataField.BUFFER))
                return buffer.content(TfliteBufferField.DATA) or b""
    except DAMAGE as error:
        raise ConversionError(
            "the TFLite flatbuffer is damaged", got=repr(error), where=where
        ) from error
    return None


def _label_lines(data: bytes, name: str, where: str) -> tuple[str, ...]:
    """The lines of a label file in the archive behind the model."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            method = archive.getinfo(name).compress_type
            if method not in _METHODS:
                raise NotImplementedError(f"compression method {method}")
            with archive.open(name) as file:
                content = file.read(_MOST_LABEL_BYTES + 1)
        if len(content) > _MOST_LABEL_BYTES:
            raise ValueError(f"more than {_MOST_LABEL_BYTES} bytes of labels")
        text = content.decode("utf-8-sig")
    except _ZIP_DAMAGE as error:
        raise ConversionError(
            f"the label file {name!r} that the metadata names cannot be read",
            expected="a ZIP archive behind the model that holds it",
            got=error,
            where=where,
        ) from error
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
