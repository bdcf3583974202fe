"""Which runtime the ops of a .tflite file need, by their versions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from validation.files.structured import read_toml
from validation.specs.contracts import POSTPROCESS_NAME

_TABLE = Path(__file__).with_name("op_runtimes.toml")
# The op is older than min_runtime_version and has had no second version.
_UNVERSIONED = (POSTPROCESS_NAME,)


@dataclass(frozen=True)
class _RuntimeFile:
    version: int
    runtimes: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class RuntimeNeeds:
    """The oldest TensorFlow Lite that knows every op of a file.

    Args:
        noted: What the converter wrote into the file, or empty.
        by_ops: What the versions of its ops come to, or empty.
        because: The op that needs it, with its version.
        not_in_table: Ops, or versions, that are not in the table: what they need is not known.
    """

    noted: str
    by_ops: str
    because: str
    not_in_table: tuple[str, ...]


def runtime_needs(versions: Mapping[str, int], noted: str) -> RuntimeNeeds:
    """The needs of some ops.

    Args:
        versions: Highest version of each op, by the schema's names.
        noted: The converter's note.
    """
    table = _table()
    needs: dict[str, str] = {}
    unknown = []
    for op, version in versions.items():
        runtimes = table.get(op, ())
        operator = f"{op} version {version}"
        if 1 <= version <= len(runtimes):
            needs[operator] = runtimes[version - 1]
        elif op not in _UNVERSIONED:
            unknown.append(operator)
    because = max(needs, key=lambda operator: Version(needs[operator]), default="")
    return RuntimeNeeds(noted, needs.get(because, ""), because, tuple(unknown))


@functools.cache
def _table() -> dict[str, tuple[str, ...]]:
    return read_toml(_TABLE, _RuntimeFile, 1).runtimes
