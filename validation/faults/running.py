"""A case judged as `validation run` and `validation judge` judge it, in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.calibration.images import CalibrationImages
from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.checks.running import run_row, stopped
from validation.coco.dataset import load_dataset
from validation.errors import ValidationError
from validation.faults.fault import Case, Thinness
from validation.faults.table import Subject
from validation.policy.limits import Status, worst_status
from validation.policy.load import Policy, load_policy
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import by_directness
from validation.record.formatting import describe_result
from validation.record.lines import Entry
from validation.record.run import Footer, Header
from validation.record.stopped import diagnoses_of_error
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.signoff.findings import Cause
from validation.signoff.rules import judge
from validation.workspace.candidates import Candidate, candidate_of
from validation.workspace.groups import chosen_models
from validation.workspace.products import ProductCache
from validation.workspace.reference_source import ReferenceSource, reference_source
from validation.workspace.session import Session
from validation.zoo.bundled_files import bundled_canaries
from validation.zoo.canaries import Canary, load_canaries

OWN_POLICY = Path(__file__).with_name("policy.toml")
# What a session says that ends before any check: bad options, labels that cannot be read.
SESSION = "session"
# Latency and baseline say nothing of a fault, `guide` is about TensorFlow's tools.
LEFT_OUT = frozenset({"latency", "baseline", "guide"})


@dataclass(frozen=True)
class Found:
    """What the harness said about a case.

    Args:
        statuses: By check and variant.
        said: What results that are not PASS said, by check and variant.
        diagnoses: Those found by looking at the fault itself first.
        verdict: On the case as a whole.
        missing: What evidence the verdict lacks, in words; empty where it lacks none.
        seconds: Wall time.
    """

    statuses: Mapping[tuple[str, str], Status]
    said: Mapping[tuple[str, str], str]
    diagnoses: tuple[Diagnosis, ...]
    verdict: Status
    missing: tuple[str, ...]
    seconds: float


def faults_policy() -> Policy:
    """The built-in policy with what few images ask for."""
    return load_policy(OWN_POLICY)


def run_case(
    case: Case,
    subject: Subject,
    policy: Policy,
    cache_dir: Path,
    runs: Path,
    representative: CalibrationImages | None,
) -> Found:
    """Run every check on a case.

    Args:
        case: What the user has.
        subject: What there is of the archive: only a complete one comes with canaries.
        policy: See `faults_policy`.
        cache_dir: Products by content: what a fault leaves alone is made once.
        runs: Folder for what files under test find, of this process alone.
        representative: Images to calibrate with.
    """
    started = time.perf_counter()
    try:
        session = _session(case, subject, policy, cache_dir, runs, representative)
    except ValidationError as error:
        refused = (SESSION, "")
        return Found(
            {refused: Status.FAIL},
            {refused: str(error)},
            diagnoses_of_error(error),
            Status.FAIL,
            (),
            time.perf_counter() - started,
        )
    said: set[Diagnosis] = set()
    entries = [
        entry
        for check in CHECKS
        if check.name not in LEFT_OUT
        for key in session.keys
        if check.covers(key)
        for entry in _entries(check, session, key, said)
    ]
    return _found(entries, session, time.perf_counter() - started)


def _session(
    case: Case,
    subject: Subject,
    policy: Policy,
    cache_dir: Path,
    runs: Path,
    representative: CalibrationImages | None,
) -> Session:
    entries = chosen_models(str(case.archive))
    candidates: tuple[Candidate, ...] = ()
    judged_by: ReferenceSource | None = None
    keys = tuple(ModelKey(entry.name, each) for entry in entries for each in case.variants)
    if case.file is not None:
        work = ProductCache(cache_dir / "work", lambda _: None)
        judged_by = reference_source(case.archive, case.file.stem, work)
        model = case.file.stem if judged_by.entry is None else judged_by.entry.name
        candidates = (candidate_of(model, case.file, case.file.name, judged_by.kind),)
        keys = tuple(each.key for each in candidates)
    return Session(
        entries=entries,
        keys=keys,
        policy=policy,
        dataset=load_dataset(case.annotations, case.images, box_format=case.box_format),
        canaries=_canaries(subject.thinness),
        labels=None,
        cache_dir=cache_dir,
        offline=True,
        image_workers=1,
        representative=None if entries[0].quantised else representative,
        runs=runs,
        candidates=candidates,
        judged_by=judged_by,
    )


def _canaries(thinness: Thinness) -> tuple[Canary, ...]:
    """Who has a whole archive has canaries of its classes too; the others have the photographs."""
    has_own = thinness in (Thinness.COMPLETE, Thinness.FLOAT_ALONE)
    return load_canaries(bundled_canaries()) if has_own else load_canaries()


def _entries(check: Check, session: Session, key: ModelKey, said: set[Diagnosis]) -> list[Entry]:
    """What a check gives; an error is its result, as in a session of pytest."""
    try:
        return run_row(check, session.context(key))
    except Exception as error:
        return stopped(check.name, key, error, said)


def _found(entries: list[Entry], session: Session, seconds: float) -> Found:
    results = tuple(each for each in entries if isinstance(each, CheckResult))
    diagnoses = tuple(each for each in entries if isinstance(each, Diagnosis))
    failed = any(each.status is Status.FAIL for each in results)
    record = Record(
        Header(
            "faults",
            "",
            session.keys,
            *({}, {}, {}),
            "",
            policy_overlay=session.policy.overlay,
            given=tuple(each.for_header(session.feed) for each in session.candidates),
        ),
        results,
        diagnoses=diagnoses,
        footer=Footer("", seconds, len(results), int(failed)),
    )
    findings = [
        each
        for each in judge(record, session.policy).run.findings
        if each.cause is not Cause.MISSING or each.check not in LEFT_OUT
    ]
    missing = [
        # Kept in a document, which is of no machine.
        each.result.explanation.replace(f"{session.cache_dir}/", "")
        for each in findings
        if each.result is not None
        and each.cause is Cause.RESULT
        and (each.status is Status.UNKNOWN or each.check == "evidence")
    ]
    return Found(
        _worst(results),
        {
            (each.check, each.variant): describe_result(each)
            for each in results
            if each.status is not Status.PASS
        },
        by_directness(diagnoses),
        worst_status([Status.PASS, *(each.status for each in findings)]),
        tuple(dict.fromkeys(filter(None, missing))),
        seconds,
    )


def _worst(results: tuple[CheckResult, ...]) -> dict[tuple[str, str], Status]:
    statuses: dict[tuple[str, str], Status] = {}
    for each in results:
        at = (each.check, each.variant)
        statuses[at] = worst_status([each.status, statuses.get(at, Status.PASS)])
    return statuses
