"""The few figures of a run that are kept beside all runs, so that a page can show where they went.

One small JSON document a run in ``history/`` of the report folder. Each is written whole and by one
run alone, so that no lock is needed; what is damaged is named and ignored, since the runs' own
records have it all.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.errors import RecordError, ValidationError
from validation.files.atomic import write_bytes_atomic
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.files.structured import refuse_constant, structure, unstructure
from validation.policy.limits import Status
from validation.record.kept_files import plain_name
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey, OfVariant

HISTORY_FOLDER = "history"
HISTORY_VERSION = 2

_SUFFIX = ".json"


@dataclass(frozen=True)
class PastSubject(OfVariant):
    """One file in one run.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        verdict: On it.
        sha256: Of the file; empty where none was made.
        size_bytes: Alike; None where none was made.
        ap: COCO average precision, in [0, 1]; None where it was not measured.
        p50_ms: Median latency of the timing that was judged; None without one.
        threads: Of that timing.
        used: Share of its limit that the measure nearest to one uses up; None without any.
        nearest: That measure, ``check.name``.
        file: See `ModelKey`.
        image_files_sha256: See `Accuracy`.
    """

    model: str
    variant: str
    verdict: Status
    sha256: str
    size_bytes: int | None
    ap: float | None
    p50_ms: float | None
    threads: int
    used: float | None
    nearest: str
    file: str = ""
    image_files_sha256: str = ""


@dataclass(frozen=True)
class PastRun:
    """One run.

    Args:
        run: Its name.
        started: UTC.
        machine: That it ran on.
        versions: Of packages.
        images_sha256: Of the labelled images; empty where there were none.
        verdict: On it.
        subjects: In the order of its selection.
        version: Of the layout.
    """

    run: str
    started: str
    machine: MachineClass
    versions: dict[str, str]
    images_sha256: str
    verdict: Status
    subjects: tuple[PastSubject, ...]
    version: int = HISTORY_VERSION

    def of(self, key: ModelKey) -> PastSubject | None:
        """The figures of a file, a given one whatever its form was; None where it had none."""
        return self._by_identity.get(key.identity)

    @functools.cached_property
    def _by_identity(self) -> Mapping[tuple[str, str, bool], PastSubject]:
        """Each page asks each run for each of its model's files."""
        return {each.key.identity: each for each in self.subjects}


@dataclass(frozen=True)
class History:
    """What was found in a folder of past runs.

    Args:
        runs: The earliest first.
        ignored: Names of files that could not be read, with the reason.
    """

    runs: tuple[PastRun, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()


def keep_past_run(run: PastRun, reports: Path, most: int) -> None:
    """Write the figures of a run, and remove the earliest ones of too many.

    Args:
        run: That has ended.
        reports: Folder that the runs' folders lie in.
        most: How many are kept; 0 keeps none and removes none.

    Raises:
        ArtefactError: They cannot be written.
    """
    if not most:
        return
    folder = reports / HISTORY_FOLDER
    text = json.dumps(unstructure(run), allow_nan=False)
    path = folder / f"{plain_name(run.run)}{_SUFFIX}"
    write_bytes_atomic(path, f"{text}\n".encode(), make_folder=True)
    for old in _files(folder)[:-most]:
        # Another run may have removed it.
        with contextlib.suppress(OSError):
            old.unlink()


def read_history(reports: Path, most: int) -> History:
    """The latest runs of a report folder.

    Args:
        reports: See `keep_past_run`.
        most: How many.
    """
    runs: dict[str, PastRun] = {}
    ignored = []
    for path in _files(reports / HISTORY_FOLDER)[-most:] if most else ():
        try:
            run = _parsed(path)
        except (ValidationError, OSError) as error:
            ignored.append((path.name, str(error)))
        else:
            runs[run.run] = run
    ordered = sorted(runs.values(), key=lambda run: (run.started, run.run))
    return History(tuple(ordered), tuple(ignored))


def _files(folder: Path) -> list[Path]:
    """Names begin with the time, so that the earliest come first."""
    with contextlib.suppress(OSError):
        return sorted(folder.glob(f"[!.]*{_SUFFIX}"))
    return []


def _parsed(path: Path) -> PastRun:
    with guarded(RecordError, "no figures of a run", where=path.name):
        document = json.loads(read_bytes(path, Size.TEXT), parse_constant=refuse_constant)
        if document["version"] != HISTORY_VERSION:
            raise ValueError(f"version {document['version']}")
    return structure(PastRun, document, where=path.name)
