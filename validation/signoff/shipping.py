"""Which of a model's files is to be shipped, and why: pure facts of a record and its judgement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from validation.errors import first_few
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.policy.preference import Prefer
from validation.record.formatting import NO_GROUND_TRUTH, coco_difference, plural
from validation.record.given_files import NO_REFERENCE, given_file
from validation.record.run import Artefact, ArtefactRole
from validation.record.store import Record
from validation.record.types import Accuracy, ModelKey
from validation.signoff.findings import Verdict
from validation.signoff.rules import Judgement, ModelVerdict
from validation.specs.references import ReferenceKind
from validation.specs.variants import VARIANTS

# Up to so many models have a line each at the end of a run.
_FEW_MODELS = 8
# What the file is held against: the same model, not quantised.
_BASE = "float"
_BESIDE = (ArtefactRole.FEEDING, ArtefactRole.LABELS)


@dataclass(frozen=True)
class Choice:
    """The file of a model that is to be shipped.

    Args:
        file: The .tflite, kept in the run's folder.
        beside: Its feeding facts and labels, as far as they are kept.
        status: Its verdict, PASS or WARN.
        prefer: What decided.
        is_measured: False where files lack the figure that was to decide: the smallest is taken.
        candidates: Files of that status, it among them.
        as_good: How many of them the figure that decided does not tell from the best.
        p50_ms: Its latency, with the threads that are judged; None where it was not measured.
        threads: Of that latency.
        base: Label of what the next two are held against; empty where there is no other file.
        ap_change: AP less that of the base; None where one of them is not known.
        speed: How many times as fast as the base it is; None likewise.
        is_as_fast: The two do not differ by more than noise.
        without_reference: It was given, and accuracy alone was judged.
    """

    file: Artefact
    beside: tuple[Artefact, ...]
    status: Status
    prefer: Prefer
    is_measured: bool
    candidates: int
    as_good: int
    p50_ms: float | None = None
    threads: int = 0
    base: str = ""
    ap_change: float | None = None
    speed: float | None = None
    is_as_fast: bool = False
    without_reference: bool = False


@dataclass(frozen=True)
class Shipping:
    """What a model has to ship.

    Args:
        model: Its name.
        choice: None where no file is good enough.
        others: Files with the post-processing op that were not chosen, and their verdicts.
        is_seeded: Its weights are seeded: whatever passes, there is nothing to ship.
    """

    model: str
    choice: Choice | None
    others: Mapping[ModelKey, Status]
    is_seeded: bool = False


@dataclass(frozen=True)
class _Candidate:
    """A file that may be shipped, with the figures that may decide; None: not measured."""

    file: Artefact
    status: Status
    p50_ms: float | None
    threads: int
    ap: float | None

    @property
    def place(self) -> tuple[int, bool, int]:
        """Where figures do not decide: the smaller one, one made here, the order of `VARIANTS`."""
        order = list(VARIANTS).index(self.file.variant)
        return self.file.size_bytes, bool(self.file.file), order


def which_files(record: Record, judgement: Judgement, policy: Policy) -> tuple[Shipping, ...]:
    """What each model has to ship, in the order of the judgement.

    Of the files that end in the post-processing op and are kept in the run's folder, those with
    the verdict PASS, else those with WARN; FAIL and UNKNOWN are never chosen.

    Args:
        record: Of the run.
        judgement: Of that record.
        policy: That it was judged with; says what decides.
    """
    return tuple(_of_model(record, verdict, policy) for verdict in judgement.models)


def describe(shipping: Shipping) -> str:
    """Why that file, or why none."""
    choice = shipping.choice
    if choice is not None:
        given = [f"given as {choice.file.file}"] if choice.file.file else []
        alone = [NO_REFERENCE] if choice.without_reference else []
        return "; ".join([*given, *alone, _chosen(choice), *_held_against(choice)])
    if shipping.is_seeded:
        return "none: the weights are seeded, so that there is nothing to ship"
    if not shipping.others:
        return "none: no file with the post-processing op was tested"
    verdicts = ", ".join(f"{key.label} {_verdict(each)}" for key, each in shipping.others.items())
    return f"none: {verdicts}"


def shipping_lines(shippings: Sequence[Shipping]) -> list[str]:
    """The file of each model, one a line; of many models, how many have one.

    Models that have none share a line where the reason is the same.
    """
    chosen = [each.choice is not None for each in shippings]
    if sum(chosen) > _FEW_MODELS:
        models = plural(len(shippings), "model")
        return [f"files of {sum(chosen)} of {models}, see the report"]
    lines = []
    without: dict[str, list[str]] = {}
    for each in shippings:
        if each.choice is not None:
            lines.append(f"{each.choice.file.path} ({describe(each)})")
        else:
            without.setdefault(describe(each), []).append(each.model)
    return [*lines, *(f"{first_few(names, 2)}: {why}" for why, names in without.items())]


def _of_model(record: Record, verdict: ModelVerdict, policy: Policy) -> Shipping:
    with_op = {
        key: each
        for key, each in verdict.subjects.items()
        if key.variant in VARIANTS and VARIANTS[key.variant].add_postprocessing_op
    }
    seeded = verdict.verdict.structure_only
    candidates = [] if seeded else _candidates(record, with_op)
    for status in (Status.PASS, Status.WARN):
        alike = [each for each in candidates if each.status is status]
        if alike:
            choice = _choice(record, alike, policy)
            break
    else:
        choice = None
    own = None if choice is None else choice.file.key
    others = {key: each.status for key, each in with_op.items() if key != own}
    return Shipping(verdict.model, choice, others, seeded)


def _candidates(record: Record, verdicts: Mapping[ModelKey, Verdict]) -> list[_Candidate]:
    found = []
    for key, verdict in verdicts.items():
        file = record.kept(key, ArtefactRole.TFLITE)
        if file is not None:
            timing = next(iter(record.timings_of(key)), None)
            p50, threads = (None, 0) if timing is None else (timing.p50_ms, timing.threads)
            found.append(_Candidate(file, verdict.status, _known(p50), threads, _ap(record, key)))
    return found


def _choice(record: Record, alike: list[_Candidate], policy: Policy) -> Choice:
    prefer = policy.ship.prefer
    best = _best(alike, policy)
    chosen = min(best or alike, key=lambda each: each.place)
    key = chosen.file.key
    beside = (record.kept(key, role) for role in _BESIDE)
    base, ap_change, speed = _against_base(record, chosen)
    given = given_file(record.header, key)
    return Choice(
        file=chosen.file,
        beside=tuple(each for each in beside if each is not None),
        status=chosen.status,
        prefer=prefer,
        is_measured=bool(best),
        candidates=len(alike),
        as_good=len(best or alike),
        p50_ms=chosen.p50_ms,
        threads=chosen.threads,
        base=base,
        ap_change=ap_change,
        speed=speed,
        is_as_fast=speed is not None and abs(speed - 1) <= policy.setting("compare_latency_share"),
        without_reference=given is not None and given.reference is ReferenceKind.NONE,
    )


def _best(alike: list[_Candidate], policy: Policy) -> list[_Candidate]:
    """Those that nothing tells from the best; none where some lack the figure."""
    if policy.ship.prefer is Prefer.SMALLEST:
        least = min(each.file.size_bytes for each in alike)
        return [each for each in alike if each.file.size_bytes == least]
    if policy.ship.prefer is Prefer.FASTEST:
        times = [each.p50_ms for each in alike if each.p50_ms is not None]
        if len(times) < len(alike) or len({each.threads for each in alike}) > 1:
            return []
        most = min(times) * (1 + policy.setting("compare_latency_share"))
        return [each for each in alike if each.p50_ms is not None and each.p50_ms <= most]
    figures = [each.ap for each in alike if each.ap is not None]
    if len(figures) < len(alike):
        return []
    lowest = max(figures) - policy.setting("compare_ap_change")
    return [each for each in alike if each.ap is not None and each.ap >= lowest]


def _against_base(record: Record, chosen: _Candidate) -> tuple[str, float | None, float | None]:
    """Name of what it is held against, the difference in AP and the quotient of speeds."""
    key = _base(record, chosen.file.model)
    if key is None or chosen.file.variant == _BASE:
        return "", None, None
    ap_change = coco_difference(chosen.ap, _ap(record, key))
    timing = next(iter(record.timings_of(key)), None)
    speed = None
    if timing is not None and chosen.p50_ms and timing.threads == chosen.threads:
        speed = _known(timing.p50_ms / chosen.p50_ms)
    return ("" if ap_change is None and speed is None else key.label), ap_change, speed


def _base(record: Record, model: str) -> ModelKey | None:
    """The model's float file: the one that was made here, or else the first that was given."""
    floats = [key for key in record.tflite_files if (key.model, key.variant) == (model, _BASE)]
    return min(floats, key=lambda key: bool(key.file), default=None)


def _ap(record: Record, key: ModelKey) -> float | None:
    own: Iterable[Accuracy] = (each for each in record.accuracies if each.key == key)
    ap = next((each.figures.ap for each in own), None)
    return None if ap == NO_GROUND_TRUTH else _known(ap)


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _chosen(choice: Choice) -> str:
    """For example ``smallest of 3 files that pass``."""
    warned = " with a warning, none without" if choice.status is Status.WARN else ""
    if choice.candidates == 1:
        return f"the only file that passes{warned}"
    files = f"{choice.candidates} files that pass{warned}"
    if not choice.is_measured:
        missing = "latency" if choice.prefer is Prefer.FASTEST else "accuracy"
        return f"smallest of {files}: the {missing} of all of them is not known"
    best = choice.prefer.replace("_", " ")
    if choice.as_good > 1 and choice.prefer is not Prefer.SMALLEST:
        return f"smallest of the {choice.as_good} {best} of {files}"
    return f"{best} of {files}"


def _held_against(choice: Choice) -> Iterable[str]:
    change, speed = choice.ap_change, choice.speed
    if change is not None:
        less = "less" if change < 0 else "more"
        same = f"AP as that of {choice.base}"
        yield f"{abs(change):.4f} AP {less} than {choice.base}" if change else same
    if speed is None:
        return
    if choice.is_as_fast:
        yield f"as fast as {choice.base}"
    elif speed > 1:
        yield f"{speed:.1f} times as fast as {choice.base}"
    else:
        yield f"takes {1 / speed:.1f} times as long as {choice.base}"


def _verdict(status: Status) -> str:
    # Nothing else keeps such a file from being chosen.
    good = status in (Status.PASS, Status.WARN)
    return f"{status.upper()}, but no file of it is kept" if good else status.upper()
