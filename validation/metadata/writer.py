"""From what metadata is to say to a metadata flatbuffer.

The same facts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import TypeVar

import flatbuffers
import numpy as np

from validation.metadata.model_metadata import (
    ContentType,
    ModelMetadata,
    Normalisation,
    PackedFile,
    TensorGroup,
    TensorMetadata,
)
from validation.metadata.schema_fields import (
    FIRST_VERSION,
    GROUPS_VERSION,
    IDENTIFIER,
    NORMALISATION_OPTIONS,
    BoxField,
    ContentField,
    FileField,
    GroupField,
    ImageField,
    ModelField,
    NormalisationField,
    PairField,
    StatsField,
    SubgraphField,
    TensorField,
)

# Writes one field of the table that is being written.
_Put = Callable[[flatbuffers.Builder, int], None]
_Field = TypeVar("_Field", bound=IntEnum)


def metadata_buffer(metadata: ModelMetadata) -> bytes:
    """The flatbuffer of metadata.

    Args:
        metadata: An empty min_parser_version is filled in by what the metadata uses, the
            lines of label files are not part of it: `validation.metadata.packing` packs them.
    """
    builder = flatbuffers.Builder(1024)
    version = metadata.min_parser_version or min_parser_version(metadata)
    subgraph = _table(
        builder,
        {
            SubgraphField.INPUTS: _offset(_tensors(builder, metadata.inputs)),
            SubgraphField.OUTPUTS: _offset(_tensors(builder, metadata.outputs)),
            SubgraphField.OUTPUT_GROUPS: _offset(
                _offsets(builder, [_group(builder, group) for group in metadata.groups])
            ),
        },
    )
    root = _table(
        builder,
        {
            ModelField.NAME: _offset(_text(builder, metadata.name)),
            ModelField.DESCRIPTION: _offset(_text(builder, metadata.description)),
            ModelField.VERSION: _offset(_text(builder, metadata.version)),
            ModelField.SUBGRAPHS: _offset(_offsets(builder, [subgraph])),
            ModelField.MIN_PARSER_VERSION: _offset(_text(builder, version)),
        },
    )
    builder.Finish(root, IDENTIFIER)
    return bytes(builder.Output())


def min_parser_version(metadata: ModelMetadata) -> str:
    """The oldest version of the schema that has all fields which the metadata uses."""
    return GROUPS_VERSION if metadata.groups else FIRST_VERSION


def _tensors(builder: flatbuffers.Builder, tensors: Sequence[TensorMetadata]) -> int:
    return _offsets(builder, [_tensor(builder, tensor) for tensor in tensors])


def _tensor(builder: flatbuffers.Builder, tensor: TensorMetadata) -> int:
    units = [] if tensor.normalisation is None else [_unit(builder, tensor.normalisation)]
    stats = {
        StatsField.MAX: _offset(_numbers(builder, tensor.maximum)),
        StatsField.MIN: _offset(_numbers(builder, tensor.minimum)),
    }
    return _table(
        builder,
        {
            TensorField.NAME: _offset(_text(builder, tensor.name)),
            TensorField.DESCRIPTION: _offset(_text(builder, tensor.description)),
            TensorField.CONTENT: _offset(_content(builder, tensor)),
            TensorField.PROCESS_UNITS: _offset(_offsets(builder, units)),
            TensorField.STATS: _offset(_table(builder, stats)),
            TensorField.FILES: _offset(
                _offsets(builder, [_file(builder, file) for file in tensor.files])
            ),
        },
    )


def _content(builder: flatbuffers.Builder, tensor: TensorMetadata) -> int:
    if tensor.content is ContentType.NONE:
        return 0
    span = 0
    if tensor.dimensions is not None:
        first, last = tensor.dimensions
        span = _table(builder, {PairField.FIRST: _whole(first), PairField.SECOND: _whole(last)})
    return _table(
        builder,
        {
            ContentField.TYPE: _byte(tensor.content),
            ContentField.PROPERTIES: _offset(_properties(builder, tensor)),
            ContentField.RANGE: _offset(span),
        },
    )


def _properties(builder: flatbuffers.Builder, tensor: TensorMetadata) -> int:
    """The member of the union that a tensor's content has."""
    if tensor.content is ContentType.IMAGE:
        return _table(builder, {ImageField.COLOUR_SPACE: _byte(tensor.colour)})
    if tensor.content is ContentType.BOUNDING_BOX and tensor.boxes is not None:
        fields = {
            BoxField.INDEX: _offset(_numbers(builder, tensor.boxes.order, np.uint32)),
            BoxField.TYPE: _byte(tensor.boxes.type),
            BoxField.COORDINATE_TYPE: _byte(tensor.boxes.coordinates),
        }
        return _table(builder, fields)
    return _table(builder, {})


def _unit(builder: flatbuffers.Builder, normalisation: Normalisation) -> int:
    """The process unit that normalises an input."""
    options = {
        NormalisationField.MEAN: _offset(_numbers(builder, normalisation.mean)),
        NormalisationField.STD: _offset(_numbers(builder, normalisation.std)),
    }
    unit = {
        PairField.FIRST: _byte(NORMALISATION_OPTIONS),
        PairField.SECOND: _offset(_table(builder, options)),
    }
    return _table(builder, unit)


def _file(builder: flatbuffers.Builder, file: PackedFile) -> int:
    fields = {
        FileField.NAME: _offset(_text(builder, file.name)),
        FileField.DESCRIPTION: _offset(_text(builder, file.description)),
        FileField.TYPE: _byte(file.type),
    }
    return _table(builder, fields)


def _group(builder: flatbuffers.Builder, group: TensorGroup) -> int:
    members = [builder.CreateString(name) for name in group.members]
    fields = {
        GroupField.NAME: _offset(_text(builder, group.name)),
        GroupField.TENSOR_NAMES: _offset(_offsets(builder, members)),
    }
    return _table(builder, fields)


def _table(builder: flatbuffers.Builder, fields: Mapping[_Field, _Put]) -> int:
    """A table whose parts are written already: flatbuffers are built from the leaves up."""
    builder.StartObject(max(fields, default=-1) + 1)
    for number, put in fields.items():
        put(builder, number)
    return int(builder.EndObject())


def _offset(target: int) -> _Put:
    """A reference; 0 leaves the field out."""
    return lambda builder, number: builder.PrependUOffsetTRelativeSlot(number, target, 0)


def _byte(value: int) -> _Put:
    return lambda builder, number: builder.PrependUint8Slot(number, value, 0)


def _whole(value: int) -> _Put:
    return lambda builder, number: builder.PrependInt32Slot(number, value, 0)


def _text(builder: flatbuffers.Builder, text: str) -> int:
    """0 for an empty text."""
    return int(builder.CreateString(text)) if text else 0


def _numbers(
    builder: flatbuffers.Builder, values: Sequence[float], dtype: type = np.float32
) -> int:
    """0 for no numbers."""
    return int(builder.CreateNumpyVector(np.array(values, dtype))) if values else 0


def _offsets(builder: flatbuffers.Builder, targets: Sequence[int]) -> int:
    """0 for an empty list."""
    if not targets:
        return 0
    builder.StartVector(4, len(targets), 4)
    for target in reversed(targets):
        builder.PrependUOffsetTRelative(target)
    return int(builder.EndVector())
