"""Put metadata into a .tflite file, and its label files behind the model."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from validation.errors import ArtefactError, ConversionError
from validation.files.atomic import write_bytes_atomic
from validation.metadata.model_metadata import ModelMetadata, PackedFile
from validation.metadata.schema_fields import METADATA_NAME
from validation.metadata.unpacking import metadata_buffer_of
from validation.metadata.writer import metadata_buffer
from validation.runtimes.tflite_file import DAMAGE, tflite_bytes

# TFLite's schema wants it of buffers: kernels read them in place as vectors of that size.
_BUFFER_ALIGNMENT = 16

# The first that a ZIP can tell; any other would be that of the day.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """The generated Pack() forgets the schema's force_align; this one aligns all bytes."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
        """See `flatbuffers.Builder.StartVector`."""
        least = _BUFFER_ALIGNMENT if elemSize == 1 else 1
        return super().StartVector(elemSize, numElems, max(alignment, least))


def write_with_metadata(source: Path, metadata: ModelMetadata, target: Path) -> Path:
    """Write a copy of a .tflite file with metadata, whole or not at all.

    Args:
        source: The file as it was converted; older metadata is replaced.
        metadata: See `embed`.
        target: The file to write; may be the source. Its folder is made.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: See `embed`.
        ArtefactError: The target cannot be written.
    """
    content = embed(tflite_bytes(source), metadata, source.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(
            "the folder cannot be made", got=error.strerror, where=target.parent
        ) from error
    write_bytes_atomic(target, content)
    return target


def embed(model: bytes, metadata: ModelMetadata, where: str) -> bytes:
    """The bytes of a .tflite file with metadata in it.

    Weights, operators and other metadata, such as min_runtime_version, stay as they are: the
    file runs as before. Files that an older metadata had packed behind the model are left out.

    Args:
        model: The bytes of a .tflite file.
        metadata: Label files with lines are packed; the same facts give the same bytes.
        where: For messages.

    Raises:
        ConversionError: No TFLite flatbuffer, a damaged one, one that keeps its weights
            outside of it, or metadata that tells of another number of inputs or outputs.
    """
    metadata_buffer_of(model, where)  # refuses what is no flatbuffer of TFLite
    try:
        unpacked = schema.ModelT.InitFromPackedBuf(model, 0)
        _refuse_outside(unpacked, where)
        _refuse_other_ends(unpacked.subgraphs[0], metadata, where)
        _set_buffer(unpacked, metadata_buffer(metadata))
        builder = _AlignedBuilder(len(model) + 4096)
        builder.Finish(unpacked.Pack(builder), b"TFL3")
    except DAMAGE as error:
        raise ConversionError(
            "the TFLite flatbuffer is damaged", got=repr(error), where=where
        ) from error
    return _with_files(bytes(builder.Output()), metadata)


def _refuse_outside(model: Any, where: str) -> None:
    """Files beyond 2 GB keep weights after the flatbuffer; positions would not be true any more."""
    buffers = any(buffer.offset > 1 for buffer in model.buffers)
    options = any(
        operator.largeCustomOptionsOffset > 1
        for graph in model.subgraphs
        for operator in graph.operators
    )
    if buffers or options:
        raise ConversionError(
            "metadata cannot be put into a file whose weights stand outside of its flatbuffer",
            where=where,
        )


def _refuse_other_ends(graph: Any, metadata: ModelMetadata, where: str) -> None:
    """Readers match metadata with inputs and outputs by position, and refuse another number."""
    found = (len(graph.inputs), len(graph.outputs))
    told = (len(metadata.inputs), len(metadata.outputs))
    if told != found:
        raise ConversionError(
            "the metadata is of another model",
            expected=f"{found[0]} inputs and {found[1]} outputs",
            got=f"{told[0]} and {told[1]}",
            where=where,
        )


def _set_buffer(model: Any, content: bytes) -> None:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    for entry in model.metadata or []:
        if entry.name == METADATA_NAME.encode():
            model.buffers[entry.buffer] = buffer
            return
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


def _with_files(model: bytes, metadata: ModelMetadata) -> bytes:
    """The model with an archive of its label files behind it, positions from the file's start."""
    files = {file.name: file for file in _label_files(metadata)}
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


def _label_files(metadata: ModelMetadata) -> list[PackedFile]:
    return [
        file
        for tensor in (*metadata.inputs, *metadata.outputs)
        for file in tensor.files
        if file.lines
    ]
