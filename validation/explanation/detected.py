"""What two sides detect on the same images, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from validation.comparison.class_relation import classes_by_detections
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.disagreements import (
    Disagreement,
    DisagreementRule,
    disagreements,
    worst_images,
)
from validation.explanation.facts import ChangedClass, DetectionFacts, WorstImage
from validation.explanation.sides import Side
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections


def disagreement_rule(sides: Sequence[Side], policy: Policy) -> DisagreementRule:
    """When a detection of one side is lost on the other: 8 bits move scores by more."""
    in_8_bits = any(
        side.tflite is not None and {"int8", "uint8"} & side.tflite.file.tensors.keys()
        for side in sides
    )
    return DisagreementRule.of(policy, policy.setting("parity_min_score"), in_8_bits=in_8_bits)


def detection_facts(
    sides: tuple[Side, Side],
    first: Mapping[str, Detections],
    second: Mapping[str, Detections],
    images: Sequence[ImageFile],
    rule: DisagreementRule,
    class_rules: DifferenceRules,
    shown: int,
) -> DetectionFacts:
    """What is lost, gained, moved and called otherwise, and the images with most of it.

    Args:
        sides: They name the classes.
        first: Detections of each image.
        second: Of the same images.
        images: Their files.
        rule: What is compared.
        class_rules: When classes are said to be numbered otherwise.
        shown: How many images to name at most.
    """
    found = disagreements(first, second, rule)
    files = {image.key: image.path.name for image in images}
    low, low_image = _worst(found, lambda each: each.worst_iou, lambda iou: iou)
    shift, shift_image = _worst(found, lambda each: each.worst_score_shift, lambda by: -abs(by))
    return DetectionFacts(
        min_score=rule.min_score,
        score_epsilon=rule.score_epsilon,
        images=len(found),
        images_differing=sum(not each.agrees for each in found),
        shown=sum(each.pairs + each.lost + len(each.changed) for each in found),
        pairs=sum(each.pairs for each in found),
        lost=sum(each.lost for each in found),
        gained=sum(each.gained for each in found),
        moved=sum(each.moved for each in found),
        changed=_changed(found, sides),
        classes=classes_by_detections(first, second, class_rules).facts,
        worst_iou=low,
        worst_iou_image=files.get(low_image, ""),
        worst_score_shift=shift,
        worst_score_image=files.get(shift_image, ""),
        worst=tuple(WorstImage(files[each.image], each) for each in worst_images(found, shown)),
    )


def _worst(
    found: Sequence[Disagreement],
    value: Callable[[Disagreement], float | None],
    rank: Callable[[float], float],
) -> tuple[float | None, str]:
    known = [(figure, each.image) for each in found if (figure := value(each)) is not None]
    return min(known, key=lambda one: rank(one[0]), default=(None, ""))


def _changed(found: Sequence[Disagreement], sides: tuple[Side, Side]) -> tuple[ChangedClass, ...]:
    counts = Counter((each.first, each.second) for one in found for each in one.changed)
    return tuple(
        ChangedClass(_name(sides[0], first), _name(sides[1], second), count)
        for (first, second), count in counts.most_common()
    )


def _name(side: Side, class_id: int) -> str:
    return side.labels.names.get(class_id) or f"class {class_id}"
