"""Write the JSON Schema of a record's lines, generated from the types that they are made of.

    python tools/write_record_schema.py docs/record.schema.json

A record is refused where a field is missing or unknown, so the schema requires each and allows
no other. It speaks of one line; that the header stands first and the footer last is for the
reader to check.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec

from validation.files.atomic import write_text_atomic
from validation.record.lines import KINDS
from validation.record.run import RECORD_VERSION

# JSON has no NaN and no infinity, see `validation.record.lines`.
_NUMBER = {
    "description": "A floating-point value; a table stands for what JSON has no number for.",
    "anyOf": [
        {"type": "number"},
        {
            "type": "object",
            "properties": {"float": {"enum": ["nan", "inf", "-inf"]}},
            "required": ["float"],
            "additionalProperties": False,
        },
    ],
}


def schema() -> dict[str, Any]:
    """The schema of one line of a record, as JSON types."""
    references, components = msgspec.json.schema_components(
        list(KINDS.values()), ref_template="#/$defs/{name}"
    )
    types = {name: _strict(component) for name, component in sorted(components.items())}
    for kind, entry in KINDS.items():
        own = types[entry.__name__]
        own["properties"] = {"kind": {"const": kind}, **own["properties"]}
        own["required"] = list(own["properties"])
    types["Header"]["properties"]["version"] = {"const": RECORD_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of record.jsonl, version {RECORD_VERSION}",
        "oneOf": list(references),
        "$defs": {**types, "Number": _NUMBER},
    }


def _strict(part: Any) -> Any:
    """The same part with each field required and no other allowed, and without defaults."""
    if isinstance(part, list):
        return [_strict(each) for each in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "number":
        return {"$ref": "#/$defs/Number"}
    out = {key: _strict(value) for key, value in part.items() if key != "default"}
    if "description" in out and isinstance(out["description"], str):
        out["description"] = out["description"].splitlines()[0]
    if "properties" in out:
        out |= {"required": list(out["properties"]), "additionalProperties": False}
    return out


def text() -> str:
    """The document."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, metavar="OUTPUT.json", help="replaced if it is there")
    write_text_atomic(parser.parse_args(arguments).output, text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
