"""The facts that stages hand to each other and that a run leaves behind.

Frozen dataclasses only; `validation.record.lines` turns them into the lines of
``record.jsonl`` and back.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from validation.policy.limits import Limit, Status, worst_status
from validation.record.class_join import ClassJoin
from validation.record.coco_figures import CocoFigures
from validation.record.error_facts import ErrorFacts

if TYPE_CHECKING:
    from validation.policy.load import Policy


@dataclass(frozen=True)
class ModelKey:
    """One subject under test: a file of a model, made here or given.

    Args:
        model: Name in the catalogue or of the archive folder.
        variant: Its form: float, raw, uint8, uint8-raw, dynamic, float16, int8; or ``reference``.
        file: Name of a file that was given; empty for one that was made here.
    """

    model: str
    variant: str
    file: str = ""

    def __str__(self) -> str:
        """The test id: ``model-variant``, or ``model-file.tflite`` of a given file.

        A file without a suffix may be called as a variant is. A model that is called by its file
        is not named before it once more.
        """
        given = " (given)" if self.file and "." not in self.file else ""
        label = f"{self.label}{given}"
        return label if PurePath(self.file).stem == self.model else f"{self.model}-{label}"

    @property
    def label(self) -> str:
        """What it is called beside the model's other subjects: ``float``, ``detect.tflite``."""
        return self.file or self.variant

    @property
    def identity(self) -> tuple[str, str, bool]:
        """What it is in other runs too: a given file by its name, whatever its form has become."""
        return self.model, self.label, bool(self.file)


# Of a confidence interval, unless more than one look was taken at a growing number of images.
USUAL_LEVEL = 0.95


class OfVariant:
    """What an entry about one subject has in common: the fields of its key."""

    model: str
    variant: str
    file: str

    @property
    def key(self) -> ModelKey:
        """Model, variant and file together."""
        return ModelKey(self.model, self.variant, self.file)


@dataclass(frozen=True)
class Measure:
    """One measured value with the limit that judges it, if any does.

    Args:
        name: With its unit or meaning in the name, for example ``boxes_max_abs_diff``.
        value: Number, text or bool; for comparisons the minimum tolerance that would pass.
        limit: None for a value that is recorded for information.
        interval: Lower and upper end of the value's confidence interval, where it was
            estimated from a sample; the limit is then held against all of it.
        images_needed: About so many would decide, where the interval does not; None where it
            does, and where no number of images would.
        level: Of the interval.
    """

    name: str
    value: Any
    limit: Limit | None = None
    interval: tuple[float, float] | None = None
    images_needed: int | None = None
    level: float = USUAL_LEVEL

    @classmethod
    def limited(
        cls, values: Mapping[str, Any], policy: Policy, check: str, key: ModelKey
    ) -> tuple[Measure, ...]:
        """Values by name, each with the limit that the policy has for it."""
        return tuple(
            cls(name, value, policy.limit(check, name, key.model, key.variant))
            for name, value in values.items()
        )

    @property
    def is_undecided(self) -> bool:
        """Its interval lies on both sides of its limit."""
        if self.limit is None or self.interval is None:
            return False
        return self.limit.is_undecided(self.interval)

    @property
    def status(self) -> Status:
        """PASS where nothing judges the value."""
        if self.limit is None:
            return Status.PASS
        if self.interval is None:
            return self.limit.status(self.value)
        return self.limit.status_within(self.value, self.interval)


@dataclass(frozen=True)
class CheckResult(OfVariant):
    """What one check found on one subject.

    Args:
        check: The check's name, as policy.toml lists it.
        model: See `ModelKey`.
        variant: See `ModelKey`.
        status: Made by `judged` or `unknown`, never by hand.
        measures: Every value that was measured, each with its limit.
        where: Worst tensor, anchor, image or node.
        message: One sentence for the reader; says the cause when the check failed.
        seconds: Wall time that the check took.
        error: What ended the check before it judged anything; None where it came to its end.
        file: See `ModelKey`.
    """

    check: str
    model: str
    variant: str
    status: Status
    measures: tuple[Measure, ...] = ()
    where: str = ""
    message: str = ""
    seconds: float = 0.0
    error: ErrorFacts | None = None
    file: str = ""

    @classmethod
    def judged(
        cls,
        check: str,
        key: ModelKey,
        measures: tuple[Measure, ...],
        *,
        where: str = "",
        message: str = "",
    ) -> CheckResult:
        """The worst status of its measures; a check that judged nothing is a FAIL."""
        judged = [measure.status for measure in measures if measure.limit is not None]
        if not judged:
            message = message or "the check compared nothing: no measure had a limit"
        worst = worst_status(judged) if judged else Status.FAIL
        return cls(check, key.model, key.variant, worst, measures, where, message, file=key.file)

    @classmethod
    def unknown(cls, check: str, key: ModelKey, message: str) -> CheckResult:
        """No evidence, with the reason."""
        return cls(check, key.model, key.variant, Status.UNKNOWN, message=message, file=key.file)

    @classmethod
    def failed(cls, check: str, key: ModelKey, message: str, *, where: str = "") -> CheckResult:
        """A failure that no number can express."""
        return cls(
            check,
            key.model,
            key.variant,
            Status.FAIL,
            where=where,
            message=message,
            file=key.file,
        )

    @classmethod
    def stopped(cls, check: str, key: ModelKey, error: BaseException) -> CheckResult:
        """A failure because an error ended the check."""
        facts = ErrorFacts.of(error)
        return cls(check, key.model, key.variant, Status.FAIL, error=facts, file=key.file)

    @property
    def explanation(self) -> str:
        """The message, or the error in its place; empty where neither was given."""
        return self.message if self.error is None else str(self.error)


@dataclass(frozen=True)
class Timing(OfVariant):
    """Raw latency samples of one model file on one runtime.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        runtime: For example ``LiteRT``.
        threads: Threads that the runtime was given.
        warmup: Calls made and thrown away before the first sample.
        samples_ms: One wall time a call, in milliseconds, in the order measured.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    runtime: str
    threads: int
    warmup: int
    samples_ms: tuple[float, ...]
    file: str = ""

    def percentile(self, percent: float) -> float:
        """Linear-interpolated percentile of the samples, in milliseconds."""
        ordered = sorted(self.samples_ms)
        position = (len(ordered) - 1) * percent / 100
        low = math.floor(position)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (position - low)

    @property
    def p50_ms(self) -> float:
        """Median latency in milliseconds."""
        return statistics.median(self.samples_ms)

    @property
    def p95_ms(self) -> float:
        """95th percentile of the latency in milliseconds."""
        return self.percentile(95)


@dataclass(frozen=True)
class Accuracy(OfVariant):
    """COCO accuracy of one model file, and on what it was measured.

    Args:
        model: See `ModelKey`.
        variant: The variant, or ``reference`` for the archive's frozen graph.
        subject: What ran, for example ``float .tflite, regular NMS, 100 detections``.
        figures: The twelve COCO figures.
        images: Number of images evaluated, those without detections included.
        category_ids: COCO category ids that were scored.
        detections: Number of detections handed to the evaluation.
        score_threshold: Detections below this were not produced by the model.
        seconds: Wall time of inference over all images.
        join: How classes were joined to categories; None where ids were taken as they are.
        file: See `ModelKey`.
        image_files_sha256: Over the bytes of the images: the data set's own hash is over their
            names and labels. Empty where that is not known.
    """

    model: str
    variant: str
    subject: str
    figures: CocoFigures
    images: int
    category_ids: tuple[int, ...]
    detections: int
    score_threshold: float
    seconds: float = 0.0
    join: ClassJoin | None = None
    file: str = ""
    image_files_sha256: str = ""


# Instead of a variant: what the variants of a model are judged by.
REFERENCE = "reference"


@dataclass(frozen=True)
class PublishedFigure:
    """What a model's publisher measured, on other images or hardware than the run's.

    Args:
        name: As the catalogue has it.
        value: In the unit that the meaning names.
        meaning: Quantity, unit, and what it was measured on.
    """

    name: str
    value: float
    meaning: str


@dataclass(frozen=True)
class Background:
    """What the catalogue knows of a model; nothing of it was measured in the run.

    Args:
        model: Model name.
        description: One line.
        published: In the catalogue's order.
        traps: What is odd about the archive; one sentence each.
    """

    model: str
    description: str = ""
    published: tuple[PublishedFigure, ...] = ()
    traps: tuple[str, ...] = ()
