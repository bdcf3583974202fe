"""A run that looks like a real one and is small: two files, their evidence, a policy of its own."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from validation.policy.limits import Limit
from validation.policy.load import Policy, PolicyFiles, policy_from
from validation.record.coco_figures import CocoFigures
from validation.record.detection_files import write_detections
from validation.record.detections import Detections
from validation.record.evidence import keep_evidence
from validation.record.kept_files import tflite_name
from validation.record.lines import Entry
from validation.record.policy_files import keep_policy
from validation.record.run import (
    Artefact,
    ArtefactRole,
    DatasetFacts,
    Evidence,
    Footer,
    GivenFile,
    Header,
)
from validation.record.store import RecordWriter
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.signoff.envelope import KeyPair, sign
from validation.signoff.signing import Proposal, Signatory
from validation.specs.references import ReferenceKind

__all__ = [
    "ENVELOPE",
    "FLOAT",
    "GIVEN",
    "GIVEN_FLOAT",
    "GIVEN_INT8",
    "INT8",
    "JANE",
    "Files",
    "envelope_of",
    "files_of",
    "lay_out_signoff_page",
    "write_signable_run",
]

Files = dict[str, bytes]

JANE = Signatory("Jane Roe", "2026-01-03T09:00:00Z", "0.1.0")
ENVELOPE = "signoff-2026-01-03T09-00-00Z.dsse.json"

FLOAT, INT8 = ModelKey("person", "float"), ModelKey("person", "int8")
GIVEN_FLOAT = ModelKey("person", "float", "detect.tflite")
GIVEN_INT8 = ModelKey("person", "int8", "vendor/detect.tflite")
# What a run of both has beside the variants, and what judges each.
GIVEN = {GIVEN_FLOAT: ReferenceKind.GRAPH, GIVEN_INT8: ReferenceKind.GRAPH}
REFERENCE_AP = 0.195
# A little apart from each other and from the variants, and inside of the limits.
_APS = {FLOAT: REFERENCE_AP, GIVEN_FLOAT: 0.194, GIVEN_INT8: 0.188}

_POLICY = """\
version = 1

[setting.timing_rounds]
value = 5
min = 1
whole = true
reason = "few"

[required]
tflite_contract = "*"
accuracy = "*"
latency = "*"
quantisation = "int8"

[[limit]]
check = "accuracy"
measure = "images"
min = 20
beyond = "unknown"
reason = "fewer say nothing"

[[limit]]
check = "accuracy"
measure = "ap_drop"
max = 0.02
warn = 0.01
reason = "two points"

[[limit]]
check = "latency"
measure = "p95_ms"
max = 50
reason = "twenty frames a second"

[[limit]]
check = "quantisation"
measure = "sqnr_db"
min = 10
reason = "below it nothing is left"
"""
_OWN_POLICY = """\
version = 1

[[limit]]
check = "latency"
measure = "p95_ms"
max = 40
reason = "one frame at 25 frames a second"
"""

# One entry after the other, before it is written.
Change = Callable[[Entry], Entry | None]


def write_signable_run(
    folder: Path,
    *,
    ap: float = 0.19,
    images: int = 24,
    own_policy: bool = False,
    change: Change | None = None,
    ended: bool = True,
    exit_code: int = 0,
    given: Mapping[ModelKey, ReferenceKind] | None = None,
) -> Path:
    """Write a run into a folder that is not there yet.

    Args:
        folder: Of the run.
        ap: Of the int8 file; the reference has 0.195 and two points may be lost.
        images: That were scored; below 20 nothing is known.
        own_policy: The run had a policy of the user's own.
        change: Changes an entry, or leaves it out.
        ended: With a footer.
        exit_code: Of the session.
        given: Files that were made elsewhere, see `GIVEN`.
    """
    keys = (FLOAT, INT8, *(given or ()))
    aps = {key: _APS.get(key, ap) for key in keys}
    own = _OWN_POLICY.encode() if own_policy else None
    policy = policy_from(PolicyFiles(_POLICY.encode(), own), "policy.toml")
    with closing(RecordWriter(folder).open()) as writer:
        keep_policy(policy, folder)
        writer.write(_header(policy, images, keys, given or {}))
        for entry in _entries(folder, policy, aps, images):
            changed = entry if change is None else change(entry)
            if changed is not None:
                writer.write(changed)
        if ended:
            writer.close(Footer("2026-01-02T03:05:05Z", 60.0, writer.results, exit_code))
    (folder / "index.html").write_text("<p>made from the record</p>")
    return folder


def files_of(folder: Path) -> Files:
    """Every file of a run by its path, in memory: to be changed there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lay_out_signoff_page(folder: Path) -> None:
    """What docs/signoff.md has below `reports`: a run that passes, and one that loses too much."""
    (folder / "reports").mkdir()
    write_signable_run(folder / "reports" / "night")
    write_signable_run(folder / "reports" / "loss", ap=0.16)


def envelope_of(proposal: Proposal, keys: KeyPair) -> bytes:
    """The signed file of a proposal that was accepted."""
    assert proposal.statement is not None, proposal.reasons
    return sign(proposal.statement.to_bytes(), keys.private, "jane.pem")


def _header(
    policy: Policy,
    images: int,
    keys: tuple[ModelKey, ...],
    given: Mapping[ModelKey, ReferenceKind],
) -> Header:
    return Header(
        run="2026-01-02-night",
        started="2026-01-02T03:04:05Z",
        selection=keys,
        options={"zoo": "person"},
        versions={"harness": "0.1.0", "tensorflow": "2.21.0"},
        machine={"cores": "2"},
        policy_sha256=policy.sha256,
        dataset=DatasetFacts("coco-tiny", "b2" * 32, images, 216),
        policy_overlay=policy.overlay,
        given=tuple(
            GivenFile(
                key.model, key.variant, key.file, hashlib.sha256(_content(number)).hexdigest(), kind
            )
            for number, (key, kind) in enumerate(given.items(), 3)
        ),
    )


def _content(number: int) -> bytes:
    """Of the judged files, each other bytes; the variants are 1 and 2."""
    return bytes((number * 37 + index) % 256 for index in range(200))


def _entries(
    folder: Path, policy: Policy, aps: Mapping[ModelKey, float], images: int
) -> Iterable[Entry]:
    figures = CocoFigures(REFERENCE_AP, 0.45, 0.14, -1, 0.2, 0.4, 0.09, 0.24, 0.29, -1, 0.31, 0.51)
    graph = ModelKey("person", "reference")
    accuracies = {
        key: Accuracy(
            "person",
            key.variant,
            "graph" if key == graph else f"{key.label} .tflite",
            dataclasses.replace(figures, ap=ap),
            images,
            (1,),
            48,
            0.0,
            file=key.file,
        )
        for key, ap in {graph: REFERENCE_AP, **aps}.items()
    }
    for number, (key, accuracy) in enumerate(accuracies.items()):
        yield _evidence(folder, key, images, number)
        yield accuracy
    for number, key in enumerate(aps, 1):
        data = _content(number)
        path = folder / "files" / tflite_name(key)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        yield Artefact(
            "person",
            ArtefactRole.TFLITE,
            key.variant,
            path.name,
            sha256,
            len(data),
            path=f"files/{path.name}",
            file=key.file,
        )
        samples = (9.0, 9.5, 10.0, 14.0, 9.25)
        timing = Timing("person", key.variant, "LiteRT", 1, 2, samples, file=key.file)
        yield timing
        yield from _results(key, policy, accuracies[key], timing)


def _results(
    key: ModelKey, policy: Policy, accuracy: Accuracy, timing: Timing
) -> Iterable[CheckResult]:
    outputs = Measure("outputs", 4, Limit("equal", 4, "the op has four"))
    yield CheckResult.judged("tflite_contract", key, (outputs,))
    drop = REFERENCE_AP - accuracy.figures.ap
    values = {"images": accuracy.images, "ap_drop": max(drop, 0.0)}
    measures = Measure.limited(values, policy, "accuracy", key)
    interval = (drop - 0.004, drop + 0.004) if drop else None
    found = (measures[0], dataclasses.replace(measures[1], interval=interval))
    yield CheckResult.judged("accuracy", key, (*found, Measure("ap", accuracy.figures.ap)))
    latency = Measure.limited({"p95_ms": timing.p95_ms}, policy, "latency", key)
    yield CheckResult.judged("latency", key, latency)
    if key.variant == "int8":
        sqnr = Measure.limited({"sqnr_db": 24.5}, policy, "quantisation", key)
        yield CheckResult.judged("quantisation", key, sqnr)
    yield CheckResult.unknown("canaries", key, "no canary shows a person")


def _evidence(folder: Path, key: ModelKey, images: int, number: int) -> Evidence:
    path = folder / "detections.npz"
    box = ((0.1, 0.2, 0.8, 0.6 + number / 100),)
    write_detections(path, {str(key): Detections(box, (0.9,), (1,)) for key in range(images)})
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    found = Evidence("person", key.variant, str(path), sha256, len(data), images, file=key.file)
    kept = keep_evidence(found, folder)
    path.unlink()
    return kept
