"""The compact facts of a run, of its record and of the files that it kept."""

from __future__ import annotations

from collections.abc import Mapping

from validation.errors import IntegrityError
from validation.policy.limits import Status
from validation.record.baseline_facts import BaselineFacts, SubjectFacts, subject_facts
from validation.record.machine_class import MachineClass
from validation.record.run import ArtefactRole
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.signoff.rules import Judgement
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import describe
from validation.tflite.model import read_model


def run_facts(record: Record, judgement: Judgement, files: Mapping[str, bytes]) -> BaselineFacts:
    """What later runs are compared with.

    Args:
        record: Of the run.
        judgement: On that record.
        files: Bytes by path below the run's folder.

    Raises:
        IntegrityError: A file that the record names is not there.
        ConversionError: One is no .tflite.
    """
    header = record.header
    return BaselineFacts(
        header.run,
        header.started,
        MachineClass.of(header.machine),
        dict(header.versions),
        "" if header.dataset is None else header.dataset.sha256,
        judgement.run.status,
        tuple(
            facts_of(record, key, verdict.status, files)
            for key, verdict in judgement.subjects.items()
        ),
        limits=header.limits,
    )


def facts_of(
    record: Record, key: ModelKey, verdict: Status, files: Mapping[str, bytes]
) -> SubjectFacts:
    """Those of one file; see `run_facts`."""
    inputs, outputs = _tensors(record, key, files)
    return subject_facts(key, verdict, record.of(key), inputs, outputs)


def _tensors(
    record: Record, key: ModelKey, files: Mapping[str, bytes]
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    kept = record.kept(key, ArtefactRole.TFLITE)
    if kept is None:
        return (), ()
    if kept.path not in files:
        raise IntegrityError(
            "a file of the run is not there",
            expected=f"sha256 {kept.sha256}",
            where=kept.path,
            next_step="keep the run's folder whole, or run the suites again",
        )
    file = describe(read_model(files[kept.path], kept.path))
    return file.inputs, file.outputs
