"""Faults that a file shares with its reference: undone, and held against the labels.

Both sides then agree, and find little. How classes and labels are joined is for `plausibility`;
here it is the feed, the scores, the box coder and the suppression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from validation.checks.hypotheses import restore_rules, spread
from validation.checks.hypothesis_runs import NO_RAW_OUTPUTS, ChangedRuns
from validation.coco.dataset import Dataset
from validation.diagnosis.agreement import Found, is_gain, objects_found
from validation.diagnosis.feed_hypotheses import AS_FED, FeedHypothesis, feed_hypotheses
from validation.diagnosis.hypotheses import OBJECTS_FOUND, Cause, Tried, diagnosis_of, explanation
from validation.diagnosis.raw_hypotheses import RawHypothesis, RawOutputs, raw_hypotheses
from validation.preprocess.feed import prepared_for
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext, class_join

_Floats = NDArray[np.float64]


class _OfCause(Protocol):
    @property
    def cause(self) -> Cause: ...


_Hypothesis = TypeVar("_Hypothesis", bound=_OfCause)
# Of the labelled images, so many are looked at first.
_FIRST_LOOK = 12
# What is suppressed, or cut off, moves AP by little on any model: no explanation of a low one.
_OF_NO_LOW_AP = (FaultKind.NMS, FaultKind.DETECTIONS)


def shared_fault(context: CheckContext, ap: float) -> tuple[Diagnosis, ...]:
    """The fault of both sides that explains why hardly any labelled object is found.

    Args:
        context: Of the check of accuracy.
        ap: Of the reference; of a file without one, its own. From `hypothesis_low_ap` on nothing
            is tried.
    """
    dataset = context.dataset
    is_once = context.is_first or context.given is not None
    if dataset is None or not is_once or ap >= context.policy.setting("hypothesis_low_ap"):
        return ()
    labelled = labelled_objects(context, dataset)
    keys = spread(list(labelled), int(context.policy.setting("hypothesis_labelled_images")))
    images = [image for image in context.images if image.key in set(keys)]
    if not images:
        return ()
    place = Place.GRAPH if context.reference.kind is ReferenceKind.GRAPH else Place.FILE
    search = _Search(context, {image.key: labelled[image.key] for image in images}, images)
    tried = [*search.raw(place), *search.feed(place)]
    rules = restore_rules(context)
    found = explanation(tried, rules, is_gain)
    return diagnosis_of(found, context.key, OBJECTS_FOUND)


def undone_gain(found: Sequence[Diagnosis]) -> float | None:
    """What undoing the fault that was found gains; None without one."""
    gains = [
        each.after - each.before
        for each in found
        if each.after is not None and each.before is not None
    ]
    return max(gains, default=None)


def labelled_objects(context: CheckContext, dataset: Dataset) -> Found:
    """The objects of each labelled image that has any, by the model's own classes."""
    join = class_join(context, dataset)
    classes = {category: each for each, category in join.categories.items() if category}
    sizes = {image.id: (image.height, image.width) for image in dataset.images}
    objects: dict[int, list[tuple[tuple[float, ...], int]]] = {}
    for item in dataset.ground_truth:
        if item.is_crowd or item.category_id not in classes:
            continue
        height, width = sizes[item.image_id]
        x, y, wide, tall = item.bbox
        box = (y / height, x / width, (y + tall) / height, (x + wide) / width)
        objects.setdefault(item.image_id, []).append((box, classes[item.category_id]))
    return {
        str(image): Detections(
            [box for box, _ in each], np.ones(len(each)), [name for _, name in each]
        )
        for image, each in objects.items()
    }


class _Search:
    """Hypotheses against labels.

    Args:
        context: Of the check.
        labelled: Objects of each image.
        images: The same images.
    """

    def __init__(self, context: CheckContext, labelled: Found, images: Sequence[ImageFile]) -> None:
        self._context = context
        self._labelled = labelled
        self._images = images
        self._rules = restore_rules(context)

    def feed(self, place: Place) -> list[Tried]:
        """Of what both sides are fed."""
        own = prepared_for(self._context.subject.preprocessing, self._context.subject.way)

        def run(every: Sequence[FeedHypothesis], images: Sequence[ImageFile]) -> list[Found]:
            subject, runs = self._context.subject, self._context.runs
            return ChangedRuns(subject, runs, images).fed(every)

        return self._tried(AS_FED, feed_hypotheses(own, place), run)

    def raw(self, place: Place) -> list[Tried]:
        """Of what both sides make of raw outputs."""
        subject, runs = self._context.subject, self._context.runs
        try:
            raw = ChangedRuns(subject, runs, self._images).raw()
        except NO_RAW_OUTPUTS:
            return []

        def run(every: Sequence[RawHypothesis], images: Sequence[ImageFile]) -> list[Found]:
            own: dict[str, RawOutputs] = {image.key: raw[image.key] for image in images}
            return [
                {key: each.undo(one).detections() for key, one in own.items()} for each in every
            ]

        hypotheses = [
            each
            for each in raw_hypotheses(next(iter(raw.values())), place=place)
            if each.cause.fault not in _OF_NO_LOW_AP
        ]
        return self._tried(RawHypothesis(AS_FED.cause, lambda one: one), hypotheses, run)

    def _tried(
        self,
        as_it_is: _Hypothesis,
        hypotheses: Iterable[_Hypothesis],
        run: Callable[[Sequence[_Hypothesis], Sequence[ImageFile]], list[Found]],
    ) -> list[Tried]:
        """On a few images first: what gains nothing there is not the fault."""
        every: list[_Hypothesis] = [as_it_is, *hypotheses]
        first = self._images[:: max(1, len(self._images) // _FIRST_LOOK)]
        own, *looks = (self._figures(found) for found in run(every, first))
        promising: list[_Hypothesis] = [
            each
            for each, look in zip(every[1:], looks, strict=True)
            if float((look - own).mean()) >= self._rules.gain
        ]
        if not promising:
            return []
        before, *after = (
            self._figures(found) for found in run([as_it_is, *promising], self._images)
        )
        return [
            Tried(each.cause, before, figures)
            for each, figures in zip(promising, after, strict=True)
        ]

    def _figures(self, found: Found) -> _Floats:
        return objects_found({image: self._labelled[image] for image in found}, found)
