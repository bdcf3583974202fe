"""The packages that are searched, with what has to go with them in one environment."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from validation.record.installed import NIGHTLY


@dataclass(frozen=True)
class Family:
    """One package, its nightly builds, and what is built for one version of it alone.

    Args:
        project: On the package index.
        module: That it provides; a version that cannot even import it cannot be judged.
        companions: Projects whose version follows from the package's own.
    """

    project: str
    module: str
    companions: tuple[str, ...] = ()

    @property
    def nightly(self) -> str:
        """The project of its nightly builds, which has the same module."""
        return NIGHTLY[self.project]


FAMILIES = {
    "tensorflow": Family("tensorflow", "tensorflow", ("tf-keras",)),
    "litert": Family("ai-edge-litert", "ai_edge_litert.interpreter"),
}


@dataclass(frozen=True, order=True)
class Build:
    """One version of one project.

    Args:
        project: The family's, or its nightly builds'.
        version: As the index writes it.
    """

    project: str
    version: str

    def __str__(self) -> str:
        """As people name it."""
        return f"{self.project} {self.version}"


def requirements(family: Family, build: Build, base: tuple[str, ...]) -> tuple[str, ...]:
    """What is installed to try one build.

    Args:
        family: That is searched.
        build: The one version of it.
        base: What the harness needs, as `pip` takes it.
    """
    is_nightly = build.project != family.project
    replaced = {family.project, *family.companions}
    kept = [each for each in base if canonicalize_name(Requirement(each).name) not in replaced]
    # Any version: pip takes the one that the build allows.
    companions = [NIGHTLY[each] if is_nightly else each for each in family.companions]
    return (f"{build.project}=={build.version}", *companions, *kept)
