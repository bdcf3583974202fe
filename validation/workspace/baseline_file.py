"""A baseline file made of a run: compact facts, and the matches that intervals are made of."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from validation.errors import ArtefactMissing
from validation.files.atomic import write_together
from validation.record.baseline import BaselineUpdate
from validation.record.baseline_facts import BaselineFacts, baseline_bytes
from validation.record.run import EvidenceContent
from validation.record.store import RECORD_NAME, Record, load_record
from validation.record.types import REFERENCE
from validation.signoff.rules import judge
from validation.signoff.run_facts import run_facts
from validation.signoff.run_files import RunFiles
from validation.workspace.given_baseline import matches_file

# ZIP has no time before it; without times, equal matches have equal bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_baseline(path: Path, run_folder: Path, update: BaselineUpdate) -> BaselineFacts:
    """Write a baseline file and its matches, both or none.

    Args:
        path: Of the file; one that is there is replaced.
        run_folder: Of the run that it is made of.
        update: Who, when and why.

    Raises:
        ValidationError: The run is not whole.
        OSError: The files cannot be written.
    """
    record, files = load_record(run_folder / RECORD_NAME), RunFiles(run_folder)
    facts = replace(run_facts(record, judge(record), files), updated=update)
    target = path.absolute()
    write_together(
        target.parent,
        {matches_file(target).name: _matches(record, files), target.name: baseline_bytes(facts)},
    )
    return facts


def _matches(record: Record, files: RunFiles) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for evidence in record.evidence:
            if evidence.content is not EvidenceContent.MATCHES or evidence.variant == REFERENCE:
                continue
            name = f"{evidence.sha256}.npz"
            if name in archive.namelist():
                continue
            if evidence.path not in files:
                raise ArtefactMissing("matches of the run are not there", where=evidence.path)
            member = zipfile.ZipInfo(name, _NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[evidence.path])
    return held.getvalue()
