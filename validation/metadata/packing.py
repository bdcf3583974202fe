"""Put metadata into a .tflite file, and its label files behind the model."""

from __future__ import annotations

import copy
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from validation.errors import ConversionError
from validation.files.atomic import write_bytes_atomic
from validation.metadata.model_metadata import METADATA_NAME, ModelMetadata
from validation.metadata.writer import metadata_buffer
from validation.tflite.model import MODEL, UnpackedModel, read_model
from validation.tflite.repacking import refuse_outside

# The first date that a ZIP can have; any other would differ from day to day.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


def write_with_metadata(source: Path, metadata: ModelMetadata, target: Path) -> Path:
    """Write a copy of a .tflite file with metadata, whole or not at all.

    Args:
        source: The file as it was converted; older metadata is replaced.
        metadata: See `embed`.
        target: The file to write; may be the source. Its folder is made.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: See `read_model` and `embed`.
        ArtefactError: The target cannot be written.
    """
    write_bytes_atomic(target, embed(read_model(source), metadata), make_folder=True)
    return target


def embed(model: UnpackedModel, metadata: ModelMetadata) -> bytes:
    """The bytes of a .tflite file with metadata in it.

    Weights, operators and other metadata, such as min_runtime_version, stay as they are: the
    file runs as before. Files that an older metadata had packed behind the model are left out.

    Args:
        model: The file.
        metadata: Label files with lines are packed; the same facts give the same bytes.

    Raises:
        ConversionError: A file that keeps its weights outside of its flatbuffer, or metadata
            that describes another number of inputs or outputs.
    """
    refuse_outside(model)
    _refuse_other_numbers(model, metadata)
    root = copy.copy(model.root)
    _set_buffer(root, metadata_buffer(metadata))
    return _with_files(MODEL.pack(root), metadata)


def _refuse_other_numbers(model: UnpackedModel, metadata: ModelMetadata) -> None:
    """Readers match metadata with inputs and outputs by position, and refuse another number."""
    in_file = (len(model.graph.inputs), len(model.graph.outputs))
    described = (len(metadata.inputs), len(metadata.outputs))
    if described != in_file:
        raise ConversionError(
            "the metadata is of another model",
            expected=f"{in_file[0]} inputs and {in_file[1]} outputs",
            got=f"{described[0]} and {described[1]}",
            where=model.name,
        )


def _set_buffer(root: Any, content: bytes) -> None:
    buffer = MODEL.table("Buffer")(data=np.frombuffer(content, np.uint8))
    root.buffers = list(root.buffers)
    for entry in root.metadata or ():
        if entry.name == METADATA_NAME:
            root.buffers[entry.buffer] = buffer
            return
    entry = MODEL.table("Metadata")(name=METADATA_NAME, buffer=len(root.buffers))
    root.buffers.append(buffer)
    root.metadata = [*(root.metadata or ()), entry]


def _with_files(model: bytes, metadata: ModelMetadata) -> bytes:
    """The model with an archive of its label files behind it, positions from the file's start."""
    tensors = (*metadata.inputs, *metadata.outputs)
    files = {file.name: file for tensor in tensors for file in tensor.files if file.lines}
    if not files:
        return model
    whole = io.BytesIO(model)
    whole.seek(0, io.SEEK_END)
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files.items():
            about = zipfile.ZipInfo(name, _DATE)
            about.create_system, about.external_attr = _UNIX, _READABLE
            archive.writestr(about, "".join(f"{line}\n" for line in file.lines))
    return whole.getvalue()
