"""What runs leave for later ones: a baseline with its matches, a past run, a search of versions."""

from __future__ import annotations

import zipfile
from pathlib import Path

from validation.bisection.families import Build
from validation.bisection.search import Answer
from validation.bisection.state import Question, Stage, State, Trial, save_state
from validation.policy.limits import Status
from validation.record.baseline import BaselineUpdate
from validation.record.baseline_facts import (
    BaselineFacts,
    CheckFacts,
    LatencyFacts,
    SubjectFacts,
    baseline_bytes,
)
from validation.record.history import keep_past_run
from validation.record.store import RECORD_NAME, load_record
from validation.signoff.past_run import past_run
from validation.signoff.rules import judge
from validation.specs.tensors import TensorSpec
from validation.workspace.given_baseline import matches_file

__all__ = ["write_compared", "write_search"]


def write_compared(folder: Path, run: Path) -> None:
    """Write both of a run: what a later one is compared with, and its figures for the history."""
    record = load_record(run / RECORD_NAME)
    verdict = judge(record)
    ran = past_run(record, verdict)
    keep_past_run(ran, folder / "past", 1)
    (matches, *_) = sorted((run / "evidence").glob("*.npz"))
    spec = TensorSpec("boxes", "uint8", (1, 2, 4), 0.5, 3)
    subject = SubjectFacts(
        model="person",
        variant="float",
        verdict=Status.PASS,
        sha256="ab" * 32,
        size_bytes=200,
        inputs=(spec,),
        outputs=(spec, spec),
        checks=(CheckFacts("accuracy", Status.PASS, {"ap": 0.25, "name": "x"}),),
        ap=0.25,
        matches_sha256=matches.stem,
        latencies=(LatencyFacts("LiteRT", 1, (1.5, 2.5)),),
    )
    update = BaselineUpdate("the release", "Jane", "2026-01-03T09:00:00Z", "1.0")
    facts = BaselineFacts(
        *(ran.run, ran.started, ran.machine, ran.versions, ran.images_sha256, ran.verdict),
        (subject,),
        update,
    )
    (folder / "baseline").mkdir()
    path = folder / "baseline" / "baseline.json"
    path.write_bytes(baseline_bytes(facts))
    with zipfile.ZipFile(matches_file(path), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(matches.name), matches.read_bytes())


def write_search(folder: Path) -> None:
    """Write a search of versions that was interrupted."""
    builds = tuple(Build("tensorflow", f"2.{minor}.0") for minor in range(16, 22))
    question = Question("tensorflow", ("run",), "2.16.0", "2.21.0", False, True, "3.11")
    state = State.of(question, Stage(builds, builds[-1], builds[0], False), ("2.15.0",))
    for build, answer in (
        (builds[0], Answer.GOOD),
        (builds[-1], Answer.BAD),
        (builds[2], Answer.SKIP),
    ):
        state = state.with_trial(Trial(build, answer, "exit code 0", 0, 9.5, {"a": "1"}, "1.log"))
    save_state(folder, state)
