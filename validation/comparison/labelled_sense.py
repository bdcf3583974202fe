"""What labels and detections say together: which classes are moved, renamed or never found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.policy.load import Policy
from validation.record.difference_facts import ClassFacts

# Two classes that have each other's number; of one alone its objects are hard.
_LEAST_MOVED = 2


@dataclass(frozen=True)
class MovedRules:
    """When objects of a class count as found by another class.

    Args:
        min_pairs: Objects that a claim about classes takes.
        min_class_pairs: Of each class.
        by_chance: Boxes of other images lie on such a share of the objects at the most.
        found: Mean score of a class on the objects that it finds.
        clear: So many times the score of a class on its own objects, another has on them.
        min_share: Of what is found best, so much is found by one step where classes are shifted.
        most_classes: And in such a share of the classes: some look alike.
    """

    min_pairs: int
    min_class_pairs: int
    by_chance: float
    found: float
    clear: float
    min_share: float
    most_classes: float

    @classmethod
    def of(cls, policy: Policy) -> MovedRules:
        """As a policy has them."""
        return cls(
            min_pairs=int(policy.setting("class_min_pairs")),
            min_class_pairs=int(policy.setting("class_min_class_pairs")),
            by_chance=policy.setting("class_met_by_chance"),
            found=policy.setting("class_found_score"),
            clear=policy.setting("class_clear_factor"),
            min_share=policy.setting("class_min_share"),
            most_classes=policy.setting("class_shifted_share"),
        )


@dataclass(frozen=True, eq=False)
class ScoresOnObjects:
    """How well each class is found on the objects of each category.

    Args:
        categories: Category ids, one a row.
        objects: Of each category.
        met: Those of them that a detection of any class lies on.
        means: float64 [category, class id less 1], of those that are met, mean of the best score
            that a detection of the class has on one; 0 where there is none.
    """

    categories: tuple[int, ...]
    objects: tuple[int, ...]
    met: tuple[int, ...]
    means: NDArray[np.float64]

    def is_met(self, row: int, rules: MovedRules) -> bool:
        """True where more of a category's objects are met than by boxes that lie anywhere."""
        met = self.met[row]
        return met >= rules.min_class_pairs and met >= rules.by_chance * self.objects[row]


@dataclass(frozen=True)
class Renamed:
    """A category without a class, whose objects are detected by a class without a category.

    Args:
        category: Its id.
        class_id: Of the class, which no category was joined to.
        objects: Detected of this category.
    """

    category: int
    class_id: int
    objects: int


@dataclass(frozen=True)
class LostRules:
    """When a class counts as never found.

    Args:
        most_ap: Up to this AP.
        least_objects: Of it; fewer may be hard ones.
        others_ap: Median AP of the other classes, from which a detector finds things at all.
    """

    most_ap: float
    least_objects: int
    others_ap: float


@dataclass(frozen=True)
class LabelledSense:
    """How what a detector shows lies to the labelled objects; crowds are left out.

    Args:
        objects: Of categories that have a class.
        met: Those with a detection of any class on them.
        in_class: Those with a detection of their own class.
        moved: Classes that are called by another's number; None where none is.
        renamed: Categories under another name than their class.
        lost: Class ids that are never found although others are.
        read_otherwise: Another reading of the boxes brings labels and detections together.
    """

    objects: int
    met: int
    in_class: int
    moved: ClassFacts | None = None
    renamed: tuple[Renamed, ...] = ()
    lost: tuple[int, ...] = ()
    read_otherwise: bool = False

    @property
    def met_share(self) -> float:
        """Of the objects; 0 of none."""
        return self.met / max(self.objects, 1)

    @property
    def called_otherwise_share(self) -> float:
        """Of the objects that are met: those without a detection of their own class."""
        return (self.met - self.in_class) / max(self.met, 1)


def moved_classes(
    scores: ScoresOnObjects, categories: Mapping[int, int | None], rules: MovedRules
) -> ClassFacts | None:
    """Classes whose objects another class finds, which in turn finds no other class's so well.

    That classes look alike moves none of them: the objects of one then have two classes' boxes, and
    the second class still finds its own objects best. Two classes have to be moved at the least.

    Args:
        scores: Of what is shown on the objects of each category.
        categories: Category id of each class id.
        rules: Say how many objects a claim takes.
    """
    own = {category: key for key, category in categories.items() if category is not None}
    rows = [
        row
        for row, category in enumerate(scores.categories)
        if category in own and scores.is_met(row, rules)
    ]
    labelled = np.array([own[scores.categories[row]] for row in rows], np.int64)
    objects = np.array([scores.met[row] for row in rows], np.int64)
    means = scores.means[rows]
    if sum(objects.tolist()) < rules.min_pairs:
        return None
    step = _shift(means, objects, labelled - 1, rules)
    if step:
        called = (labelled - 1 + step) % means.shape[1] + 1
        pairs = zip(called.tolist(), labelled.tolist(), strict=True)
        count = int(objects.sum())
        return ClassFacts(tuple(sorted(pairs)), step, count, count, of_scores=False)
    found = _partners(means, rules.found)
    moved = [
        (column + 1, int(labelled[row]), int(objects[row]))
        for row, column in found.items()
        if column + 1 != labelled[row]
        and means[row, column] >= rules.clear * means[row, labelled[row] - 1]
    ]
    if len(moved) < _LEAST_MOVED:
        return None
    return ClassFacts(
        tuple(sorted((called, of) for called, of, _ in moved)),
        0,
        sum(count for *_, count in moved),
        int(objects.sum()),
        of_scores=False,
    )


def _shift(
    means: NDArray[np.float64],
    objects: NDArray[np.int64],
    labelled: NDArray[np.int64],
    rules: MovedRules,
) -> int:
    """The step by which nearly all that is found is called by; 0 where there is none.

    A step that leads out of the classes comes back at the other end.
    """
    weights = means * objects[:, np.newaxis]
    rows, count = np.arange(len(weights)), weights.shape[1]
    most = weights.max(axis=1, initial=0.0).sum()
    for step in (1, -1, 2, -2):
        moved, own = means[rows, (labelled + step) % count], means[rows, labelled]
        agreeing = np.count_nonzero((moved >= rules.found) & (moved >= rules.clear * own))
        if (
            count > _LEAST_MOVED <= agreeing
            and agreeing >= rules.most_classes * len(rows)
            and (moved * objects).sum() >= rules.min_share * most
        ):
            return step
    return 0


def _partners(means: NDArray[np.float64], least: float) -> dict[int, int]:
    """For each row a column of its own, the clearest first."""
    found: dict[int, int] = {}
    for place in np.argsort(-means, axis=None, kind="stable").tolist():
        row, column = divmod(place, means.shape[1])
        if row not in found and column not in found.values() and means[row, column] >= least:
            found[row] = column
    return found


def renamed_categories(
    scores: ScoresOnObjects, categories: Mapping[int, int | None], rules: MovedRules
) -> tuple[Renamed, ...]:
    """Categories without a class whose objects are found best by a class without a category.

    Args:
        scores: See `moved_classes`.
        categories: Category id of each class id; None for a class that is not scored.
        rules: Say how many objects a claim takes.
    """
    joined = set(categories.values())
    found = []
    for row, category in enumerate(scores.categories):
        called = int(scores.means[row].argmax()) + 1
        if (
            category not in joined
            and scores.is_met(row, rules)
            and scores.means[row, called - 1] >= rules.found
            and called in categories
            and categories[called] is None
        ):
            found.append(Renamed(category, called, scores.met[row]))
    return tuple(found)


def lost_classes(
    ap: Mapping[int, float], objects: Mapping[int, int], rules: LostRules
) -> tuple[int, ...]:
    """Classes that are never found while others are.

    Args:
        ap: Of each class; below 0 where the images show none.
        objects: Of each class.
        rules: Say when.
    """
    found = []
    for key, value in ap.items():
        others = [each for other, each in ap.items() if other != key and each >= 0]
        if (
            0 <= value <= rules.most_ap
            and objects.get(key, 0) >= rules.least_objects
            and others
            and statistics.median(others) >= rules.others_ap
        ):
            found.append(key)
    return tuple(found)
