"""Which code is changed and which tests may see it, and what no test sees."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutations.sites import Mutant

__all__ = ["ROOT", "Group", "Known", "known_survivors", "read_groups"]

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Group:
    """Modules and tests that one process holds.

    Args:
        name: For the command line.
        modules: Patterns of paths below the root.
        without: Patterns of those that belong to another group all the same.
        tests: Files and folders below the root.
        whole: Of the modules, those of which every mutant is tried; of the others a sample is.
        boundary: Of the modules, those that are tried exactly at their bounds too.
        gone: What is taken away beside: ``checks``, ``limits``, ``requirements``.
        slow: Tried where it is asked for alone: its tests run models, and take hours.
        preload: Packages that take seconds to import, and are shared by all forks.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    boundary: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    slow: bool = False
    preload: tuple[str, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The modules, in order."""
        without = {path for pattern in self.without for path in ROOT.glob(pattern)}
        found = [path for pattern in self.modules for path in sorted(ROOT.glob(pattern))]
        return [path for path in found if path not in without]


@dataclass(frozen=True)
class Known:
    """Mutants that are known to survive, with why.

    Args:
        module: See `Mutant`.
        function: See `Mutant`.
        before: See `Mutant`.
        reason: Why no test sees it.
        operator: See `Mutant`; empty for any.
        is_equivalent: It does as the original does, so that no test can see it; else one could.
    """

    module: str
    function: str
    before: str
    reason: str
    operator: str = ""
    is_equivalent: bool = True

    def covers(self, mutant: Mutant) -> bool:
        """True of the mutants that it speaks about: all that are alike in one function."""
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


def known_survivors() -> list[Known]:
    """All that are listed, those that no test can see first."""
    return [*_listed("equivalent", is_equivalent=True), *_listed("unseen", is_equivalent=False)]


def _listed(kind: str, *, is_equivalent: bool) -> list[Known]:
    tables = tomllib.loads((_HERE / f"{kind}.toml").read_text(encoding="utf-8"))
    return [Known(**each, is_equivalent=is_equivalent) for each in tables.get(kind, ())]
