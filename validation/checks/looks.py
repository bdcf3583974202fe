"""One look at one file, and the child process that looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from validation.checks.accuracy import compared
from validation.checks.child import taking_part
from validation.checks.evidence import labelled_objects
from validation.checks.operating_point import operating_result
from validation.coco.dataset import Dataset
from validation.comparison.evidence_rules import image_measures
from validation.comparison.look_rules import LookFacts, undecided_measures
from validation.errors import ValidationError
from validation.isolation.activity import doing
from validation.isolation.board import Activity
from validation.record.types import Measure, ModelKey
from validation.record.until_decided import Undecided
from validation.workspace.context import CheckContext
from validation.workspace.looks import LookPlan
from validation.workspace.session import Session


class Looker:
    """Looks at files in one process.

    Args:
        session: On all images.
        plan: Of all looks.
    """

    def __init__(self, session: Session, plan: LookPlan) -> None:
        self._session, self._plan = session, plan
        self._number, self._at = 0, session

    def look(self, number: int, key: ModelKey) -> Undecided | None:
        """What a look leaves open of one file.

        Args:
            number: Of the look, from 1 on.
            key: The file.

        Returns:
            None where the file is decided, or where more images would not decide it: what it
            cannot be scored for is for the checks to say.
        """
        if number != self._number:
            # What the files of a model share is made once a look.
            self._number, self._at = number, self._session.at_look(self._plan, number)
        try:
            names = self._open(self._at.context(key), self._session.context(key))
        except ValidationError:
            return None
        return Undecided(key.model, key.variant, names, key.file) if names else None

    def _open(self, context: CheckContext, whole: CheckContext) -> tuple[str, ...]:
        looks, dataset = self._plan.looks, context.dataset
        if dataset is None:
            return ()
        accuracy, reference_ap = compared(context, dataset)
        facts = LookFacts(
            accuracy,
            operating_result(context, dataset),
            reference_ap,
            _evidence(context, dataset),
            _evidence(whole, self._plan.whole),
        )
        is_last = self._number == len(looks)
        return undecided_measures(facts, looks[self._number - 1], is_last=is_last)


def _evidence(context: CheckContext, dataset: Dataset) -> tuple[Measure, ...]:
    objects = labelled_objects(context)
    return image_measures(len(dataset.images), objects, context.policy, context.key)


@dataclass(frozen=True)
class LookWork:
    """What a child is to look at next.

    Args:
        number: Of the look.
        key: The file.
    """

    number: int
    key: ModelKey


@dataclass(frozen=True)
class SessionLooks:
    """Makes what looks in a child; travels there pickled.

    Args:
        session: On all images.
        plan: Of all looks.
        plugins: Modules to import first, since they may replace something.
    """

    session: Session
    plan: LookPlan
    plugins: Sequence[str] = ()

    def __call__(self, note: Callable[[Any], None]) -> Callable[[LookWork], Undecided | None]:
        """Called in the child, once."""
        looker = Looker(taking_part(self.session, note, self.plugins), self.plan)

        def look(work: LookWork) -> Undecided | None:
            doing_what = f"look at {self.plan.looks[work.number - 1].images} images"
            with doing(Activity(doing_what, f"{doing_what} {work.key}")):
                return looker.look(work.number, work.key)

        return look
