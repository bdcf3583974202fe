"""docs/record.schema.json says what the types of a record say."""

from __future__ import annotations

from pathlib import Path

import write_record_schema
from jsonschema import Draft202012Validator

_FILE = Path(__file__).parents[2] / "docs" / "record.schema.json"


def test_file_is_that_of_the_types(tmp_path: Path) -> None:
    """The published file is up to date."""
    output = tmp_path / "schema.json"
    assert write_record_schema.main([str(output)]) == 0
    assert _FILE.read_text(encoding="utf-8") == output.read_text(encoding="utf-8"), (
        "python tools/write_record_schema.py docs/record.schema.json"
    )


def test_it_is_a_schema() -> None:
    """Of the draft that it names."""
    Draft202012Validator.check_schema(write_record_schema.schema())
