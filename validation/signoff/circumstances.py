"""What two runs did not have in common around their files: never a change of a file."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.baseline import BASELINE_CHECK
from validation.record.baseline_words import describe_baseline
from validation.record.store import Record
from validation.signoff.rules import evidence, keys_under_test, required_of

# See `ModelKey.identity`.
Subject = tuple[str, str, bool]


class CircumstanceKind(enum.StrEnum):
    """What is not the same; its value is how pages call it."""

    VERSION = "version"
    MACHINE = "machine"
    OPTION = "option"
    IMAGES = "labelled images"
    LIMITS = "limits"
    BASELINE = "baseline"
    REFERENCE = "reference"


_TESTS_FAILED = 1
# Options of which another kind says more.
_SAID_BY = {
    "labelled images": CircumstanceKind.IMAGES,
    "policy": CircumstanceKind.LIMITS,
    "baseline": CircumstanceKind.BASELINE,
    "reference": CircumstanceKind.REFERENCE,
}


@dataclass(frozen=True)
class RunCircumstance:
    """One thing that two runs did not have in common.

    Args:
        kind: What it is about.
        name: Which of several of its kind: a package, an option; empty where there is but one.
        before: In words; empty where the earlier run had none.
        after: Of the later run, alike.
        subjects: The files that it is about; empty for the run as a whole.
        left_out: Checks that one of the runs made only because of it, and that are not compared.
    """

    kind: CircumstanceKind
    name: str
    before: str
    after: str
    subjects: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """Kind and name together."""
        return f"{self.kind} {self.name}".rstrip()


def circumstances(before: Record, after: Record, policy: Policy) -> tuple[RunCircumstance, ...]:
    """What two runs did not have in common: look here first, whatever moved.

    Args:
        before: The earlier run.
        after: The later one.
        policy: Says which checks an option makes necessary.

    Returns:
        Versions, machine, options, images, limits, baseline and references that differ.
    """
    one, other = before.header, after.header
    exact = [
        *_single(CircumstanceKind.IMAGES, _images(before), _images(after)),
        *_single(CircumstanceKind.LIMITS, one.limits, other.limits),
        *_baselines(before, after),
        *_references(before, after, policy),
    ]
    said = {name for name, kind in _SAID_BY.items() if any(each.kind is kind for each in exact)}
    tables = (
        (CircumstanceKind.VERSION, one.versions, other.versions),
        (CircumstanceKind.MACHINE, one.machine, other.machine),
        (CircumstanceKind.OPTION, _without(one.options, said), _without(other.options, said)),
    )
    return (*(each for kind, *sides in tables for each in _differing(kind, *sides)), *exact)


def conditional_checks(
    before: Record, after: Record, policy: Policy
) -> Mapping[Subject, frozenset[str]]:
    """Checks of each file that only one of two runs was asked for: comparing them says nothing.

    That against a baseline, where one run had one; and of a given file what only one of its two
    references can say.
    """
    sides = ({key.identity: key for key in keys_under_test(run)} for run in (before, after))
    earlier, later = sides
    found = {}
    for subject in {*earlier, *later}:
        names: set[str] = set()
        if subject in earlier and subject in later:
            required = (
                set(required_of(run, side[subject], policy))
                for run, side in ((before, earlier), (after, later))
            )
            names = set.symmetric_difference(*required)
        if (before.baseline is None) is not (after.baseline is None):
            names.add(BASELINE_CHECK)
        found[subject] = frozenset(names)
    return found


def as_if_without_baseline(run: Record, left_out: Mapping[Subject, frozenset[str]]) -> Record:
    """As the run would have been without a baseline, where the other one had none."""
    if run.baseline is None or not any(BASELINE_CHECK in names for names in left_out.values()):
        return run
    own = [each for each in run.results if each.check == BASELINE_CHECK]
    footer = run.footer
    failed = any(evidence(each) is Status.FAIL for each in own)
    if footer is not None and failed and footer.exit_code == _TESTS_FAILED:
        # The check that is left out was why.
        footer = dataclasses.replace(footer, exit_code=0)
    results = tuple(each for each in run.results if each.check != BASELINE_CHECK)
    return dataclasses.replace(run, results=results, baseline=None, footer=footer)


def _without(options: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    return {name: value for name, value in options.items() if name not in names}


def _differing(
    kind: CircumstanceKind, one: Mapping[str, str], other: Mapping[str, str]
) -> Iterator[RunCircumstance]:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield RunCircumstance(kind, key, one.get(key, ""), other.get(key, ""))


def _single(kind: CircumstanceKind, one: str, other: str) -> Iterator[RunCircumstance]:
    if one != other:
        yield RunCircumstance(kind, "", one, other)


def _images(run: Record) -> str:
    facts = run.header.dataset
    if facts is None:
        return ""
    files = dict.fromkeys(each.image_files_sha256[:12] for each in run.accuracies)
    text = ", ".join(["", *filter(None, files)])
    return f"{facts.name}, {facts.images}, sha256 {facts.sha256[:12]}{text}"


def _baselines(before: Record, after: Record) -> Iterator[RunCircumstance]:
    was, now = (
        "" if run.baseline is None else describe_baseline(run.baseline) for run in (before, after)
    )
    if was != now:
        left_out = () if was and now else (BASELINE_CHECK,)
        yield RunCircumstance(CircumstanceKind.BASELINE, "", was, now, left_out=left_out)


def _references(before: Record, after: Record, policy: Policy) -> Iterator[RunCircumstance]:
    """Given files that were judged by something else: their figures answer other questions."""
    conditional = conditional_checks(before, after, policy)
    earlier = {each.key.identity: each for each in before.header.given}
    same: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for now in after.header.given:
        was = earlier.get(now.key.identity)
        if was is not None and was.reference is not now.reference:
            left_out = sorted(conditional[now.key.identity] - {BASELINE_CHECK})
            about = (was.reference.value, now.reference.value, tuple(left_out))
            same.setdefault(about, []).append(str(now.key))
    for (one, other, checks), names in same.items():
        kind = CircumstanceKind.REFERENCE
        yield RunCircumstance(kind, "", one, other, tuple(names), checks)
