"""How much of what was injected was found: outcomes counted, kept as JSON, read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from validation.faults.fault import THINNESS_IN_WORDS, Thinness
from validation.faults.outcome import Caught, Control, Naming, Outcome
from validation.files.structured import read_json, write_json

OUTCOMES_NAME = "faults.json"


@dataclass(frozen=True)
class DetectionPower:
    """What a run over known faults came to.

    Args:
        outcomes: One a fault and archive, in the order of the table.
        controls: One a clean model.
        circumstances: Versions and machine, by name.
    """

    outcomes: tuple[Outcome, ...]
    controls: tuple[Control, ...] = ()
    circumstances: dict[str, str] = field(default_factory=dict)

    def of_thinness(self) -> tuple[Count, ...]:
        """Counts for each thinness of the archive, and of all together last."""
        groups = [
            Count.of(THINNESS_IN_WORDS[each], _where(self.outcomes, lambda one: one.thinness, each))
            for each in Thinness
        ]
        return (*(each for each in groups if each.rows), Count.of("all", self.outcomes))

    def of_place(self) -> tuple[Count, ...]:
        """Counts for each place of the fault."""
        places = dict.fromkeys(each.place for each in self.outcomes)
        return tuple(
            Count.of(place, _where(self.outcomes, lambda one: one.place, place)) for place in places
        )

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """Faults that were signed."""
        return tuple(each for each in self.outcomes if each.caught is Caught.MISSED)

    @property
    def misnamed(self) -> tuple[Outcome, ...]:
        """Faults that were blamed on what is right."""
        return tuple(each for each in self.outcomes if each.naming is Naming.WRONG_PLACE)

    @property
    def equivalent(self) -> tuple[Outcome, ...]:
        """Changes of which nothing can be seen."""
        return tuple(each for each in self.outcomes if each.caught is Caught.EQUIVALENT)


@dataclass(frozen=True)
class Count:
    """Outcomes of a group, counted; what is equivalent is counted apart.

    Args:
        title: Of the group.
        rows: Faults that can be seen.
        caught: By a check that says worse than of the clean model.
        not_signed: No check sees it, and the verdict names the evidence that it lacks.
        missed: Signed.
        right: Named rightly by the first diagnosis.
        other_cause: The place is right, the cause another one.
        wrong_place: Blamed on what is right.
        not_named: Without a diagnosis.
        equivalent: Changes of which nothing can be seen.
    """

    title: str
    rows: int
    caught: int
    not_signed: int
    missed: int
    right: int
    other_cause: int
    wrong_place: int
    not_named: int
    equivalent: int

    @classmethod
    def of(cls, title: str, outcomes: Iterable[Outcome]) -> Count:
        """Count the outcomes of a group."""
        everything = tuple(outcomes)
        seen = [each for each in everything if each.caught is not Caught.EQUIVALENT]
        caught = Counter(each.caught for each in seen)
        named = Counter(each.naming for each in seen)
        return cls(
            title,
            len(seen),
            caught[Caught.CAUGHT],
            caught[Caught.NOT_SIGNED],
            caught[Caught.MISSED],
            named[Naming.RIGHT],
            named[Naming.OTHER_CAUSE],
            named[Naming.WRONG_PLACE],
            named[Naming.NOT_NAMED],
            len(everything) - len(seen),
        )

    @property
    def share_caught(self) -> float:
        """Of those that can be seen."""
        return self.caught / self.rows if self.rows else 0.0

    @property
    def share_right(self) -> float:
        """Of those that can be seen."""
        return self.right / self.rows if self.rows else 0.0


def write_power(path: Path, power: DetectionPower) -> None:
    """Keep it as JSON."""
    write_json(path, power)


def read_power(path: Path) -> DetectionPower:
    """Read what `write_power` kept.

    Raises:
        ArtefactMissing, RecordError: No such file, or another one.
    """
    return read_json(path, DetectionPower)


def _where(
    outcomes: Iterable[Outcome], value: Callable[[Outcome], str], wanted: str
) -> list[Outcome]:
    return [each for each in outcomes if value(each) == wanted]
