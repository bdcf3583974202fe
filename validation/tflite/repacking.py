"""The tables of a .tflite file as a file again, with the archive that followed the original."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from validation.errors import ConversionError
from validation.files.guard import faults, said
from validation.files.zips import open_zip
from validation.tflite.model import MODEL, UnpackedModel

# Label files and vocabularies; a ZIP can claim any size.
_MOST_ARCHIVE_BYTES = 16 << 20


def repack(model: UnpackedModel, root: Any) -> bytes:
    """The bytes of a file with other tables.

    Args:
        model: The file as it was; its archive of label files comes along.
        root: The schema's Model that takes the place of its own.

    Raises:
        ConversionError: A file that keeps its weights outside of its flatbuffer, or an archive
            that cannot be read.
    """
    refuse_outside(model)
    content = MODEL.pack(root)
    try:
        return _with_archive_of(model.content, content)
    except faults() as error:
        raise model.damage(f"the archive behind the model: {said(error)}") from error


def refuse_outside(model: UnpackedModel) -> None:
    """Files beyond 2 GB keep weights after the flatbuffer, at positions that would change.

    Raises:
        ConversionError: The file is one of them.
    """
    buffers = any(buffer.offset > 1 for buffer in model.root.buffers)
    options = any(
        operator.large_custom_options_offset > 1
        for graph in model.root.subgraphs
        for operator in graph.operators or ()
    )
    if buffers or options:
        raise ConversionError(
            "nothing is written into a file that keeps its weights outside of its flatbuffer",
            where=model.name,
            next_step="convert it again as a file below 2 GB",
        )


def _with_archive_of(original: bytes, content: bytes) -> bytes:
    """Positions in such an archive count from the file's start, so it is written anew."""
    if not zipfile.is_zipfile(io.BytesIO(original)):
        return content
    whole = io.BytesIO(content)
    whole.seek(0, io.SEEK_END)
    left = _MOST_ARCHIVE_BYTES
    with (
        open_zip(original) as old,
        zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as new,
    ):
        for about in old.infolist():
            with old.open(about) as file:
                data = file.read(left + 1)
            left -= len(data)
            if left < 0:
                raise ValueError(f"more than {_MOST_ARCHIVE_BYTES:,} bytes")
            new.writestr(about, data)
    return whole.getvalue()
