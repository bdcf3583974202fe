"""Faults that a file shares with its reference: undone, and held against the labels.

Both sides agree, and their agreement is no evidence. The labels are: what raises AP by far when it
is undone is the fault.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from validation.checks.asking_labels import asks_for_labels
from validation.checks.confirmed_parts import SharedPlaces, shared_places
from validation.checks.graph_runs import with_epsilon_undone
from validation.checks.hypotheses import restore_rules
from validation.checks.hypothesis_runs import NO_RAW_OUTPUTS, ChangedRuns
from validation.checks.label_relation import (
    LabelRelation,
    detections_put_back,
    label_relation,
    labelled_objects,
    some_labelled,
)
from validation.coco.dataset import Dataset
from validation.coco.label_readings import dataset_read
from validation.diagnosis.agreement import Found, objects_found
from validation.diagnosis.feed_hypotheses import AS_FED, FeedHypothesis, feed_hypotheses
from validation.diagnosis.hypotheses import (
    OBJECTS_FOUND,
    Cause,
    Tried,
    diagnosis_of,
    explanation_by_labels,
)
from validation.diagnosis.raw_hypotheses import raw_hypotheses
from validation.diagnosis.raw_outputs import RawHypothesis, RawOutputs
from validation.diagnosis.result_hypotheses import moved_boxes
from validation.errors import NotProvided
from validation.preprocess.feed import prepared_for
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.workspace.context import CheckContext

_Floats = NDArray[np.float64]


class _OfCause(Protocol):
    @property
    def cause(self) -> Cause: ...


_Hypothesis = TypeVar("_Hypothesis", bound=_OfCause)
# Of the labelled images, so many are looked at first.
_FIRST_LOOK = 12
_NOTHING = Detections((), (), ())


def shared_fault(context: CheckContext, ap: float) -> tuple[Diagnosis, ...]:
    """The fault of both sides of which undoing finds more of the labelled objects.

    It is looked for where something asks for it: a low AP, labels that lie elsewhere than
    detections or are called otherwise, or a part of the archive that one file says alone. How
    labels are read and classes are numbered is for `plausibility` to say: nothing where that alone
    explains it.

    Args:
        context: Of the check of accuracy.
        ap: Of the reference; of a file without one, its own.
    """
    dataset = context.dataset
    is_once = context.is_first or context.given is not None
    if dataset is None or not is_once:
        return ()
    found = _shared_detections(context)
    if found is None:
        return ()
    min_score = context.policy.operating_point(context.key.model).min_score
    relation = label_relation(context, dataset, found, min_score)
    if not asks_for_labels(context, dataset, found, relation, ap):
        return ()
    places = shared_places(context)
    own = some_labelled(context, dataset, {image.key for image in context.images})
    search = _Search(context, own, [image for image in context.images if image.key in own])
    if not own or not search.is_shared(found):
        return ()
    of_labels = list(_of_labels(context, dataset, relation, own, found))
    of_model = [
        *search.epsilon(),
        *search.feed(places.feed),
        *search.raw(places),
        *search.boxes(found, places),
    ]
    # Of what explains as much the likelier is the first: a model that two files confirm is right.
    tried = [*of_labels, *of_model] if places.is_confirmed else [*of_model, *of_labels]
    explained = explanation_by_labels(tried, restore_rules(context))
    if len(explained) == 1 and explained[0] in of_labels:
        return ()
    return diagnosis_of(explained, context.key, OBJECTS_FOUND)


def _shared_detections(context: CheckContext) -> Found | None:
    """What the reference detects, else the file; None where that is not finite."""
    try:
        found = context.reference.detections()
    except NotProvided:
        found = context.subject.detections()
    return found if all(each.is_finite for each in found.values()) else None


def _of_labels(
    context: CheckContext,
    dataset: Dataset,
    relation: LabelRelation,
    labelled: Found,
    found: Found,
) -> Iterator[Tried]:
    """Other readings of the labels and other class numbers; nothing is run."""
    own = {image: found[image] for image in labelled}
    before = objects_found(labelled, own)
    if (reading := relation.reading) is not None:
        read = labelled_objects(context, dataset_read(dataset, reading))
        again = {image: read.get(image, _NOTHING) for image in labelled}
        yield Tried(Cause(reading.fault, Place.LABELS), before, objects_found(again, own))
    if (moved := relation.moved) is not None:
        count = context.num_classes
        back = {image: detections_put_back(each, moved, count) for image, each in own.items()}
        fault = FaultKind.CLASS_SHIFT if moved.step else FaultKind.CLASS_ORDER
        yield Tried(Cause(fault, Place.LABELS), before, objects_found(labelled, back))


def undone_gain(found: Sequence[Diagnosis]) -> float | None:
    """What undoing the fault that was found gains; None without one."""
    gains = [
        each.after - each.before
        for each in found
        if each.after is not None and each.before is not None
    ]
    return max(gains, default=None)


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

    def is_shared(self, found: Found) -> bool:
        """The file finds what the reference finds: else parity explains it, not the labels.

        Args:
            found: Of the reference.
        """
        own = self._context.subject.detections()
        if not all(own[image].is_finite for image in self._labelled):
            return False
        ours, theirs = (
            float(self._figures({image: side[image] for image in self._labelled}).mean())
            for side in (found, own)
        )
        return abs(ours - theirs) < self._rules.gain

    def feed(self, place: Place) -> list[Tried]:
        """Of what both sides are fed."""
        own = prepared_for(self._context.subject.preprocessing, self._context.subject.way)

        def run(every: Sequence[FeedHypothesis], images: Sequence[ImageFile]) -> list[Found]:
            subject, runs = self._context.subject, self._context.runs
            return ChangedRuns(subject, runs, images).fed(every)

        return self._tried(AS_FED, feed_hypotheses(own, place), run)

    def epsilon(self) -> list[Tried]:
        """Of an unusual one, which no change of what the file is fed or gives can undo."""
        context = self._context
        if context.given is not None:
            return []
        unusual = [each for each in context.routes.unusual if each.fault is FaultKind.EPSILON]
        tried = []
        for each in unusual:
            sides = with_epsilon_undone(context, each.expected, self._images)
            if sides is not None:
                cause = Cause(each.fault, each.place, each.got, each.expected, each.where)
                tried.append(Tried(cause, *map(self._figures, sides)))
        return tried

    def raw(self, places: SharedPlaces) -> list[Tried]:
        """Of what both sides make of raw outputs."""
        subject, runs = self._context.subject, self._context.runs
        try:
            raw = ChangedRuns(subject, runs, self._images).raw()
        except NO_RAW_OUTPUTS:
            return []

        # There are thousands of them, and they hardly move AP.
        low = self._context.policy.setting("hypothesis_low_score")

        def run(every: Sequence[RawHypothesis], images: Sequence[ImageFile]) -> list[Found]:
            own: dict[str, RawOutputs] = {image.key: raw[image.key] for image in images}
            return [
                {key: each.undo(one).detections_from(low) for key, one in own.items()}
                for each in every
            ]

        hypotheses = raw_hypotheses(next(iter(raw.values())), place=places.layers)
        return self._tried(
            RawHypothesis(AS_FED.cause, lambda one: one),
            [_of_weights(each, places.weights) for each in hypotheses],
            run,
        )

    def boxes(self, found: Found, places: SharedPlaces) -> list[Tried]:
        """Of boxes that lie beside the objects by one move and one factor."""
        own = {image: found[image] for image in self._labelled}
        fitted = moved_boxes(self._labelled, own, self._rules)
        if fitted is None:
            return []
        cause = dataclasses.replace(
            fitted.cause,
            place=places.layers,
            also=(FaultKind.ANCHORS, FaultKind.LABELLED_SIZE),
            also_in=(Place.LABELS,),
        )
        return [Tried(cause, self._figures(own), self._figures(fitted.undo(own)))]

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
            if float((look - own).mean()) >= self._rules.gain / 2
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


# What of raw outputs the last layers compute, and no attribute or anchor states.
_COMPUTED = frozenset({FaultKind.BOX_AXES, FaultKind.CLASS_SHIFT})


def _of_weights(hypothesis: RawHypothesis, place: Place) -> RawHypothesis:
    if hypothesis.cause.fault not in _COMPUTED:
        return hypothesis
    cause = dataclasses.replace(hypothesis.cause, place=place)
    if cause.fault is FaultKind.CLASS_SHIFT:
        # A label map that begins with another class shows the same.
        cause = dataclasses.replace(cause, also_in=(Place.LABELS,))
    return dataclasses.replace(hypothesis, cause=cause)
