"""The end of a run: its record made whole and its pages written, wherever there is room."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ArtefactError, ValidationError, first_few
from validation.files.atomic import write_bytes_atomic
from validation.files.temporary import folder_to_keep
from validation.policy.load import Policy
from validation.record.history import keep_past_run
from validation.record.policy_files import BUILT_IN_POLICY, keep_policy
from validation.record.store import RECORD_NAME, Record, load_record, parse_record
from validation.report.render import render_report
from validation.signoff.past_run import past_run
from validation.signoff.rules import Judgement, judge


@dataclass(frozen=True)
class Ended:
    """What became of a run's files.

    Args:
        record: As it was read back; as it was written, where no disk took it.
        judgement: Of that record.
        folder: Holds record and pages; None where no disk took them.
        lost: What could not be written, a line each.
    """

    record: Record
    judgement: Judgement
    folder: Path | None
    lost: tuple[str, ...]


def end_run(data: bytes, folder: Path, policy: Policy) -> Ended:
    """Make the record whole, judge it and write the pages.

    Where the run's folder does not take them, a new one among the system's temporary files does,
    with whatever of the run's files can be copied there.

    Args:
        data: The whole record.
        folder: Of the run.
        policy: Of the run.

    Raises:
        RecordError: The record does not agree with itself.
    """
    lost: list[str] = []
    places: tuple[Callable[[], Path], ...] = (lambda: folder, lambda: _elsewhere(folder))
    for place in places:
        at = folder
        try:
            at = place()
            record, judgement = _write(at, data, policy, history=at == folder)
        except OSError as error:
            lost.append(f"record and pages: {error.strerror or error} ({at})")
        except ValidationError as error:
            lost.append(f"record and pages: {error}")
        else:
            return Ended(record, judgement, at, (*lost, *_missing(record, at)))
    shutil.rmtree(at.parent if at != folder else at / "none", ignore_errors=True)
    record = parse_record(data, folder / RECORD_NAME)
    return Ended(record, judge(record, policy), None, tuple(lost))


def _write(folder: Path, data: bytes, policy: Policy, *, history: bool) -> tuple[Record, Judgement]:
    path = folder / RECORD_NAME
    # Not there, torn by a full disk, or of a folder that was removed while it was written.
    if not path.is_file() or path.read_bytes() != data:
        write_bytes_atomic(path, data, make_folder=True)
    if not (folder / BUILT_IN_POLICY).is_file():
        keep_policy(policy, folder)
    record = load_record(path)
    judgement = judge(record, policy)
    # The record itself has all of it: no run fails for what is only drawn.
    with contextlib.suppress(ArtefactError, OSError):
        if history:
            most = int(policy.setting("history_runs"))
            keep_past_run(past_run(record, judgement), folder.parent, most)
    render_report(folder, record, judgement, policy)
    return record, judgement


def _elsewhere(folder: Path) -> Path:
    other = folder_to_keep() / folder.name
    with contextlib.suppress(OSError, shutil.Error):
        shutil.copytree(folder, other)
    return other


def _missing(record: Record, folder: Path) -> list[str]:
    """Files of the run that its record names and its folder lacks."""
    kept = [each.path for each in record.artefacts] + [each.path for each in record.evidence]
    gone = [path for path in dict.fromkeys(kept) if path and not (folder / path).is_file()]
    return [f"no longer in the run's folder: {first_few(gone)}"] if gone else []
