"""tf.train.Example: the serialised features of one record, read with bounds by protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from validation.errors import DatasetError
from validation.files.guard import faults

# Of one feature: texts, floats or whole numbers.
Values: TypeAlias = list[bytes] | list[float] | list[int]
Features: TypeAlias = Mapping[str, Values]

_FIELDS = (("bytes_list", "Bytes"), ("float_list", "Floats"), ("int64_list", "Int64s"))


def _message_class() -> type[Any]:
    """tf.train.Example, by numbers and types of its fields.

    The map of features is read as what it is in the bytes, repeated entries; keys are bytes, since
    any program may have written them.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="example")
    for name, kind in (("Bytes", "BYTES"), ("Floats", "FLOAT"), ("Int64s", "INT64")):
        values = file.message_type.add(name=name).field.add(
            name="value", number=1, label=field.LABEL_REPEATED
        )
        values.type = getattr(field, f"TYPE_{kind}")
        values.options.packed = kind != "BYTES"
    _add(file, "Feature", [(name, ".example." + kind, False) for name, kind in _FIELDS])
    entry = file.message_type.add(name="Entry")
    entry.field.add(name="key", number=1, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    entry.field.add(
        name="value",
        number=2,
        type=field.TYPE_MESSAGE,
        type_name=".example.Feature",
        label=field.LABEL_OPTIONAL,
    )
    _add(file, "Features", [("feature", ".example.Entry", True)])
    _add(file, "Example", [("features", ".example.Features", False)])
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("example.Example"))


def _add(file: Any, name: str, fields: list[tuple[str, str, bool]]) -> None:
    """A message whose fields are messages, numbered from 1."""
    field = descriptor_pb2.FieldDescriptorProto
    message = file.message_type.add(name=name)
    for number, (key, type_name, repeated) in enumerate(fields, 1):
        message.field.add(
            name=key,
            number=number,
            type=field.TYPE_MESSAGE,
            type_name=type_name,
            label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL,
        )


_EXAMPLE = _message_class()


def parse_features(data: bytes, where: str) -> Features:
    """The features of an Example by name; of one that stands twice the later holds.

    Args:
        data: Serialised tf.train.Example.
        where: File and record, for errors.

    Raises:
        DatasetError: Not such a message.
    """
    try:
        example = _EXAMPLE.FromString(data)
    except faults() as error:
        raise DatasetError(
            "the record is no tf.train.Example",
            got=f"{len(data)} bytes that are no such message",
            where=where,
            next_step="name the TFRecords that an OD API input reader reads",
        ) from error
    found: dict[str, Values] = {}
    for entry in example.features.feature:
        kinds = [kind for kind, _ in _FIELDS if entry.value.HasField(kind)]
        values = getattr(entry.value, kinds[-1]).value if kinds else []
        found[entry.key.decode("utf-8", "replace")] = list(values)
    return found
