"""One build tried: an environment made, the command run in it, the environment removed."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from validation.bisection.environment import (
    Environment,
    NotInstallable,
    copy_harness,
    held_versions,
    make_environment,
    own_requirements,
)
from validation.bisection.families import Build, Family, requirements
from validation.bisection.index import offered
from validation.bisection.judging import JUDGES, Verdict, judged
from validation.bisection.processes import run_to_end
from validation.bisection.search import Answer
from validation.bisection.state import Trial
from validation.errors import ArtefactError
from validation.files.atomic import said_clearly
from validation.files.temporary import scratch

# In the folder of a search.
HARNESS = "harness"
_GIB = 2**30


@dataclass(frozen=True)
class Trials:
    """How builds are tried in one search.

    Args:
        family: That is searched.
        command: That judges, see `validation.bisection.judging.command_line`.
        folder: Of the search: logs, pages, and environments that are kept.
        keep: Environments stay.
        room_gib: That an environment needs on its disk.
    """

    family: Family
    command: tuple[str, ...]
    folder: Path
    keep: bool
    room_gib: float

    def try_build(self, build: Build, number: int) -> Trial:
        """Make an environment with a build and run the command in it.

        Args:
            build: To try.
            number: Of the trial, from 1.

        Raises:
            DownloadFailed: pip refused, and the index cannot be asked.
            ProcessEnded: The command's exit code says nothing of the build.
            ArtefactError: There is no room, or a file cannot be written.
        """
        name = f"{number:02}-{build.project}-{build.version}"
        path = self.folder / "logs" / f"{name}.log"
        began = time.monotonic()
        with (
            said_clearly(path, make_folder=True),
            path.open("w+b") as log,
            self._place(name) as place,
        ):
            self._require_room(place.parent)
            verdict, installed = self._tried(build, place, log)
        return Trial(
            build=build,
            answer=verdict.answer,
            reason=verdict.reason,
            exit_code=verdict.exit_code,
            seconds=round(time.monotonic() - began, 1),
            installed=installed,
            log=str(path.relative_to(self.folder)),
        )

    def _tried(self, build: Build, place: Path, log: IO[bytes]) -> tuple[Verdict, dict[str, str]]:
        harness = copy_harness(self.folder.absolute() / HARNESS)
        base = own_requirements()
        wanted = requirements(self.family, build, base)
        free = (self.family.project, *self.family.companions)
        try:
            environment = make_environment(place, harness, wanted, held_versions(base, free), log)
        except NotInstallable as refusal:
            # Raises where the index is out of reach: no build could be installed then.
            offered(build.project)
            return Verdict(Answer.SKIP, f"cannot be installed: {refusal}", None), {}
        installed = environment.installed()
        if self.command[0] in JUDGES and not self._is_importable(environment, log):
            return Verdict(Answer.SKIP, f"{self.family.module} cannot be imported", None), installed
        verdict = judged(self.command, environment, self.folder / "runs", log)
        return verdict, installed

    def _is_importable(self, environment: Environment, log: IO[bytes]) -> bool:
        command = [str(environment.python), "-P", "-c", f"import {self.family.module}"]
        return not run_to_end(command, log, environment.variables())

    @contextlib.contextmanager
    def _place(self, name: str) -> Iterator[Path]:
        if not self.keep:
            with scratch() as folder:
                yield folder / "environment"
            return
        place = self.folder.absolute() / "environments" / name
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place

    def _require_room(self, folder: Path) -> None:
        free = shutil.disk_usage(folder).free / _GIB
        if free < self.room_gib:
            raise ArtefactError(
                "no room for an environment",
                expected=f"{self.room_gib:g} GiB",
                got=f"{free:.1f} GiB",
                where=folder,
                next_step="make room, or name another folder in the environment variable TMPDIR",
            )
