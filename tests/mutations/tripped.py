"""The test that goes red where a check or a limit judges nothing any more, of each of them."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mutations.targets import ROOT

__all__ = ["TRIPPED", "Tripped", "read_tripped", "unknown_tests", "written"]

TRIPPED = Path(__file__).with_name("tripped.toml")
_HEAD = """\
# A test for each check, which goes red if the check passes whatever it is given, and for each
# limit, which goes red if the limit is ignored. Written by
# `python tests/mutations --group checks --update`; reasons, where there is none, by hand.
"""


@dataclass(frozen=True)
class Tripped:
    """By check, and by check and measure.

    Args:
        checks: Node id of a test.
        limits: Node id of a test.
        reasons: Why there is none, by the name of a check or by ``check.measure``.
    """

    checks: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def tests(self) -> Mapping[str, str]:
        """All that are named, by check, and by check and measure."""
        return {**self.checks, **self.limits}


def read_tripped(path: Path = TRIPPED) -> Tripped:
    """The table as it is."""
    return Tripped(**tomllib.loads(path.read_text(encoding="utf-8")))


def written(tripped: Tripped) -> str:
    """The text of the table."""
    lines = [_HEAD]
    for title in ("checks", "limits", "reasons"):
        lines.append(f"[{title}]")
        table: Mapping[str, str] = getattr(tripped, title)
        lines += [
            f"{json.dumps(key)} = {json.dumps(table[key], ensure_ascii=False)}"
            for key in sorted(table)
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def unknown_tests(tripped: Tripped) -> list[str]:
    """Tests that the table names and that are not there, by file and function."""
    names = dict.fromkeys([*tripped.checks.values(), *tripped.limits.values()])
    return [name for name in names if not _exists(name)]


def _exists(name: str) -> bool:
    file, _, function = name.partition("[")[0].partition("::")
    path = ROOT / file
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return function in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
