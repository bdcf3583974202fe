"""How much a verdict rests on: images and objects, their independence, and what ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from validation.comparison.doubts import Doubts
from validation.errors import first_few
from validation.policy.load import Policy
from validation.record.formatting import describe_measure
from validation.record.types import CheckResult, Measure, ModelKey


@dataclass(frozen=True)
class CalibrationEvidence:
    """The images that 8-bit ranges come from.

    Args:
        images: How many.
        scored: How many of them accuracy is measured on as well.
    """

    images: int
    scored: int


@dataclass(frozen=True)
class ChangedFlag:
    """A flag of a shipped graph that is another one in the evaluation of the model.

    Args:
        name: Attribute of the post-processing op.
        shipped: Its value in the archive's tflite_graph.pb, and in the file that is judged.
        evaluated: Its value in the evaluation, which the reference has.
    """

    name: str
    shipped: Any
    evaluated: Any


@dataclass(frozen=True)
class EvidenceFacts:
    """What there is to judge one file by.

    Args:
        images: Labelled images that are scored.
        objects: Number of objects of each of the model's classes on them, crowds left out; by
            name, or number where it has none.
        canaries: Images with one known object of a class of the model.
        reference: Where the reference comes from, in words.
        is_independent: The reference was built by who trained the model, not by this harness.
        routes: Ways to the model's graph that were compared with each other, 1 or 2; None for a
            file that was made elsewhere, which came by another one.
        unconfirmed: What of the graph one file of the archive says alone, a clause each; None for
            a file that was made elsewhere.
        has_reference: Something else than labels says what is right.
        calibration: Of a file with ranges that were calibrated here; else None.
        changed_flags: Of a shipped tflite_graph.pb.
        doubts: Of a given file and its reference; None for a file that was made here.
        undecided: Measures of other checks whose intervals lie on both sides of their limits.
    """

    images: int
    objects: Mapping[str, int]
    canaries: int
    reference: str
    is_independent: bool
    routes: int | None
    calibration: CalibrationEvidence | None = None
    has_reference: bool = True
    changed_flags: tuple[ChangedFlag, ...] = field(default=())
    doubts: Doubts | None = None
    unconfirmed: tuple[str, ...] | None = None
    undecided: tuple[Measure, ...] = ()

    @property
    def classes_without_object(self) -> tuple[str, ...]:
        """Classes that no image shows: accuracy says nothing of them."""
        return tuple(name for name, count in self.objects.items() if not count)


def check_evidence(
    facts: EvidenceFacts, policy: Policy, key: ModelKey, check: str = "evidence"
) -> CheckResult:
    """There is enough evidence for a verdict, and it is independent of what is judged.

    Args:
        facts: What there is.
        policy: Its limits; what is beyond most of them is UNKNOWN, for nothing is wrong.
        key: Model and variant.
        check: Name in the record.
    """
    values: dict[str, Any] = _of_images(facts.images, facts.objects)
    values["undecided_limits"] = len(facts.undecided)
    values["canaries"] = facts.canaries
    values["references"] = int(facts.has_reference)
    if facts.routes is not None:
        values["routes"] = facts.routes
    if facts.unconfirmed is not None:
        values["unconfirmed_parts"] = len(facts.unconfirmed)
    values["shared_readings"] = int(not facts.is_independent)
    if facts.calibration is not None:
        values["calibration_images"] = facts.calibration.images
        values["calibration_images_scored"] = facts.calibration.scored
    values["flags_changed"] = len(facts.changed_flags)
    values |= {} if facts.doubts is None else facts.doubts.figures
    measures = Measure.limited(values, policy, check, key)
    said = _sentences(facts)
    said += [] if facts.doubts is None else facts.doubts.sentences(measures)
    return CheckResult.judged(check, key, measures, message="; ".join(said))


def image_measures(
    images: int, objects: Mapping[str, int], policy: Policy, key: ModelKey, check: str = "evidence"
) -> tuple[Measure, ...]:
    """What grows with the number of images; see `EvidenceFacts` and `check_evidence`."""
    return Measure.limited(_of_images(images, objects), policy, check, key)


def _of_images(images: int, objects: Mapping[str, int]) -> dict[str, Any]:
    values: dict[str, Any] = {"images": images}
    if objects:
        absent = sum(not count for count in objects.values())
        values["unscored_class_share"] = absent / len(objects)
        values["rarest_class_objects"] = min(filter(None, objects.values()), default=0)
    return values


def _sentences(facts: EvidenceFacts) -> list[str]:
    """What is not as it should be, with names; measures say by how much."""
    said = []
    if absent := facts.classes_without_object:
        said.append(
            f"{len(absent)} of {len(facts.objects)} classes without an object on the images: "
            f"{first_few(absent)}"
        )
    said += [describe_measure(each) for each in facts.undecided]
    if not facts.canaries:
        said.append("no canary shows a class of the model (--canaries names a list of your own)")
    if not facts.has_reference:
        said.append("no reference: accuracy alone is judged")
    if facts.routes is not None and facts.routes < 2:
        said.append("no second route to the model's graph was compared with the first")
    said += facts.unconfirmed or ()
    if not facts.is_independent:
        said.append(f"the reference is not independent: {facts.reference}")
    if facts.calibration is not None and facts.calibration.scored:
        said.append(
            f"{facts.calibration.scored} of {facts.calibration.images} calibration images are "
            "scored as well: give others with --representative-images"
        )
    if facts.changed_flags:
        flags = ", ".join(
            f"{each.name} {each.shipped} instead of {each.evaluated}"
            for each in facts.changed_flags
        )
        said.append(
            f"the archive's tflite_graph.pb ships with other flags than its evaluation: {flags}"
        )
    return said
