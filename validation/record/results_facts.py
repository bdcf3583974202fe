"""What was assumed and left out when detections of another system were read: typed, and said."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.errors import first_few
from validation.record.formatting import plural

# What pycocotools scores of an image and category; further ones are never looked at.
COCO_MOST_PER_IMAGE = 100
# Of what was left out, so many are named.
MOST_NAMED = 5


class ResultsDoubt(enum.StrEnum):
    """What makes detections of another system doubtful; the name of its measure."""

    EITHER_WAY = "results_read_either_way"
    UNKNOWN_CATEGORY = "results_of_unknown_category"
    IN_ONE_CORNER = "results_in_one_corner"
    BEYOND = "result_boxes_beyond_share"
    MET = "results_meet_objects_share"
    IN_CLASS = "results_in_class_share"
    SILENT = "images_without_result_share"


class ImagesBy(enum.StrEnum):
    """By what results were joined to the images of the data set."""

    ID = "image id"
    NAME = "file name"


@dataclass(frozen=True)
class LeftResults:
    """Results that stand for nothing in the data set or the model.

    Args:
        count: Of results.
        keys: Their images or categories, as written; the first `MOST_NAMED`.
        kinds: How many different keys there are.
    """

    count: int = 0
    keys: tuple[str, ...] = ()
    kinds: int = 0


@dataclass(frozen=True)
class Meeting:
    """How detections lie to the labelled objects; crowds are left out.

    Args:
        objects: On the images of the data set.
        met: Those with a detection of any class on them, at IoU 0.5.
        in_class: Those with a detection of their own category on them.
        images: With objects.
        silent: Those of them without a detection.
    """

    objects: int = 0
    met: int = 0
    in_class: int = 0
    images: int = 0
    silent: int = 0

    def describe(self) -> str:
        """How many objects are met, one clause."""
        return (
            f"{self.met} of {plural(self.objects, 'object')} met by a box, {self.in_class} by one "
            "of their category"
        )


@dataclass(frozen=True)
class ResultsFacts:
    """How a file of detections was read.

    Args:
        results: In the file.
        used: Taken as detections.
        images: Of the data set.
        images_with: Those with a detection at the least.
        by: By what images were joined.
        either_way: Different image numbers that are ids, and file names of other images too.
        other_images: Results on images that the data set does not have.
        unknown_categories: Results of category ids that the data set does not have.
        other_categories: Results of its categories that no class of the model stands for.
        most_per_image: Detections of the fullest image.
        ids_as_text: Ids that are text with a number.
        ignored_keys: Fields of results that mean nothing here.
        boxes_beyond: Boxes that reach beyond their image by more than a pixel.
        boxes_without_area: Boxes without width or height, which match nothing.
        in_one_corner: All boxes keep to the upper left of their images, as boxes in per cent or
            in pixels of a smaller image do.
        meeting: How they lie to the labelled objects.
        from_zero: Category 0 is among the unknown ones: the ids are a model's, counted from 0.
    """

    results: int
    used: int
    images: int
    images_with: int
    by: ImagesBy = ImagesBy.ID
    either_way: int = 0
    other_images: LeftResults = LeftResults()
    unknown_categories: LeftResults = LeftResults()
    other_categories: LeftResults = LeftResults()
    most_per_image: int = 0
    ids_as_text: int = 0
    ignored_keys: tuple[str, ...] = ()
    boxes_beyond: int = 0
    boxes_without_area: int = 0
    in_one_corner: bool = False
    from_zero: bool = False
    meeting: Meeting = Meeting()

    def describe(self) -> tuple[str, ...]:
        """One sentence for each thing that was assumed or left out; doubts are `words`."""
        said = [
            f"{self.used} of {plural(self.results, 'result')} used, on {self.images_with} of "
            f"{plural(self.images, 'image')}, joined by {self.by}"
        ]
        if self.ids_as_text:
            said.append(f"ids written as text and read as numbers: {self.ids_as_text}")
        if self.ignored_keys:
            said.append(f"fields of results that are ignored: {first_few(self.ignored_keys)}")
        if self.other_images.count:
            said.append(
                "results on images that the data set does not have, left out: "
                + _describe(self.other_images)
            )
        if self.other_categories.count:
            said.append(
                "results of categories that no class of the model stands for, left out: "
                + _describe(self.other_categories)
            )
        if self.most_per_image > COCO_MOST_PER_IMAGE:
            said.append(
                f"up to {self.most_per_image} detections on an image, of which COCO scores the "
                f"best {COCO_MOST_PER_IMAGE} of a category"
            )
        if self.boxes_beyond:
            said.append(f"boxes that reach beyond their image: {self.boxes_beyond}")
        if self.boxes_without_area:
            said.append(
                f"boxes without width or height, which match nothing: {self.boxes_without_area}"
            )
        if self.meeting.objects:
            said.append(self.meeting.describe())
        return tuple(said)

    @property
    def figures(self) -> dict[ResultsDoubt, float]:
        """How far each doubt goes; without those that too little is there for."""
        meeting = self.meeting
        found: dict[ResultsDoubt, float] = {
            ResultsDoubt.EITHER_WAY: self.either_way,
            ResultsDoubt.UNKNOWN_CATEGORY: self.unknown_categories.count,
            ResultsDoubt.IN_ONE_CORNER: int(self.in_one_corner),
            ResultsDoubt.BEYOND: self.boxes_beyond / self.used,
        }
        if meeting.objects:
            found[ResultsDoubt.MET] = meeting.met / meeting.objects
        if meeting.met:
            found[ResultsDoubt.IN_CLASS] = meeting.in_class / meeting.met
        if meeting.images:
            found[ResultsDoubt.SILENT] = meeting.silent / meeting.images
        return found

    def words(self, doubt: ResultsDoubt) -> str:
        """What a doubt is about, one clause."""
        meeting = self.meeting
        match doubt:
            case ResultsDoubt.EITHER_WAY:
                return (
                    f"{plural(self.either_way, 'image number')} read as image ids, and files of "
                    "other images are called so too"
                )
            case ResultsDoubt.UNKNOWN_CATEGORY:
                why = (
                    "they count from 0, as classes of a model do"
                    if self.from_zero
                    else "they may be numbers of classes and not the data set's ids"
                )
                return (
                    "results of category ids that the data set does not have, left out; "
                    f"{why}: {_describe(self.unknown_categories)}"
                )
            case ResultsDoubt.IN_ONE_CORNER:
                return (
                    "all boxes lie in the upper left part of their images, as boxes in per cent "
                    "or in pixels of the model's input do"
                )
            case ResultsDoubt.BEYOND:
                return (
                    f"{self.boxes_beyond} of {self.used} boxes reach beyond their image, as boxes "
                    "in pixels of another size or with x and y exchanged do"
                )
            case ResultsDoubt.MET:
                return (
                    f"hardly any object is met ({meeting.met} of {meeting.objects}): the boxes "
                    "may be of another format, scale or order, or of other images"
                )
            case ResultsDoubt.IN_CLASS:
                return (
                    f"of {meeting.met} objects that a box meets, only {meeting.in_class} are "
                    "called by their category: the category ids may be numbers of classes, or "
                    "shifted"
                )
            case ResultsDoubt.SILENT:
                return (
                    f"{meeting.silent} of {plural(meeting.images, 'image')} with objects have no "
                    "detection: the file may hold a part of the images"
                )


def _describe(left: LeftResults) -> str:
    more = left.kinds - len(left.keys)
    named = ", ".join(left.keys) + (f" and {more} more" if more else "")
    return f"{left.count} ({named})"
