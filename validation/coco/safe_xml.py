"""XML of unknown origin as elements: no DTD, no entities, bounded size and depth."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from validation.errors import DatasetError
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes

_DEEPEST = 32
_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,80}?encoding\s*=\s*["']([\w.-]{1,20})["']""")


class _Refused(ValueError):
    """What the file has and must not."""


def read_xml(path: Path) -> Element:
    """The root element of an XML file.

    Raises:
        DatasetError: The file cannot be read, is not well-formed, has a DTD or entities of its
            own, or is larger or deeper than any annotation.
    """
    with guarded(
        DatasetError,
        "the XML file cannot be read",
        expected="an annotation of Pascal VOC, without DTD or entities",
        where=path,
    ):
        return _parsed(read_bytes(path, Size.TEXT))


def _parsed(data: bytes) -> Element:
    builder = TreeBuilder()
    # Expat itself knows no encoding of several bytes a character but UTF-8 and UTF-16.
    named = _ENCODING.match(data)
    encoding = named[1].decode("ascii", "replace").lower() if named else ""
    if encoding and not encoding.startswith("utf"):
        data, encoding = data.decode(encoding).encode(), "utf-8"
    parser = expat.ParserCreate(encoding or None)
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise _Refused(f"elements nested more than {_DEEPEST} deep")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse_dtd(*_: object) -> None:
        # An entity can grow without bound, or fetch another file.
        raise _Refused("a DTD (<!DOCTYPE ...>)")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.EntityDeclHandler = refuse_dtd
    parser.Parse(data, True)
    return builder.close()
