"""Faults of labelled images and label maps: the file is right, what judges it is not."""

from __future__ import annotations

from typing import Any

from validation.coco.box_formats import BoxFormat
from validation.faults import label_edits as put
from validation.faults.fault import Case, Fault, Inject, Thinness
from validation.record.diagnosis import FaultKind, Place

_COMPLETE = (Thinness.COMPLETE,)
_ACCURACY = ("plausibility", "canaries", "accuracy", "evidence")
_NAMES = frozenset({FaultKind.CLASS_NAMES, FaultKind.CLASS_ORDER, FaultKind.CLASS_SHIFT})


def _labels(
    name: str,
    title: str,
    inject: Inject,
    *kinds: FaultKind,
    known: tuple[str, ...] = (),
    equivalent: str = "",
) -> Fault:
    return Fault(
        f"labels-{name}",
        f"labels: {title}",
        Place.LABELS,
        frozenset(kinds),
        inject,
        _ACCURACY,
        known,
        at=_COMPLETE,
        variants=("float",),
        equivalent=equivalent,
    )


def _cyclic(step: int) -> Any:
    return lambda category, count: (category - 1 + step) % count + 1


def _swapped(category: int, _: int) -> int:
    return {1: 2, 2: 1}.get(category, category)


def _as_corners(case: Case) -> Case:
    return case.with_box_format(BoxFormat.XYXY)


def _empty(case: Case) -> None:
    put.in_annotations(put.without_objects)(case)


LABEL_FAULTS: tuple[Fault, ...] = (
    _labels(
        "shifted",
        "the category of every object is the next one",
        put.map_categories(_cyclic(1)),
        *_NAMES,
        known=("O03",),
    ),
    _labels(
        "swapped",
        "two categories of the objects are exchanged",
        put.map_categories(_swapped),
        *_NAMES,
    ),
    _labels(
        "reversed",
        "the categories of the objects are in the reverse order",
        put.map_categories(lambda category, count: count + 1 - category),
        *_NAMES,
    ),
    _labels(
        "renamed",
        "two categories exchange their names",
        put.rename_categories(put.exchanged(0, 1)),
        *_NAMES,
    ),
    _labels(
        "unknown-names",
        "one category has a name that no class has",
        put.rename_categories(lambda names: ["scarlet sphere", *names[1:]]),
        FaultKind.CLASS_NAMES,
        FaultKind.CLASS_LOST,
    ),
    _labels(
        "map-swapped",
        "two lines of the label map are exchanged",
        put.in_label_map(put.exchanged(0, 1)),
        *_NAMES,
    ),
    _labels(
        "map-shifted",
        "the label map begins with its last name",
        put.in_label_map(lambda names: [names[-1], *names[:-1]]),
        *_NAMES,
        known=("O03",),
    ),
    _labels(
        "map-short",
        "the label map lacks its last two names",
        put.in_label_map(lambda names: names[:-2]),
        FaultKind.CLASS_COUNT,
    ),
    _labels(
        "corners",
        "boxes are corners",
        put.change_boxes(lambda box, *_: [box[0], box[1], box[0] + box[2], box[1] + box[3]]),
        FaultKind.BOX_LAYOUT,
    ),
    _labels(
        "centres",
        "boxes begin at their centre",
        put.change_boxes(lambda box, *_: [box[0] + box[2] / 2, box[1] + box[3] / 2, *box[2:]]),
        FaultKind.BOX_LAYOUT,
    ),
    _labels(
        "shares",
        "boxes are shares of the image",
        put.change_boxes(
            lambda box, width, height: [
                box[0] / width,
                box[1] / height,
                box[2] / width,
                box[3] / height,
            ]
        ),
        FaultKind.BOX_LAYOUT,
    ),
    _labels(
        "axes",
        "boxes have y before x",
        put.change_boxes(lambda box, *_: [box[1], box[0], box[3], box[2]]),
        FaultKind.BOX_LAYOUT,
        FaultKind.BOX_AXES,
        known=("O06",),
    ),
    _labels(
        "half-size",
        "boxes are those of images of half the size",
        put.change_boxes(lambda box, *_: [each / 2 for each in box]),
        FaultKind.LABELLED_SIZE,
        FaultKind.BOX_LAYOUT,
    ),
    _labels(
        "box-format",
        "--box-format=xyxy of boxes that are not corners",
        _as_corners,
        FaultKind.BOX_LAYOUT,
    ),
    _labels(
        "other-images",
        "the objects of each image are those of the next one",
        put.in_annotations(put.other_files),
        FaultKind.OTHER_IMAGES,
    ),
    _labels(
        "one-category",
        "objects of one category alone are labelled",
        put.in_annotations(put.only_first_category),
        FaultKind.UNLABELLED,
    ),
    _labels(
        "missing",
        "every second image has lost its objects",
        put.in_annotations(put.without_every_second),
        FaultKind.UNLABELLED,
    ),
    _labels("none", "nothing is labelled", _empty, FaultKind.UNLABELLED),
)
