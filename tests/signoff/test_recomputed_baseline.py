"""What a record says of AP against its baseline follows from the matches that it kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_matches import drawn_matches

from validation.coco.intervals import ap_difference
from validation.coco.matches import Matches, write_matches
from validation.coco.precision import mean_present, precision
from validation.comparison.baseline import Evidence as ComparedBy
from validation.comparison.baseline import compare_subject
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.ap_difference import ApDifference
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineComparison,
    BaselineKind,
    Outcome,
    Why,
)
from validation.record.baseline_facts import BaselineFacts, baseline_bytes
from validation.record.coco_figures import CocoFigures
from validation.record.machine_class import MachineClass
from validation.record.run import DatasetFacts, Evidence, EvidenceContent, Footer, Header
from validation.record.store import Record
from validation.record.types import Accuracy, ModelKey
from validation.signoff.recomputed_baseline import baseline_contradictions
from validation.signoff.run_facts import facts_of

_KEY = ModelKey("m", "int8")
_POLICY = dataclasses.replace(
    load_policy(), settings={**load_policy().settings, "bootstrap_replicates": 60}
)
_SEED = int(_POLICY.setting("bootstrap_seed"))
_PATH = "baseline/baseline.json"
_NOW, _BEFORE = "evidence/now.npz", "evidence/before.npz"


def _drawn(seed: int, found: float) -> Matches:
    """Without the last category, of whose three objects half of any difference is made."""
    whole = drawn_matches(seed, images=200, found=found)
    return dataclasses.replace(
        whole, category_ids=whole.category_ids[:-1], categories=whole.categories[:-1]
    )


def _of(matches: Matches, path: str, content: EvidenceContent) -> Evidence:
    return Evidence("m", "int8", path, path, 1, len(matches.image_ids), content)


def _run(matches: Matches, *evidence: Evidence) -> Record:
    ap = mean_present(precision(matches)[..., matches.areas.index("all")])
    return Record(
        Header("r", "now", (_KEY,), {}, {}, {}, "0" * 64, dataset=DatasetFacts("d", "1", 40, 99)),
        accuracies=(Accuracy("m", "int8", "x", CocoFigures(*[ap] * 12), 40, (1,), 9, 0.0),),
        evidence=evidence,
        footer=Footer("now", 1.0, 0, 0),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Matches], tuple[Record, dict]]:  # type: ignore[type-arg]
    """A run that was compared with one of other detections, and the files that it kept."""
    folder: Path = tmp_path_factory.mktemp("matches")

    def make(before: Matches) -> tuple[Record, dict[str, bytes]]:
        now = _drawn(2, found=0.4)
        sides = (before, _BEFORE), (now, _NOW)
        files = {}
        for matches, path in sides:
            write_matches(folder / Path(path).name, matches)
            files[path] = (folder / Path(path).name).read_bytes()
        first = facts_of(
            _run(before, _of(before, _BEFORE, EvidenceContent.MATCHES)), _KEY, Status.PASS, {}
        )
        machine = MachineClass.of({})
        facts = BaselineFacts("r0", "then", machine, {}, "1", Status.PASS, (first,))
        files[_PATH] = baseline_bytes(facts)
        run = _run(
            now,
            _of(now, _NOW, EvidenceContent.MATCHES),
            _of(before, _BEFORE, EvidenceContent.BASELINE_MATCHES),
        )
        same, found = before.same_data(now), None
        if same:
            replicates = int(_POLICY.setting("bootstrap_replicates"))
            found = ap_difference(_KEY, "", before, now, replicates, _SEED)
        compared = _compared(run, facts, found, same)
        entry = Baseline(
            BaselineKind.RUN,
            "r0",
            **facts.entry_fields(),
            path=_PATH,
            sha256="0",
            size_bytes=1,
        )
        return dataclasses.replace(run, baseline=entry, baseline_comparisons=(compared,)), files

    return make


def _compared(
    run: Record, facts: BaselineFacts, found: ApDifference | None, same: bool
) -> BaselineComparison:
    now = facts_of(run, _KEY, Status.UNKNOWN, {})
    by = ComparedBy({}, same, found, None, (), True)
    return compare_subject(_KEY, facts.of(_KEY), now, by, _POLICY)


def _said(record: Record, files: dict[str, bytes], *, redraw: bool) -> list[str]:
    found = baseline_contradictions(record, _POLICY, files, redraw=redraw)
    return [f"{each.what}: {each.right} is {each.got}" for each in found]


def _with_ap(record: Record, **changed: object) -> Record:
    (comparison,) = record.baseline_comparisons

    def taken(change: AspectChange) -> AspectChange:
        is_ap = change.aspect is Aspect.AP
        return dataclasses.replace(change, **changed) if is_ap else change  # type: ignore[arg-type]

    moved = dataclasses.replace(comparison, changes=tuple(map(taken, comparison.changes)))
    return dataclasses.replace(record, baseline_comparisons=(moved,))


@pytest.mark.parametrize("redraw", [True, False])
@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": Outcome.SAME, "why": Why.WITHIN_SHARE},
        {"outcome": Outcome.BETTER},
        {"outcome": Outcome.UNKNOWN, "why": Why.NO_MATCHES, "interval": None},
        {"outcome": Outcome.SAME, "why": Why.RANKED_ALIKE, "interval": None, "estimate": 0.0},
    ],
    ids=["same", "better", "no matches", "ranked alike"],
)
def test_a_loss_cannot_be_called_otherwise(
    made: Callable[[Matches], tuple[Record, dict[str, bytes]]],
    changed: dict[str, object],
    redraw: bool,
) -> None:
    """With the images drawn again and without: what follows from the interval is judged again."""
    record, files = made(_drawn(1, found=0.9))
    (ap,) = record.baseline_comparisons[0].of(Aspect.AP)
    assert ap.outcome is Outcome.WORSE
    assert _said(record, files, redraw=redraw) == []
    assert json.loads(files[_PATH])["run"] == "r0"
    assert _said(_with_ap(record, **changed), files, redraw=redraw)


@pytest.mark.parametrize("redraw", [True, False])
def test_matches_of_other_categories(
    made: Callable[[Matches], tuple[Record, dict[str, bytes]]], redraw: bool
) -> None:
    """Another label map joins other categories: that is what the comparison says, and is proved."""
    record, files = made(drawn_matches(1, found=0.9))
    (ap,) = record.baseline_comparisons[0].of(Aspect.AP)
    assert (ap.outcome, ap.why) == (Outcome.UNKNOWN, Why.OTHER_IMAGES)
    assert _said(record, files, redraw=redraw) == []
    assert _said(_with_ap(record, why=Why.NO_MATCHES), files, redraw=redraw)
