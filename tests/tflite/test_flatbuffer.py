"""FlatBuffers by the compiled schemas: as flatc's code reads and writes them, and never outside."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import compile_flatbuffer_schemas
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated

from validation.errors import ConversionError
from validation.metadata.model_metadata import METADATA
from validation.tflite.model import MODEL

_DATA = Path(__file__).parents[1] / "data" / "metadata"


def _same(ours: Any, theirs: Any) -> bool:
    """True where a table, list or value is what the generated code has of it."""
    if theirs is None or isinstance(theirs, bool | int | float):
        return bool(ours == theirs)
    if isinstance(theirs, bytes):
        return bool(ours == theirs.decode())
    if isinstance(theirs, np.ndarray):
        return ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    assert type(theirs).__name__ == f"{type(ours).__name__}T"
    values = list(vars(theirs).values())
    fields = [field.name for field in ours._fields]
    assert len(fields) == len(values)
    return all(
        _same(getattr(ours, name), value) for name, value in zip(fields, values, strict=True)
    )


def _generated_pack(model: Any) -> bytes:
    """Of the generated object API, its bytes aligned as the schema wants them."""

    class Builder(flatbuffers.Builder):  # type: ignore[misc]
        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
            return super().StartVector(elemSize, numElems, 16 if elemSize == 1 else alignment)

    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_compiled_schemas_are_up_to_date() -> None:
    """What is committed is what the installed ai-edge-litert and metadata.fbs compile to."""
    assert compile_flatbuffer_schemas.main(["--check"]) == 0


@pytest.mark.parametrize("name", ["tiny.tflite", "tiny_raw.tflite", "foreign.tflite"])
def test_read_and_written_as_the_generated_code_does(name: str) -> None:
    """Every field of every table is the same, and so is every byte of the file made from them."""
    content = (_DATA / name).read_bytes()
    ours, theirs = MODEL.unpack(content, name), generated.ModelT.InitFromPackedBuf(content, 0)
    assert _same(ours, theirs)
    assert MODEL.pack(ours) == _generated_pack(theirs)


def test_converted_file_is_read_and_written_as_the_generated_code_does(files: Any) -> None:
    """The same of a whole detector."""
    content = files.float.read_bytes()
    ours, theirs = MODEL.unpack(content, ""), generated.ModelT.InitFromPackedBuf(content, 0)
    assert _same(ours, theirs)
    assert MODEL.pack(ours) == _generated_pack(theirs)


def test_fields_that_are_left_out_have_the_schema_s_defaults() -> None:
    """Numbers as the schema says, all else None; and a name that it does not have is refused."""
    options = MODEL.table("Conv2DOptions")(stride_w=2)
    assert (options.stride_w, options.stride_h, options.dilation_w_factor) == (2, 0, 1)
    assert MODEL.table("Tensor")().name is None
    with pytest.raises(AttributeError):
        MODEL.table("Conv2DOptions")(stride=2)


def test_fields_of_a_newer_schema_are_left_out() -> None:
    """A vtable may be longer than the fields that are known; only these are looked at."""
    content = bytearray(MODEL.pack(MODEL.table("Model")(version=3)))
    root = struct.unpack_from("<I", content)[0]
    start = root - struct.unpack_from("<i", content, root)[0]
    length, inline = struct.unpack_from("<HH", content, start)
    longer = struct.pack("<HH", 4 + 2 * 30, inline) + content[start + 4 : start + length]
    known = bytes(2 * (10 - (length - 4) // 2))  # the other fields of Model are left out
    longer += known + struct.pack("<H", 4) * 20
    moved = struct.pack("<I4s", 8 + len(longer), b"TFL3") + longer
    moved += struct.pack("<i", len(longer)) + content[root + 4 :]
    assert MODEL.unpack(bytes(moved), "").version == 3


def test_union_members_of_a_newer_schema_are_left_out() -> None:
    """Their tables cannot be read; the number of their type stays."""
    operator = MODEL.table("Operator")(
        builtin_options_type=1, builtin_options=MODEL.table("AddOptions")()
    )
    graph = MODEL.table("SubGraph")(operators=[operator])
    content = bytearray(MODEL.pack(MODEL.table("Model")(subgraphs=[graph])))
    (read,) = MODEL.unpack(bytes(content), "").subgraphs[0].operators
    assert type(read.builtin_options).__name__ == "Conv2DOptions"
    operator.builtin_options_type = 250
    content = bytearray(MODEL.pack(MODEL.table("Model")(subgraphs=[graph])))
    (read,) = MODEL.unpack(bytes(content), "").subgraphs[0].operators
    assert (read.builtin_options_type, read.builtin_options) == (250, None)


def _hostile(**damage: int) -> bytes:
    """A model of one operator whose words are overwritten where they have a value of their own."""
    operator = MODEL.table("Operator")(inputs=[0x1111111, 2, 3])
    graph = MODEL.table("SubGraph")(name="n" * 99, operators=[operator])
    content = MODEL.pack(MODEL.table("Model")(subgraphs=[graph]))
    marks = {"count": struct.pack("<II", 3, 0x1111111), "name": struct.pack("<I", 99)}
    for mark, value in damage.items():
        assert content.count(marks[mark]) == 1
        content = content.replace(marks[mark], struct.pack("<I", value) + marks[mark][4:])
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            _hostile(count=2**32 - 1),
            r"got subgraphs\[0\]\.operators\[0\]\.inputs: a vector of 4,29",
        ),
        (_hostile(name=1000), r"got subgraphs\[0\]\.name: a vector of 1,000 at byte \d+ of \d+"),
        (_hostile().replace(b"nnn", b"\xff\xff\xff"), r"subgraphs\[0\]\.name: not UTF-8 at byte"),
        (b"\xff\xff\xff\x7fTFL3" + bytes(8), r"got Model: a table at byte 2,147,483,647 of 16"),
        (b"\x08\0\0\0TFL3\xff\xff\xff\x7f", "got Model: a vtable at byte -2,147,483,639 of 12"),
    ],
)
def test_damage_is_named_by_its_field(content: bytes, said: str) -> None:
    """With what does not fit, so that a maker of files can find it."""
    with pytest.raises(ConversionError, match=said):
        MODEL.unpack(content, "m.tflite")


def test_tables_without_end_are_refused() -> None:
    """Many offsets to one table of many tables: a short file would be a long walk."""
    table, count = METADATA.table, 2000
    files = [table("AssociatedFile")(name="file")] * count
    tensors = [table("TensorMetadata")(associated_files=files)]
    tensors += [table("TensorMetadata")()] * count
    graph = table("SubGraphMetadata")(input_tensor_metadata=tensors)
    content = METADATA.pack(table("ModelMetadata")(subgraph_metadata=[graph]))
    start = content.index(struct.pack("<I", count + 1)) + 4
    (first,) = struct.unpack_from("<I", content, start)
    shared = struct.pack(f"<{count + 1}I", *(first - 4 * index for index in range(count + 1)))
    hostile = content[:start] + shared + content[start + len(shared) :]
    with pytest.raises(ConversionError, match=r"input_tensor_metadata\[\d+\].*unfolds to more"):
        METADATA.unpack(hostile, "m")
