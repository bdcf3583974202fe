"""Compile the FlatBuffers schemas of .tflite files and of their metadata to JSON.

    python tools/compile_flatbuffer_schemas.py            write both files
    python tools/compile_flatbuffer_schemas.py --check    only say whether they are up to date

validation/metadata/metadata.json is made from metadata.fbs beside it, validation/tflite/model.json
from the Python module that ai-edge-litert generates from TFLite's own schema. The harness itself
reads only the JSON:

    identifier   what a buffer holds at byte 4
    root         the table that it begins with
    enums        {enumeration: {name: value}}
    unions       {union: [table of type 1, of type 2, ...]}
    tables       {table: [[field, type, default unless 0], ...]}; a field's index is its slot,
                 a slot that is not used any more has the name ""

Types have the names of the schema language; a union has the slot of its type before its own.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODEL, METADATA = "validation/tflite/model.json", "validation/metadata/metadata.json"

_GENERATED = "ai_edge_litert.schema_py_generated"
_SCALARS = {
    "Bool": "bool", "Int8": "byte", "Uint8": "ubyte", "Int16": "short", "Uint16": "ushort",
    "Int32": "int", "Uint32": "uint", "Int64": "long", "Uint64": "ulong", "Float32": "float",
    "Float64": "double",
}  # fmt: skip
_UNIONS_OWN_METHOD = "Creator"


def schema_from_fbs(text: str) -> dict[str, Any]:
    """The schema that a .fbs text describes.

    Read are enumerations counted from 0, unions, tables without defaults and attributes, the
    root type and the identifier: what metadata.fbs has.
    """
    text = re.sub(r"//.*", "", text)
    enums: dict[str, dict[str, int]] = {}
    scalars: dict[str, str] = {}
    for name, kind, body in re.findall(r"\benum (\w+)\s*:\s*(\w+)\s*{(.*?)}", text, re.DOTALL):
        scalars[name] = kind
        enums[name] = {value: number for number, value in enumerate(re.findall(r"\w+", body))}
    unions = {
        name: re.findall(r"\w+", body)
        for name, body in re.findall(r"\bunion (\w+)\s*{(.*?)}", text, re.DOTALL)
    }
    tables: dict[str, list[list[Any]]] = {}
    for name, body in re.findall(r"\btable (\w+)\s*{(.*?)}", text, re.DOTALL):
        tables[name] = []
        for field, kind in re.findall(r"(\w+)\s*:\s*([\w\[\]]+)\s*;", body):
            if kind in unions:
                tables[name].append([f"{field}_type", "ubyte"])
            tables[name].append([field, scalars.get(kind, kind)])
    root = re.findall(r"\broot_type (\w+);", text)
    identifier = re.findall(r'\bfile_identifier "(\w{4})";', text)
    return _schema(identifier[0], root[0], enums, unions, tables)


def schema_from_generated(source: str, root: str, identifier: str) -> dict[str, Any]:
    """The schema behind a Python module that flatc generated with its object API.

    Args:
        source: Of the module.
        root: The table that a buffer begins with.
        identifier: Of its buffers.
    """
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    accessors = {node.name: node for node in classes if _method(node, "GetRootAs")}
    objects = {node.name.removesuffix("T"): node for node in classes if _method(node, "_UnPack")}
    enums, unions = {}, {}
    for node in classes:
        if node.name in accessors or _method(node, "__init__"):
            continue
        values = {ast.unparse(each.targets[0]): ast.literal_eval(each.value)
                  for each in node.body if isinstance(each, ast.Assign)}  # fmt: skip
        if values.get("NONE") == 0 and all(name in accessors for name in list(values)[1:]):
            unions[node.name] = list(values)[1:]
            assert list(values.values()) == list(range(len(values))), node.name
        else:
            enums[node.name] = values
    tables = {name: _fields(node, objects[name], unions.keys()) for name, node in accessors.items()}
    return _schema(identifier, root, enums, unions, tables)


def _fields(accessors: ast.ClassDef, unpacked: ast.ClassDef, unions: Any) -> list[list[Any]]:
    """The fields of a table by slot, each as name, type and a default that is not 0."""
    init, unpack = _method(unpacked, "__init__"), _method(unpacked, "_UnPack")
    assert init and unpack
    names = [argument.arg for argument in init.args.args[1:]]
    defaults = dict(zip(names, map(ast.literal_eval, init.args.defaults), strict=True))
    creators = {
        ast.unparse(node.targets[0]).removeprefix("self."): _call_name(node.value)
        for node in ast.walk(unpack)
        if isinstance(node, ast.Assign) and _call_name(node.value).endswith(_UNIONS_OWN_METHOD)
    }
    fields: list[list[Any]] = []
    for name in names:
        method = _method(accessors, name[0].upper() + name[1:])
        assert method, f"{accessors.name}.{name}"
        text = ast.unparse(method)
        slot = re.search(r"self\._tab\.Offset\((\d+)\)", text)
        assert slot, f"{accessors.name}.{name}"
        # Deprecated fields keep their slots and have no accessor.
        fields += [["", "ubyte"]] * ((int(slot[1]) - 4) // 2 - len(fields))
        kind = creators.get(name, "").removesuffix(_UNIONS_OWN_METHOD) or _type(text)
        assert kind[0].islower() or kind[0] == "[" or name not in creators or kind in unions
        field = [_snake_case(name), kind]
        fields.append([*field, defaults[name]] if defaults[name] not in (None, 0) else field)
    return fields


def _type(accessor: str) -> str:
    """The type of a field in the schema language, by what its accessor does."""
    if table := re.search(r"obj = (\w+)\(\)", accessor):
        kind = table[1]
    elif scalar := re.search(r"self\._tab\.Get\(flatbuffers\.number_types\.(\w+)Flags", accessor):
        kind = _SCALARS[scalar[1]]
    else:
        assert "self._tab.String(" in accessor, accessor
        kind = "string"
    return f"[{kind}]" if "self._tab.Vector(" in accessor else kind


def _schema(identifier: str, root: str, enums: Any, unions: Any, tables: Any) -> dict[str, Any]:
    """The parts as one schema, once every type is known and no table can hold itself.

    Readers follow tables into each other without a limit of depth because of the latter.
    """
    known = {*tables, *unions, "string", *_SCALARS.values()}
    holds = {
        name: {_element(kind) for _, kind, *_ in fields} for name, fields in tables.items()
    } | {name: set(members) for name, members in unions.items()}
    strangers = set().union(*holds.values()) - known
    if strangers:
        raise ValueError(f"unknown types: {', '.join(sorted(strangers))}")
    for name in holds:
        if name in _reachable(name, holds):
            raise ValueError(f"{name} can hold itself")
    return {"identifier": identifier, "root": root, "enums": enums, "unions": unions,
            "tables": tables}  # fmt: skip


def _reachable(start: str, holds: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = holds.get(waiting.pop(), set()) - seen
        seen |= new
        waiting.extend(new)
    return seen


def _element(kind: str) -> str:
    return kind.strip("[]")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    functions = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return next((each for each in functions if each.name == name), None)


def _call_name(node: ast.expr) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _lines(schema: dict[str, Any]) -> Iterator[str]:
    """JSON with a line for each table, so that a change can be read in a diff."""
    groups = []
    for key, value in schema.items():
        if isinstance(value, dict):
            entries = (f"{json.dumps(name)}: {json.dumps(each)}" for name, each in value.items())
            groups.append(f"{json.dumps(key)}: {{\n" + ",\n".join(entries) + "\n}")
        else:
            groups.append(f"{json.dumps(key)}: {json.dumps(value)}")
    yield "{\n" + ",\n".join(groups) + "\n}\n"


def compiled_schemas() -> dict[str, str]:
    """The text of each JSON file by its path in the project."""
    found = importlib.util.find_spec(_GENERATED)
    assert found and found.origin, "ai-edge-litert is not installed"
    generated = Path(found.origin).read_text(encoding="utf-8")
    schemas = {
        MODEL: schema_from_generated(generated, "Model", "TFL3"),
        METADATA: schema_from_fbs((ROOT / METADATA).with_suffix(".fbs").read_text("utf-8")),
    }
    return {name: "".join(_lines(schema)) for name, schema in schemas.items()}


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas, or compare them with the committed ones.

    Returns:
        0; with --check 1 when a committed file is missing or differs.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args(arguments)
    stale = []
    for name, text in compiled_schemas().items():
        path = ROOT / name
        if options.check:
            stale += [name] if not path.is_file() or path.read_text("utf-8") != text else []
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(
            f"out of date: {', '.join(stale)}: run tools/compile_flatbuffer_schemas.py\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
