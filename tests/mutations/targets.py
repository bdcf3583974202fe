"""Which code is changed and which tests may see it, and what no test can see."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutations.sites import Mutant

__all__ = ["ROOT", "Equivalent", "Group", "equivalents", "read_groups"]

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Group:
    """Modules and tests that one process holds.

    Args:
        name: For the command line.
        modules: Patterns of paths below the root.
        tests: Files and folders below the root.
        whole: Of the modules, those of which every mutant is tried; of the others a sample is.
        boundary: Of the modules, those that are tried exactly at their bounds too.
        gone: What is taken away beside: ``checks``, ``limits``, ``requirements``.
        preload: Packages that take seconds to import, and are shared by all forks.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    whole: tuple[str, ...] = ()
    boundary: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The modules, in order."""
        return [path for pattern in self.modules for path in sorted(ROOT.glob(pattern))]


@dataclass(frozen=True)
class Equivalent:
    """A mutant that does as the original does, with why.

    Args:
        module: See `Mutant`.
        function: See `Mutant`.
        operator: See `Mutant`; empty for any.
        before: See `Mutant`.
        reason: Why no test can see it.
    """

    module: str
    function: str
    before: str
    reason: str
    operator: str = ""

    def covers(self, mutant: Mutant) -> bool:
        """True of the mutant that it speaks about."""
        return (
            self.module == mutant.module
            and self.function == mutant.function
            and self.before == mutant.before
            and self.operator in ("", mutant.operator)
        )


def read_groups() -> list[Group]:
    """All, in file order."""
    tables = tomllib.loads((_HERE / "targets.toml").read_text(encoding="utf-8"))["group"]
    return [
        Group(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in each.items()
            }
        )
        for each in tables
    ]


def equivalents() -> list[Equivalent]:
    """All that are known."""
    tables = tomllib.loads((_HERE / "equivalent.toml").read_text(encoding="utf-8"))
    return [Equivalent(**each) for each in tables.get("equivalent", ())]
