"""The few figures of a run that are kept for the history of all runs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from validation.policy.limits import Status
from validation.record.baseline_facts import subject_facts
from validation.record.formatting import is_number
from validation.record.history import PastRun, PastSubject
from validation.record.machine_class import MachineClass
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.signoff.rules import Judgement


def past_run(record: Record, judgement: Judgement) -> PastRun:
    """Of a record and the judgement on it."""
    header = record.header
    return PastRun(
        header.run,
        header.started,
        MachineClass.of(header.machine),
        dict(header.versions),
        "" if header.dataset is None else header.dataset.sha256,
        judgement.run.status,
        tuple(_subject(record, key, verdict.status) for key, verdict in judgement.subjects.items()),
    )


def _subject(record: Record, key: ModelKey, verdict: Status) -> PastSubject:
    facts = subject_facts(key, verdict, record.of(key))
    results = [each for each in record.of(key) if isinstance(each, CheckResult)]
    used, nearest = max(_used(results), default=(None, ""))
    timing = facts.latencies[0] if facts.latencies else None
    return PastSubject(
        key.model,
        key.variant,
        verdict,
        facts.sha256,
        facts.size_bytes or None,
        facts.ap,
        None if timing is None else timing.p50_ms,
        0 if timing is None else timing.threads,
        used,
        nearest,
        key.file,
        facts.image_files_sha256,
    )


def _used(results: list[CheckResult]) -> Iterator[tuple[float, str]]:
    """How much of each upper limit is used up; latency has a trend of its own."""
    for result in results:
        for measure in result.measures if result.check != "latency" else ():
            limit = measure.limit
            is_upper = limit is not None and limit.relation == "max" and limit.bound > 0
            if limit is None or not is_upper or not is_number(measure.value):
                continue
            if math.isfinite(measure.value):
                yield measure.value / limit.bound, f"{result.check}.{measure.name}"
