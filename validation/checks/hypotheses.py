"""What explains that a file does not detect what its reference does: faults undone and measured."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from validation.checks.feed_evidence import is_of_feed
from validation.checks.hypothesis_runs import NO_RAW_OUTPUTS, ChangedRuns
from validation.checks.worse_side import in_the_worse_side
from validation.comparison import disagreements
from validation.comparison.anchor_changes import anchor_difference
from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.agreement import Found, RestoreRules, agreements
from validation.diagnosis.feed_hypotheses import (
    AS_FED,
    MADE_ANEW,
    FeedHypothesis,
    feed_hypotheses,
    linear_normalisation,
    resize_hypotheses,
    resize_of,
)
from validation.diagnosis.hypotheses import (
    AGREEMENT,
    Cause,
    Tried,
    at_place,
    diagnosis_of,
    explanation,
    is_exact,
    spread,
)
from validation.diagnosis.raw_hypotheses import raw_hypotheses
from validation.diagnosis.raw_outputs import RawOutputs
from validation.diagnosis.result_hypotheses import (
    ResultHypothesis,
    fitted_hypotheses,
    result_hypotheses,
)
from validation.errors import NotProvided
from validation.preprocess.feed import prepared_for
from validation.preprocess.image import ImageFile
from validation.record.diagnosis import Diagnosis, Place
from validation.record.difference_words import anchor_rows
from validation.specs.contracts import PostprocessAttributes, Preprocessing
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext

# Images on which a hypothesis that takes an inference each is tried first.
_FIRST_LOOK = 4


def disagreement_explained(
    context: CheckContext, min_score: float | None = None
) -> tuple[Diagnosis, ...]:
    """The fault that explains why the file does not detect what its reference detects.

    Cheap ones first: how results are read, then what is made of raw outputs, then the feed. It
    ends where one explains all that there is. Nothing where none restores agreement.

    Args:
        context: Of a check that is not PASS.
        min_score: Of the detections that are compared; None takes `parity_min_score`.
    """
    try:
        reference, candidate = context.reference.detections(), context.subject.detections()
    except NotProvided:
        return ()
    rules = restore_rules(context, min_score)
    shared = [image.key for image in context.images if image.key in reference.keys() & candidate]
    reference = {image: reference[image] for image in shared}
    candidate = {image: candidate[image] for image in shared}
    found = _Search(context, rules, reference, candidate).run()
    return in_the_worse_side(context, found, reference, candidate, rules)


def hidden_disagreement_explained(context: CheckContext) -> tuple[Diagnosis, ...]:
    """As `disagreement_explained`, where only detections that no app shows differ.

    Accuracy counts those as well. Nothing where what is shown differs: parity explains that.
    """
    if disagreement_explained(context):
        return ()
    return disagreement_explained(context, context.policy.setting("hypothesis_low_score"))


def restore_rules(context: CheckContext, min_score: float | None = None) -> RestoreRules:
    """The policy's, by how many bits the file has."""
    policy = context.policy
    quantised = variant_of(context.key.variant).is_quantised
    level = (
        policy.setting("hypothesis_quantised_level")
        if quantised
        else policy.setting("hypothesis_level")
    )
    return RestoreRules(
        min_score=policy.setting("parity_min_score") if min_score is None else min_score,
        score_epsilon=disagreements.score_epsilon(policy, in_8_bits=quantised),
        min_iou=policy.setting("parity_min_iou"),
        removed=policy.setting("hypothesis_removed"),
        level=level,
        chance=policy.setting("hypothesis_chance"),
        tie=policy.setting("hypothesis_tie"),
        # Of 8 bits rounding alone leaves as much as two faults that are a tie.
        exact=policy.setting("hypothesis_tie") if quantised else policy.setting("hypothesis_exact"),
        gain=policy.setting("hypothesis_gain"),
        gain_chance=policy.setting("hypothesis_gain_chance"),
        gain_tie=policy.setting("hypothesis_gain_tie"),
    )


class _Search:
    """Hypotheses against a reference.

    Args:
        context: Of the check.
        rules: See `restore_rules`.
        reference: Detections of each image.
        candidate: Alike, of the same images.
    """

    def __init__(
        self, context: CheckContext, rules: RestoreRules, reference: Found, candidate: Found
    ) -> None:
        self._context = context
        self._rules = rules
        self._reference = reference
        self._candidate = candidate
        self._promising = context.policy.setting("hypothesis_promising")
        self._before = agreements(reference, candidate, rules)
        self._by_image = dict(zip(reference, self._before.tolist(), strict=True))

    def run(self) -> tuple[Diagnosis, ...]:
        """See `disagreement_explained`."""
        if not len(self._before) or float((1 - self._before).mean()) <= 0:
            return ()
        tried: list[Tried] = []
        for stage in (self._results, self._raw, self._fitted, self._feed, self._resize):
            tried += stage()
            found = explanation(tried, self._rules)
            # An image that is resized anew is fed anew in every respect.
            if is_exact(found, self._rules) or (found and stage == self._feed):
                break
        return diagnosis_of(self._placed(found), self._context.key, AGREEMENT)

    def _placed(self, found: tuple[Tried, ...]) -> tuple[Tried, ...]:
        """Each in the file, where the file itself shows it."""
        shows: dict[Place, Callable[[], bool]] = {
            Place.FEED: partial(is_of_feed, self._context),
            Place.RESULTS: self._is_of_reading,
        }
        return tuple(
            dataclasses.replace(each, cause=at_place(each.cause, Place.FILE))
            if each.cause.place in shows and not shows[each.cause.place]()
            else each
            for each in found
        )

    def _is_of_reading(self) -> bool:
        """The file's own raw outputs, read here, make the reference's detections."""
        raw = self._own_raw
        if raw is None:
            return self._context.given is None
        before = self._agreements({image: each.detections() for image, each in raw.items()})
        return self._differs_from_the_file(before, self._chosen)

    def _results(self) -> list[Tried]:
        classes = DifferenceRules.of(self._context.policy)
        return self._read(result_hypotheses(self._reference, self._candidate, self._rules, classes))

    def _fitted(self) -> list[Tried]:
        return self._read(fitted_hypotheses(self._reference, self._candidate, self._rules))

    def _read(self, hypotheses: Iterable[ResultHypothesis]) -> list[Tried]:
        """On every image: nothing is run."""
        return [
            Tried(
                each.cause,
                self._before,
                agreements(each.expect(self._reference), each.undo(self._candidate), self._rules),
            )
            for each in hypotheses
        ]

    def _raw(self) -> list[Tried]:
        raw = self._own_raw
        if raw is None:
            return []
        before = self._agreements({image: each.detections() for image, each in raw.items()})
        if self._differs_from_the_file(before, self._chosen):
            return []
        any_image = next(iter(raw.values()))
        attributes, anchors = self._stated()
        return [
            Tried(
                each.cause,
                before,
                self._agreements(
                    {image: each.undo(one).detections() for image, one in raw.items()}
                ),
            )
            for each in raw_hypotheses(
                any_image, attributes, anchors, self._anchors(any_image, anchors)
            )
        ]

    def _stated(self) -> tuple[PostprocessAttributes | None, NDArray[np.float32] | None]:
        """What the reference states of its op."""
        try:
            reference = self._context.reference
            return reference.contract.postprocess, reference.anchors
        except NotProvided:
            return None, None

    def _anchors(self, own: RawOutputs, stated: NDArray[np.float32] | None) -> str:
        """How the file's anchors differ from the reference's, in words."""
        if stated is None:
            return ""
        rules = DifferenceRules.of(self._context.policy)
        facts = anchor_difference(stated, own.anchors, step=0, rules=rules)
        return "" if facts is None else anchor_rows(facts)

    def _feed(self) -> list[Tried]:
        own = prepared_for(self._context.subject.preprocessing, self._context.subject.way)
        return self._fed(feed_hypotheses(own))

    def _resize(self) -> list[Tried]:
        own = prepared_for(self._context.subject.preprocessing, self._context.subject.way)
        tried = self._fed(resize_hypotheses(own))
        return [
            dataclasses.replace(each, cause=self._of_remade(each.cause, own))
            if each.cause.got == MADE_ANEW
            else each
            for each in tried
        ]

    def _of_remade(self, cause: Cause, own: Preprocessing) -> Cause:
        """An image that is made anew has its normalisation undone as well as its resize."""
        runs = ChangedRuns(self._context.subject, self._context.runs, self._chosen[:_FIRST_LOOK])
        return (
            linear_normalisation(runs.fed_and_made_anew(resize_of(own)), own, cause.place) or cause
        )

    def _fed(self, hypotheses: Iterable[FeedHypothesis]) -> list[Tried]:
        """On a few images first: what changes nothing for the better there is not the fault."""
        every = [AS_FED, *hypotheses]
        images = self._chosen
        subject, runs = self._context.subject, self._context.runs
        order = np.argsort([self._by_image[image.key] for image in images], kind="stable")
        first = [images[place] for place in order[:_FIRST_LOOK].tolist()]
        looks = [self._agreements(found) for found in ChangedRuns(subject, runs, first).fed(every)]
        as_it_is = looks[0]
        if self._differs_from_the_file(as_it_is, first):
            return []
        wanted = float((1 - as_it_is).sum()) * (1 - self._promising)
        promising = [
            each
            for each, look in zip(every[1:], looks[1:], strict=True)
            if float((1 - look).sum()) <= wanted
        ]
        if not promising:
            return []
        all_found = ChangedRuns(subject, runs, images).fed([AS_FED, *promising])
        before, *after = (self._agreements(found) for found in all_found)
        return [
            Tried(each.cause, before, figures)
            for each, figures in zip(promising, after, strict=True)
        ]

    @functools.cached_property
    def _own_raw(self) -> dict[str, RawOutputs] | None:
        """The file's own raw outputs on the chosen images; None where they cannot be had."""
        try:
            return ChangedRuns(self._context.subject, self._context.runs, self._chosen).raw()
        except NO_RAW_OUTPUTS:
            return None

    @functools.cached_property
    def _chosen(self) -> tuple[ImageFile, ...]:
        """Images with detections, spread evenly, and those that disagree most."""
        count = int(self._context.policy.setting("hypothesis_images"))
        files = {image.key: image for image in self._context.images}
        telling = [
            image
            for image, found in self._reference.items()
            if (found.scores >= self._rules.min_score).any() or len(self._candidate[image])
        ]
        even = spread(telling, count // 2)
        worst = sorted(
            (each for each in telling if each not in even), key=lambda image: self._by_image[image]
        )
        return tuple(files[image] for image in (*even, *worst[: count - len(even)]))

    def _agreements(self, found: Found) -> NDArray[np.float64]:
        wanted = {image: self._reference[image] for image in found}
        return agreements(wanted, found, self._rules)

    def _differs_from_the_file(
        self, before: NDArray[np.float64], images: Sequence[ImageFile]
    ) -> bool:
        """Running the file here gives no such disagreement: it comes from elsewhere."""
        own = np.array([self._by_image[image.key] for image in images])
        missing = float((1 - own).sum())
        return float((1 - before).sum()) < missing * (1 - self._promising)
