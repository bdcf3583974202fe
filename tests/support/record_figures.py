"""The figures of a record, to be held against those of another run of the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# What another run of the same says otherwise.
_OF_ONE_RUN = {"seconds", "samples_ms", "started", "finished", "run", "path"}
_KINDS_OF_ONE_RUN = {"header", "step", "footer", "joined_share", "cluster", "timing"}


def record_lines(reports: Path) -> list[dict[str, Any]]:
    """The lines of the only record below a folder."""
    (path,) = reports.glob("*/record.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def figures(lines: list[dict[str, Any]]) -> list[str]:
    """All entries but times, and what made them, in an order of their own."""

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stripped(each) for key, each in value.items() if key not in _OF_ONE_RUN}
        return [stripped(each) for each in value] if isinstance(value, list) else value

    kept = [
        each
        for each in lines
        if each["kind"] not in _KINDS_OF_ONE_RUN and each.get("check") != "latency"
    ]
    return sorted(json.dumps(stripped(each), sort_keys=True) for each in kept)
