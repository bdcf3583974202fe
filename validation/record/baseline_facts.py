"""The compact facts of a run that later runs are compared with, and the file that holds them.

One JSON document, a line for each file under test, so that what an update changed can be read in a
diff. A run keeps a copy of what it was compared with in its own folder.
"""

from __future__ import annotations

import functools
import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from validation.errors import RecordError, RecordVersionError
from validation.files.guard import guarded
from validation.files.structured import refuse_constant, structure, unstructure
from validation.policy.limits import Status
from validation.record.baseline import BaselineSubject, BaselineUpdate
from validation.record.formatting import NO_GROUND_TRUTH, plural
from validation.record.machine_class import MachineClass
from validation.record.run import Artefact, ArtefactRole, Evidence, EvidenceContent
from validation.record.types import Accuracy, CheckResult, ModelKey, OfVariant, Timing
from validation.specs.tensors import TensorSpec

BASELINE_VERSION = 2
BASELINE_FOLDER = "baseline"
# The copy in the folder of a run that was compared.
BASELINE_COPY = f"{BASELINE_FOLDER}/baseline.json"

_SUBJECTS = "subjects"


@dataclass(frozen=True)
class CheckFacts:
    """What one check found.

    Args:
        check: Its name.
        status: Of its result.
        values: Of its measures, by name.
    """

    check: str
    status: Status
    values: dict[str, Any]


@dataclass(frozen=True)
class LatencyFacts:
    """Samples of one number of threads, see `Timing`."""

    runtime: str
    threads: int
    samples_ms: tuple[float, ...]

    @property
    def p50_ms(self) -> float:
        """Median latency in milliseconds."""
        return statistics.median(self.samples_ms)

    def describe(self) -> str:
        """For people: ``LiteRT, 1 thread``."""
        return f"{self.runtime}, {plural(self.threads, 'thread')}"


@dataclass(frozen=True)
class SubjectFacts(OfVariant):
    """One file under test.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        verdict: On it.
        sha256: Of the file; empty where none was made.
        size_bytes: Alike; 0 where none was made.
        inputs: In the file's order.
        outputs: Alike.
        checks: In the order in which they were run.
        ap: COCO average precision, in [0, 1]; None where it was not measured.
        image_files_sha256: See `Accuracy`.
        matches_sha256: Of the evidence that AP was made of; empty where there is none.
        latencies: The one that was judged first.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    verdict: Status
    sha256: str
    size_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    checks: tuple[CheckFacts, ...]
    ap: float | None
    matches_sha256: str
    latencies: tuple[LatencyFacts, ...]
    file: str = ""
    image_files_sha256: str = ""


@dataclass(frozen=True)
class BaselineFacts:
    """A run, as far as later ones are compared with it.

    Args:
        run: Its name.
        started: UTC.
        machine: That it ran on.
        versions: Of packages.
        images_sha256: Of the labelled images; empty where there were none.
        verdict: On the run.
        subjects: In the order of its selection.
        updated: Why the file says this; None for the facts of a run itself.
        limits: Of the policy that judged it, in words.
        version: Of the layout.
    """

    run: str
    started: str
    machine: MachineClass
    versions: dict[str, str]
    images_sha256: str
    verdict: Status
    subjects: tuple[SubjectFacts, ...]
    updated: BaselineUpdate | None = None
    limits: str = ""
    version: int = BASELINE_VERSION

    def of(self, key: ModelKey) -> SubjectFacts | None:
        """The facts of a file; None where the run did not have it."""
        return self._by_identity.get(key.identity)

    @functools.cached_property
    def _by_identity(self) -> Mapping[tuple[str, str, bool], SubjectFacts]:
        return {each.key.identity: each for each in self.subjects}

    def entry_fields(self) -> dict[str, Any]:
        """The fields of a record's `Baseline` that follow from these facts, by name."""
        subjects = (
            BaselineSubject(each.model, each.variant, each.verdict, each.file)
            for each in self.subjects
        )
        return {
            "run": self.run,
            "started": self.started,
            "machine": self.machine,
            "versions": self.versions,
            "verdict": self.verdict,
            "subjects": tuple(subjects),
            "updated": self.updated,
            "limits": self.limits,
        }


def subject_facts(
    key: ModelKey,
    verdict: Status,
    entries: Iterable[object],
    inputs: tuple[TensorSpec, ...] = (),
    outputs: tuple[TensorSpec, ...] = (),
) -> SubjectFacts:
    """The facts of one file, of the entries that a run has of it.

    Args:
        key: Of the file.
        verdict: On it.
        entries: Of the run; those of other files are left out.
        inputs: Of the .tflite.
        outputs: Alike.
    """
    own = [each for each in entries if isinstance(each, OfVariant) and each.key == key]
    file = next((each for each in own if _is_file(each)), None)
    accuracy = next((each for each in own if isinstance(each, Accuracy)), None)
    matches = [
        each.sha256
        for each in own
        if isinstance(each, Evidence) and each.content is EvidenceContent.MATCHES
    ]
    ap = None if accuracy is None else accuracy.figures.ap
    return SubjectFacts(
        key.model,
        key.variant,
        verdict,
        file.sha256 if isinstance(file, Artefact) else "",
        file.size_bytes if isinstance(file, Artefact) else 0,
        inputs,
        outputs,
        tuple(
            CheckFacts(
                each.check, each.status, {measure.name: measure.value for measure in each.measures}
            )
            for each in own
            if isinstance(each, CheckResult)
        ),
        None if ap == NO_GROUND_TRUTH else ap,
        matches[0] if matches else "",
        tuple(
            LatencyFacts(each.runtime, each.threads, each.samples_ms)
            for each in own
            if isinstance(each, Timing) and each.samples_ms
        ),
        key.file,
        "" if accuracy is None else accuracy.image_files_sha256,
    )


def _is_file(entry: object) -> bool:
    return isinstance(entry, Artefact) and entry.role is ArtefactRole.TFLITE


def baseline_bytes(facts: BaselineFacts) -> bytes:
    """The document, a line for each subject; equal facts are equal to the byte."""
    document = unstructure(facts)
    subjects = [json.dumps(each, allow_nan=False) for each in document.pop(_SUBJECTS)]
    head = json.dumps(document, indent=1, allow_nan=False).removesuffix("\n}")
    body = ",\n".join(f"  {each}" for each in subjects)
    lines = f"\n{body}\n " if subjects else ""
    return f'{head},\n "{_SUBJECTS}": [{lines}]\n}}\n'.encode()


def parse_baseline(data: bytes, where: PurePath | str) -> BaselineFacts:
    """The facts that a document holds.

    Args:
        data: Of the document.
        where: Name of its file, for errors.

    Raises:
        RecordVersionError: Another layout.
        RecordError: No baseline, or a field that is missing, unknown or of another type.
    """
    with guarded(RecordError, "the file is no baseline", where=where):
        document = json.loads(data, parse_constant=refuse_constant)
        if not isinstance(document, dict) or _SUBJECTS not in document:
            raise ValueError(f"a JSON document without {_SUBJECTS}")
    version = document.get("version")
    if version != BASELINE_VERSION:
        raise RecordVersionError(
            "the baseline has another layout",
            expected=f"version {BASELINE_VERSION}",
            got=f"version {version}",
            where=where,
            next_step="write it again with --update-baseline",
        )
    return structure(BaselineFacts, document, where=str(where))
