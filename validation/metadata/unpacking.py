"""From a .tflite file to its metadata and the label files packed behind the model."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

from validation.errors import ConversionError
from validation.files.guard import guarded
from validation.files.zips import open_zip
from validation.metadata.model_metadata import METADATA_NAME, ModelMetadata
from validation.metadata.reader import parse_metadata
from validation.tflite.model import UnpackedModel, read_model

# The longest label list of the zoo has 601 names; a ZIP can claim any size.
_MOST_LABEL_BYTES = 1 << 20

# Others are unpacked without a bound, and no app's library reads them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_metadata(path: Path) -> ModelMetadata | None:
    """The metadata of a .tflite file, with the lines of its label files.

    Args:
        path: The file; a ZIP archive may follow the model, where a label file is named it must.

    Returns:
        None where the file has no metadata.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
        ConversionError: Not a TFLite flatbuffer, or damage in model, metadata or archive.
    """
    return metadata_of(read_model(path))


def metadata_of(model: UnpackedModel) -> ModelMetadata | None:
    """`read_metadata` of a file that is open already."""
    buffer = metadata_buffer_of(model)
    if buffer is None:
        return None
    lines_of = cache(lambda name: _label_lines(model.content, name, model.name))
    return parse_metadata(buffer, model.name, lines_of)


def metadata_buffer_of(model: UnpackedModel) -> bytes | None:
    """The metadata flatbuffer of a .tflite file, or None."""
    for entry in model.root.metadata or ():
        if entry.name == METADATA_NAME:
            data = model.root.buffers[entry.buffer].data
            return b"" if data is None else bytes(data)
    return None


def _label_lines(data: bytes, name: str, where: str) -> tuple[str, ...]:
    """The lines of a label file in the archive behind the model."""
    with guarded(
        ConversionError,
        f"the label file {name!r} that the metadata names cannot be read",
        expected="a ZIP archive behind the model that holds it",
        where=where,
    ):
        with open_zip(data) as archive:
            method = archive.getinfo(name).compress_type
            if method not in _METHODS:
                raise NotImplementedError(f"compression method {method}")
            with archive.open(name) as file:
                content = file.read(_MOST_LABEL_BYTES + 1)
        if len(content) > _MOST_LABEL_BYTES:
            raise ValueError(f"more than {_MOST_LABEL_BYTES} bytes of labels")
        text = content.decode("utf-8-sig")
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
