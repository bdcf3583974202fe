"""Versions that have to be the same on every worker: figures of mixed ones have no meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from validation import __version__
from validation.errors import ClusterError, first_few
from validation.record.installed import installed_version

HARNESS = "ssd-tflite-validation"
_PACKAGES = ("numpy", "pillow", "ai-edge-litert", "tensorflow")
_ABSENT = "not installed"
_CODE = (".py", ".toml", ".binpb", ".json")
_DIGITS = 12


@cache
def own_versions() -> dict[str, str]:
    """Of this process: the harness with the hash of its code, and what computes."""
    return {
        HARNESS: f"{__version__} ({_code_digest()})",
        **{name: _installed(name) for name in _PACKAGES},
    }


def _installed(package: str) -> str:
    try:
        return installed_version(package)
    except PackageNotFoundError:
        return _ABSENT


def _code_digest() -> str:
    """A checkout has the same version before and after a change of its code."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in _CODE and path.is_file():
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def refuse_mixed(expected: Mapping[str, str], found: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse workers with other versions than the controlling process has.

    Args:
        expected: Of the controlling process, by package.
        found: The same of each worker, by its address.

    Raises:
        ClusterError: Names every package that differs, with the workers.
    """
    differing: dict[tuple[str, str], list[str]] = {}
    for worker, versions in found.items():
        for name, wanted in expected.items():
            got = versions.get(name, _ABSENT)
            if got != wanted:
                differing.setdefault((name, got), []).append(worker)
    if differing:
        names = sorted({name for name, _ in differing})
        raise ClusterError(
            "workers have other versions than this process",
            expected=", ".join(f"{name} {expected[name]}" for name in names),
            got="; ".join(
                f"{name} {got} on {first_few(workers)}"
                for (name, got), workers in sorted(differing.items())
            ),
            next_step="install the same versions on every machine and start the workers again",
        )
