"""What an explanation says of two files, as typed facts."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from validation.comparison.disagreements import Disagreement
from validation.diagnosis.weights import WeightComparison
from validation.record.ap_difference import Difference
from validation.record.coco_figures import CocoFigures
from validation.record.diagnosis import Diagnosis
from validation.record.difference_facts import ClassFacts
from validation.record.quantisation_cost import LayerError


class Aspect(enum.StrEnum):
    """In what two files differ, the one with most consequences first."""

    MODEL = "another model"
    WEIGHTS = "weights"
    QUANTISATION = "quantisation"
    POSTPROCESSING = "post-processing"
    CLASSES = "class numbers"
    FEED = "feed"
    INTERFACE = "interface"
    METADATA = "metadata"


# They change what an app has to do, and no detection.
HARMLESS = (Aspect.INTERFACE, Aspect.METADATA)


@dataclass(frozen=True)
class Fact:
    """One thing that is not the same on both sides.

    Args:
        what: Its name.
        first: Its value as text.
        second: See first.
        meaning: What it is, or what it does to detections, in one clause.
        aspect: What it counts as; None for what follows from something else.
    """

    what: str
    first: str
    second: str
    meaning: str = ""
    aspect: Aspect | None = None

    @classmethod
    def of(
        cls, what: str, sides: Iterable[str], meaning: str = "", aspect: Aspect | None = None
    ) -> Fact:
        """The fact of two values, the first side's first."""
        first, second = sides
        return cls(what, first, second, meaning, aspect)


@dataclass(frozen=True)
class LayerFacts:
    """Layers of one file against those of the other, on the same images.

    Args:
        subject: The file whose layers are listed.
        reference: The file that they are compared with.
        images: On how many.
        rows: In the order of execution.
        first_beyond: The first whose values differ by more than rounding; None where none does.
        worst: The one that loses most by itself; None where none loses anything.
        why_not: Why layers were not compared; empty where they were.
    """

    subject: str = ""
    reference: str = ""
    images: int = 0
    rows: tuple[LayerError, ...] = ()
    first_beyond: LayerError | None = None
    worst: LayerError | None = None
    why_not: str = ""


@dataclass(frozen=True)
class ChangedClass:
    """Boxes that both sides show under different classes.

    Args:
        first: Name or id on the first side.
        second: See first.
        count: How many.
    """

    first: str
    second: str
    count: int


@dataclass(frozen=True)
class WorstImage:
    """An image on which two sides disagree.

    Args:
        file: Its file name.
        found: What differs on it.
    """

    file: str
    found: Disagreement


@dataclass(frozen=True)
class DetectionFacts:
    """What both sides detect on the same images.

    Args:
        min_score: From which on detections are compared.
        score_epsilon: How far below it the other side may still find one.
        images: How many.
        images_differing: On how many something is lost, gained, moved or called otherwise.
        shown: Detections of the first side.
        pairs: Detections that both show.
        lost: Of the first side alone.
        gained: Of the second side alone.
        moved: Of the pairs, those that overlap too little.
        changed: Boxes of another class, the most frequent change first.
        classes: How the second side numbers classes otherwise; None where it does not, or where
            detections do not tell.
        worst_iou: Over the pairs; None without any.
        worst_iou_image: File name of the image where that is.
        worst_score_shift: Second less first; None without pairs.
        worst_score_image: Where that is.
        worst: The images with most to see.
    """

    min_score: float
    score_epsilon: float
    images: int
    images_differing: int
    shown: int
    pairs: int
    lost: int
    gained: int
    moved: int
    changed: tuple[ChangedClass, ...]
    classes: ClassFacts | None
    worst_iou: float | None
    worst_iou_image: str
    worst_score_shift: float | None
    worst_score_image: str
    worst: tuple[WorstImage, ...]

    @property
    def agree(self) -> bool:
        """Nothing is lost, gained, moved or called otherwise."""
        return not self.images_differing

    @property
    def renamed(self) -> int:
        """Boxes of another class."""
        return sum(each.count for each in self.changed)


@dataclass(frozen=True)
class OtherFeed:
    """What a file would score if it were fed what is stated, instead of the pixels as they are.

    Args:
        file: Its name beside the other.
        stated: What is stated of the input, and by whom.
        ap: Average precision, fed so.
    """

    file: str
    stated: str
    ap: float


@dataclass(frozen=True)
class RightDetections:
    """What an app that shows detections from the threshold on misses, by the labels.

    Args:
        first: Right detections of the first side.
        lost: Of these, those on objects that the second side does not find.
        false_alarms: Of the second side, on no object and not shown by the first.
    """

    first: int
    lost: int
    false_alarms: int


@dataclass(frozen=True)
class AccuracyFacts:
    """Average precision of both sides on the same labelled images.

    Args:
        data_set: Its name.
        images: Number of images.
        first: COCO's figures.
        second: See first.
        ranked_alike: Both have the same true positives in the same order.
        ap: Second less first with its interval; None where they are ranked alike.
        notes: How classes and labels were joined, and what another reading would change.
        right: None where the two have other classes.
        other_feeds: Of sides that are fed otherwise than is stated of them.
    """

    data_set: str
    images: int
    first: CocoFigures
    second: CocoFigures
    ranked_alike: bool
    ap: Difference | None
    notes: tuple[str, ...] = ()
    right: RightDetections | None = None
    other_feeds: tuple[OtherFeed, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Where two files differ, in the order of what matters.

    Args:
        first: Name of the first file.
        second: Name of the second file.
        verdict: One sentence.
        aspects: In what they differ.
        interface: Inputs, outputs, feed, labels.
        postprocessing: Attributes of the op, and anchors.
        structure: Operators that one file has more of.
        weights: None where one side is no .tflite.
        layers: See `LayerFacts`.
        detections: See `DetectionFacts`.
        accuracy: None without labelled images.
        not_compared: What could not be compared, and why.
        doubts: What makes the detections of a side doubtful, whatever the other side shows.
        changes: What was done to the first file to make the second, as far as it is known.
    """

    first: str
    second: str
    verdict: str
    aspects: tuple[Aspect, ...]
    interface: tuple[Fact, ...]
    postprocessing: tuple[Fact, ...]
    structure: tuple[Fact, ...]
    weights: WeightComparison | None
    layers: LayerFacts
    detections: DetectionFacts
    accuracy: AccuracyFacts | None = None
    not_compared: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    changes: tuple[Diagnosis, ...] = ()
