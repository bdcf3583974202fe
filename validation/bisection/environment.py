"""A fresh virtual environment with one build of a package, and this process's harness in it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import stat
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import IO

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import validation
from validation.bisection.index import pip_command
from validation.bisection.processes import own_variables, run_to_end
from validation.errors import ArtefactError
from validation.files.atomic import atomic_folder, said_clearly

_PROJECT = "ssd-tflite-validation"
_PACKAGE = Path(validation.__file__).parent
_SUITES = "suites"
_SCRIPT = """#!{python}
import sys

from validation.entry import main

# Child processes import this file as well.
if __name__ == "__main__":
    sys.exit(main())
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Args:
        folder: Where it lies.
    """

    folder: Path

    @property
    def programs(self) -> Path:
        """The folder of its programs, which comes first in PATH."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / "python"

    @property
    def packages(self) -> Path:
        """The folder of what is installed in it."""
        return next((self.folder / "lib").glob("python*/site-packages"))

    def variables(self) -> dict[str, str]:
        """The process's environment variables, with this environment active."""
        own = own_variables()
        path = os.pathsep.join([str(self.programs), own.get("PATH", os.defpath)])
        return {**own, "VIRTUAL_ENV": str(self.folder), "PATH": path}

    def installed(self) -> dict[str, str]:
        """Version of each project in it."""
        found = importlib.metadata.distributions(path=[str(self.packages)])
        return {canonicalize_name(each.name): each.version for each in found}


class NotInstallable(Exception):
    """pip refused; the message is the last that it said."""


def own_requirements() -> tuple[str, ...]:
    """What the harness needs, as its project says it; from a checkout that is not installed too.

    Raises:
        ArtefactError: Neither metadata nor a pyproject.toml is there.
    """
    try:
        stated = importlib.metadata.requires(_PROJECT) or []
    except PackageNotFoundError:
        path = _PACKAGE.with_name("pyproject.toml")
        try:
            stated = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"]
        except OSError as error:
            raise ArtefactError(
                "what the harness needs is not known",
                expected=f"the installed project {_PROJECT}, or its checkout",
                where=_PACKAGE,
                next_step="install it with pip",
            ) from error
    return tuple(each for each in stated if "extra ==" not in each)


def copy_harness(folder: Path) -> Path:
    """A copy of the harness's code: every version is judged by the same, whatever is edited.

    Args:
        folder: Where it lies, or is made.

    Raises:
        ArtefactError: It cannot be made.
    """
    if folder.is_dir():
        return folder
    suites = _PACKAGE.with_name(_SUITES)
    leave_out = shutil.ignore_patterns("__pycache__")
    with said_clearly(folder, make_folder=True), atomic_folder(folder) as made:
        shutil.copytree(_PACKAGE, made / _PACKAGE.name, ignore=leave_out)
        if not (_PACKAGE / _SUITES).is_dir():
            shutil.copytree(suites, made / _SUITES, ignore=leave_out)
    return folder


def held_versions(requirements: Sequence[str], free: Sequence[str]) -> tuple[str, ...]:
    """The versions that this process has of what is installed, as constraints of pip.

    Args:
        requirements: Of the harness.
        free: Projects that may have any version.
    """
    held = []
    for each in requirements:
        name = canonicalize_name(Requirement(each).name)
        try:
            version = importlib.metadata.version(name)
        except PackageNotFoundError:
            continue
        if name not in free:
            held.append(f"{name}=={version}")
    return tuple(held)


def make_environment(
    folder: Path,
    harness: Path,
    requirements: Sequence[str],
    held: Sequence[str],
    log: IO[bytes],
) -> Environment:
    """Make an environment and install into it.

    Args:
        folder: Empty, or not there.
        harness: Folder of a copy of the harness, see `copy_harness`.
        requirements: As pip takes them.
        held: Constraints; where pip finds no versions within them, it is asked again without.
        log: Gets what pip prints.

    Returns:
        The environment.

    Raises:
        NotInstallable: pip refused.
        ArtefactError: The folder cannot be written.
    """
    try:
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
        environment = Environment(folder)
        constraints = folder / "constraints.txt"
        constraints.write_text("".join(f"{each}\n" for each in held), encoding="utf-8")
        _put_harness_into(environment, harness)
    except OSError as error:
        raise ArtefactError(
            "the environment cannot be made",
            got=error.strerror or error,
            where=folder,
            next_step="make room, or name another folder in the environment variable TMPDIR",
        ) from error
    options = ("install", "--progress-bar=off", *requirements)
    if held and not _pip(environment, [*options, f"--constraint={constraints}"], log):
        return environment
    said = _pip(environment, options, log)
    if said:
        raise NotInstallable(said)
    return environment


def _pip(environment: Environment, arguments: Sequence[str], log: IO[bytes]) -> str:
    """Empty where it succeeds; the last that it said where it does not."""
    where = ("--python", str(environment.python))
    begin = log.tell()
    code = run_to_end(pip_command(*where, *arguments), log, own_variables())
    if not code:
        return ""
    log.flush()
    with Path(log.name).open("rb") as printed:
        printed.seek(begin)
        lines = printed.read().decode("utf-8", "replace").splitlines()
    said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return said[-1] if said else f"exit code {code}"


def _put_harness_into(environment: Environment, harness: Path) -> None:
    (environment.packages / "harness.pth").write_text(f"{harness}\n", encoding="utf-8")
    script = environment.programs / "validation"
    script.write_text(_SCRIPT.format(python=environment.python), encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
