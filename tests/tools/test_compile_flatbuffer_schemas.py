"""Schemas are compiled whole, and what readers could not bear is refused."""

from __future__ import annotations

from typing import Any

import compile_flatbuffer_schemas
import pytest

_TEXT = """
enum Colour : byte { RED, GREEN }  // counted from 0
union Shape { Circle, Square }
table Circle { radius: float; }
table Square { side: float; colour: Colour; }
table Drawing { name: string; shape: Shape; points: [uint]; parts: [Square]; }
root_type Drawing;
file_identifier "DRAW";
"""


def _compiled(text: str) -> dict[str, Any]:
    return compile_flatbuffer_schemas.schema_from_fbs(text)


def test_text_is_compiled() -> None:
    """A union takes the slot of its type before its own; enumerations are numbers."""
    schema = _compiled(_TEXT)
    assert (schema["identifier"], schema["root"]) == ("DRAW", "Drawing")
    assert schema["enums"] == {"Colour": {"RED": 0, "GREEN": 1}}
    assert schema["unions"] == {"Shape": ["Circle", "Square"]}
    assert schema["tables"]["Square"] == [["side", "float"], ["colour", "byte"]]
    assert schema["tables"]["Drawing"] == [
        ["name", "string"],
        ["shape_type", "ubyte"],
        ["shape", "Shape"],
        ["points", "[uint]"],
        ["parts", "[Square]"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("radius: float", "radius: real", "unknown types: real"),
        ("radius: float", "inner: [Drawing]", "can hold itself"),
    ],
)
def test_schemas_that_readers_cannot_follow_are_refused(old: str, new: str, said: str) -> None:
    """A type without a description, and a table that could nest without end."""
    with pytest.raises(ValueError, match=said):
        _compiled(_TEXT.replace(old, new))


def test_deprecated_fields_keep_their_slots() -> None:
    """In TFLite's own schema a resize has its first two slots without a name."""
    (path,) = [name for name in compile_flatbuffer_schemas.compiled_schemas() if "model" in name]
    text = compile_flatbuffer_schemas.compiled_schemas()[path]
    assert (
        '"ResizeBilinearOptions": [["", "ubyte"], ["", "ubyte"], ["align_corners", "bool"]' in text
    )
