"""The versions that the user's package index offers, as the user's own pip sees them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterable, Sequence

from packaging.version import InvalidVersion, Version

from validation.bisection.processes import own_variables
from validation.errors import DownloadFailed, UsageError

# Whose wheels are asked for, to name the releases that this Python cannot have.
_OTHER_PYTHONS = tuple(f"3.{minor}" for minor in range(9, 15))
_VERSIONS = "Available versions: "


def pip_command(*arguments: str) -> list[str]:
    """A command line of the pip that this Python has; the user's settings of it hold.

    Raises:
        UsageError: There is none.
    """
    if importlib.util.find_spec("pip") is None:
        raise UsageError(
            "pip is not installed beside the harness",
            where=sys.prefix,
            next_step="`python -m ensurepip` installs it",
        )
    options = ("--disable-pip-version-check", "--no-input")
    return [sys.executable, "-m", "pip", *arguments, *options]


def offered(project: str, *, python: str | None = None) -> tuple[str, ...]:
    """Versions that can be installed, oldest first, pre-releases included, yanked ones not.

    Args:
        project: On the package index.
        python: Version of another Python; None: this one.

    Raises:
        DownloadFailed: The index names none.
    """
    more = () if python is None else ("--python-version", python, "--only-binary=:all:")
    command = pip_command("index", "versions", project, "--pre", *more)
    variables = own_variables()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    lines = done.stdout.splitlines()
    listed = next((line for line in lines if line.startswith(_VERSIONS)), None)
    if done.returncode or listed is None:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise DownloadFailed(
            f"the package index offers no version of {project}",
            got=(said or ["no answer"])[-1].removeprefix("ERROR: "),
            where=None if python is None else f"Python {python}",
            next_step="check the network and `pip config list`",
        )
    return in_order(each.strip() for each in listed.removeprefix(_VERSIONS).split(","))


def in_order(versions: Iterable[str]) -> tuple[str, ...]:
    """Versions from the oldest to the newest, each once; what is no version is left out."""
    known: dict[Version, str] = {}
    for each in versions:
        parsed = _parsed(each)
        if parsed is not None:
            known.setdefault(parsed, each)
    return tuple(known[each] for each in sorted(known))


def final(versions: Iterable[str]) -> tuple[str, ...]:
    """Those that are neither pre-releases nor builds of a night."""
    return tuple(each for each in versions if not Version(each).is_prerelease)


def between(versions: Iterable[str], low: str, high: str) -> tuple[str, ...]:
    """Those that are newer than one version and older than another."""
    return tuple(each for each in versions if Version(low) < Version(each) < Version(high))


def for_other_pythons(project: str, here: Sequence[str]) -> tuple[str, ...]:
    """Releases that the index has for another Python and not for this one, oldest first.

    Args:
        project: On the package index.
        here: What it offers for this one.
    """
    found: set[str] = set()
    for python in _OTHER_PYTHONS:
        try:
            found |= set(offered(project, python=python))
        except DownloadFailed:
            continue
    known = {Version(each) for each in here}
    return tuple(each for each in final(in_order(found)) if Version(each) not in known)


def is_version(typed: str, version: str) -> bool:
    """Whether a version that was typed, `1.9` for `1.9.0` too, is one of the index."""
    return _parsed(typed) == Version(version)


def as_offered(typed: str, versions: Sequence[str], project: str) -> str:
    """A version that was typed, as the index writes it.

    Raises:
        UsageError: It is no version, or the index does not offer it for this Python.
    """
    for each in versions:
        if is_version(typed, each):
            return each
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    raise UsageError(
        f"the package index offers no {project} {typed} for {python}",
        expected=f"one of {len(versions)} versions, {versions[0]} to {versions[-1]}",
        next_step=f"`pip index versions {project}` lists them; yanked ones are left out",
    )


def _parsed(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
