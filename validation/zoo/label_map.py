"""Class names by id, from the OD API's label maps or from plain lists of names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from validation.errors import ConfigError, DatasetError
from validation.pipeline.outline import blanked, outline

# Names that stand for id 0, the background; also the first line of a plain list.
_BACKGROUND = ("???", "background")
_FIRST_ITEM = re.compile(r"\ufeff?(?:\s|#[^\n]*\n)*item\s*:?\s*[{<]")


def _message_class() -> type[Any]:
    """StringIntLabelMap of the OD API, with the fields that are needed here.

    Names are bytes, since escapes may be of any encoding.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="label_map.proto", package="label_map")
    item = file.message_type.add(name="Item")
    item.field.add(name="name", number=1, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    item.field.add(name="id", number=2, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    item.field.add(name="display_name", number=3, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    file.message_type.add(name="LabelMap").field.add(
        name="item",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".label_map.Item",
        label=field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("label_map.LabelMap"))


_LABEL_MAP = _message_class()


def is_label_map(text: str) -> bool:
    """True when the text begins as the OD API's label maps do, with an item."""
    return _FIRST_ITEM.match(text) is not None


def read_label_map(path: Path) -> dict[int, str]:
    """`parse_label_map` of a file.

    Raises:
        DatasetError: The file cannot be read or is not a label map.
    """
    try:
        return parse_label_map(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError("the label map cannot be read", got=error, where=path) from error
    except DatasetError as error:
        error.where = path if error.where is None else f"{path}, {error.where}"
        raise


def parse_label_map(text: str) -> dict[int, str]:
    """Class name of each id, in file order.

    Two forms are read. ``item { id: 1 name: "a" display_name: "b" }`` in protobuf text
    format, where display_name is preferred and fields that are not needed are skipped.
    Otherwise one name a line, ids from 1; a first line ``???`` or ``background`` stands for
    id 0, and ``???`` on a later line for an id that no class has.

    Args:
        text: Content of the file.

    Returns:
        Names by id, without the background.

    Raises:
        DatasetError: Not of either form, an id twice, or an id without a name.
    """
    names = _from_items(text) if is_label_map(text) else _from_lines(text)
    if not names:
        raise DatasetError("the label map names no class")
    return names


def _from_lines(text: str) -> dict[int, str]:
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if not line or line.endswith(("{", "}")):
            raise DatasetError(
                "a label list has one name a line",
                got=repr(line) if line else "an empty line, which would shift the ids after it",
                where=f"line {number}",
            )
    first = 0 if lines and lines[0] in _BACKGROUND else 1
    return {number: name for number, name in enumerate(lines, first) if number and name != "???"}


def _from_items(text: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for position, item in enumerate(_parsed(text.removeprefix("\ufeff")).item, 1):
        name = (item.display_name or item.name).decode("utf-8", "replace")
        where = f"item {position}"
        if item.id < 0:
            raise DatasetError("a label id is a whole number from 1 up", got=item.id, where=where)
        # protobuf leaves a zero out, and 0 is the background's id.
        if item.id == 0 and name in _BACKGROUND:
            continue
        if item.id == 0:
            raise DatasetError(
                "a label without an id of its own",
                expected="id from 1 up, 0 is the background",
                got=repr(name),
                where=where,
            )
        if not name:
            raise DatasetError(f"label id {item.id} has no name", where=where)
        if item.id in names:
            raise DatasetError(
                f"label id {item.id} is used twice",
                got=f"{names[item.id]!r} and {name!r}",
                where=where,
            )
        names[item.id] = name
    return names


def _parsed(text: str) -> Any:
    """The message; fields of an item that are not needed are taken out of the text first."""
    try:
        unknown = outline(text, _LABEL_MAP.DESCRIPTOR, "label map").unknown
        needed = blanked(text, [field for field in unknown if field.path])
        return text_format.Parse(needed, _LABEL_MAP())
    except (ConfigError, ValueError, RecursionError, text_format.ParseError) as error:
        line = error.GetLine() if isinstance(error, text_format.ParseError) else None
        raise DatasetError(
            "the label map cannot be parsed",
            expected="item { id: 1 name: 'a' }, one for each class",
            # Without the parser's own line and column.
            got=re.sub(r"^\d+:\d+ : ", "", str(error)),
            where=None if line is None else f"line {line}",
        ) from error
