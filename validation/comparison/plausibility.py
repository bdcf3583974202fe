"""What no detector does that is right, whatever it is compared with.

Parity compares two sides, and a fault that both share leaves them equal. Here each value is held
against what any detector is: scores in [0, 1], anchors on a grid, boxes on the image, objects
that are met and called by their names.
"""

from __future__ import annotations

from dataclasses import dataclass

from validation.comparison.anchor_sense import AnchorSense
from validation.comparison.detection_sense import DetectionSense
from validation.comparison.labelled_sense import LabelledSense
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.formatting import plural
from validation.record.types import CheckResult, Measure, ModelKey

_CHECK = "plausibility"
# Shares of fewer are an accident.
_LEAST_SHOWN = _LEAST_OBJECTS = 10


@dataclass(frozen=True)
class KnownAp:
    """AP of a file beside what is known of its model.

    Args:
        ap: Of the file.
        known: What was measured of the model elsewhere.
        recorded: On these very images, when it was trained; else published, on others like them.
    """

    ap: float
    known: float
    recorded: bool


@dataclass(frozen=True)
class Sense:
    """All that is looked at of one file.

    Args:
        detections: Of all images.
        anchors: None where the file states none.
        labelled: None without labels, and where detections are not finite.
        known_ap: AP over what is known of the model; None where nothing can be compared.
        unusual: Values of the archive that one file alone states and no model of the zoo has.
        trained: False for seeded weights, which show anything.
        min_score: From which detections are shown.
    """

    detections: DetectionSense
    anchors: AnchorSense | None
    labelled: LabelledSense | None
    trained: bool
    min_score: float
    known_ap: KnownAp | None = None
    unusual: int = 0


def check_plausibility(sense: Sense, policy: Policy, key: ModelKey) -> CheckResult:
    """The file does what a detector does.

    Args:
        sense: What was looked at.
        policy: Its limits.
        key: Model and variant.
    """
    measures = Measure.limited(_values(sense), policy, _CHECK, key)
    said = _sentences(sense, measures)
    return CheckResult.judged(_CHECK, key, measures, message="; ".join(said))


def _values(sense: Sense) -> dict[str, object]:
    seen = sense.detections
    values: dict[str, object] = {
        "not_finite_detections": seen.not_finite,
        "lowest_score": seen.lowest_score,
        "highest_score": seen.highest_score,
        "one_score": seen.one_score,
        "same_everywhere": seen.same_everywhere,
        "turned_boxes": seen.turned,
    }
    if sense.anchors is not None:
        anchors = sense.anchors
        values |= {
            "anchors_not_finite": anchors.not_finite,
            "anchors_without_area": anchors.sides_not_positive,
            "anchor_centres_beyond": anchors.centre_beyond,
            "largest_anchor_side": anchors.largest_side,
            "shrinking_anchor_layers": len(anchors.shrinking),
            "anchors_by_column": int(anchors.by_column),
        }
    if not sense.trained:
        return values
    values["unusual_values"] = sense.unusual
    if seen.images:
        values["full_image_share"] = seen.full / seen.images
    if seen.shown >= _LEAST_SHOWN:
        values["beside_image_share"] = seen.beside / seen.shown
    if (known := sense.known_ap) is not None:
        values["of_recorded_ap" if known.recorded else "of_published_ap"] = known.ap / known.known
    labelled = sense.labelled
    if labelled is not None:
        values["labels_read_otherwise"] = int(labelled.read_otherwise)
        values["classes_moved"] = 0 if labelled.moved is None else len(labelled.moved.pairs)
        values["categories_renamed"] = len(labelled.renamed)
        values["classes_lost"] = len(labelled.lost)
        if labelled.objects >= _LEAST_OBJECTS:
            values["met_share"] = labelled.met_share
        if labelled.met >= _LEAST_OBJECTS:
            values["called_otherwise_share"] = labelled.called_otherwise_share
    return values


def _sentences(sense: Sense, measures: tuple[Measure, ...]) -> list[str]:
    """What is not as it should be; measures say by how much."""
    wrong = {each.name for each in measures if each.status is not Status.PASS}
    seen = sense.detections
    said = {
        "not_finite_detections": f"{plural(seen.not_finite, 'detection')} with NaN or infinity",
        "lowest_score": f"a score of {seen.lowest_score:.4g}: scores lie between 0 and 1",
        "highest_score": f"a score of {seen.highest_score:.4g}: scores lie between 0 and 1",
        "one_score": f"all {seen.detections} detections have the same score",
        "same_everywhere": f"all {seen.images} images give the same detections",
        "turned_boxes": f"{plural(seen.turned, 'detection')} with the corners of the box exchanged",
        "full_image_share": f"on {plural(seen.full, 'image')} of {seen.images} every slot is taken "
        f"by a detection of score {sense.min_score:g} or more",
        "unusual_values": f"{plural(sense.unusual, 'value')} that no SSD of the TF1 zoo has and no "
        "second file confirms",
        "beside_image_share": f"{seen.beside} of {seen.shown} boxes lie mostly outside the image",
    }
    if sense.anchors is not None:
        said |= _of_anchors(sense.anchors)
    if (known := sense.known_ap) is not None:
        said["of_recorded_ap"] = f"AP {known.ap:.3f}, {known.known:.3f} when it was trained"
        said["of_published_ap"] = f"AP {known.ap:.3f}, published with {known.known:.3f}"
    if sense.labelled is not None:
        said |= _of_labels(sense.labelled, sense.min_score)
    return [words for name, words in said.items() if name in wrong]


def _of_anchors(anchors: AnchorSense) -> dict[str, str]:
    layers = ", ".join(str(each.start) for each in anchors.shrinking)
    return {
        "anchors_not_finite": f"{anchors.not_finite} of {anchors.rows} anchors are not finite",
        "anchors_without_area": f"{plural(anchors.sides_not_positive, 'anchor')} with a side of 0 "
        "or less",
        "anchor_centres_beyond": f"an anchor's centre lies {anchors.centre_beyond:.3g} of a side "
        "outside the image",
        "largest_anchor_side": f"an anchor's side is {anchors.largest_side:.3g} times the image's",
        "shrinking_anchor_layers": "anchors of a coarser feature map are smaller than those "
        f"before, from row {layers} on",
        "anchors_by_column": "anchors go down the columns of a feature map, the OD API's go along "
        "its rows",
    }


def _of_labels(labelled: LabelledSense, min_score: float) -> dict[str, str]:
    called = labelled.met - labelled.in_class
    return {
        "met_share": f"at scores from {min_score:g} only {labelled.met} of {labelled.objects} "
        "labelled objects have a box of any class on them: agreement with a reference that finds "
        "next to nothing is no evidence. Where so few are expected of this domain, state it: "
        "[[limit]] of check plausibility, measure met_share, in a file for --policy",
        "called_otherwise_share": f"{called} of {labelled.met} objects that are found are called "
        "another class",
        "classes_lost": f"classes that are never found, although others are: {len(labelled.lost)}",
    }
