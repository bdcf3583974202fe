"""What was noticed while a data set was read: facts, and one sentence for each kind."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

# Names of files or entries that a notice carries; the count says how many there are.
MOST_EXAMPLES = 3


class DatasetNoticeKind(enum.StrEnum):
    """What was assumed, converted or left as it is."""

    ISCROWD_MISSING = "iscrowd_missing"
    AREA_MISSING = "area_missing"
    ID_AS_TEXT = "id_as_text"
    NUMBER_AS_OTHER = "number_as_other"
    BOX_BEYOND_IMAGE = "box_beyond_image"
    BOX_WITHOUT_AREA = "box_without_area"
    BOX_SCALE_DOUBTFUL = "box_scale_doubtful"
    BOX_CONVERTED = "box_converted"
    OBJECT_TWICE = "object_twice"
    AREA_UNLIKE_BOX = "area_unlike_box"
    IGNORE_UNUSED = "ignore_unused"
    FILE_BY_LAST_NAME = "file_by_last_name"
    FILE_BY_OTHER_SPELLING = "file_by_other_spelling"
    TURNED = "turned"
    TURN_ASSUMED = "turn_assumed"
    TURN_NOT_ANNOTATED = "turn_not_annotated"
    TURN_UNDECIDED = "turn_undecided"
    OBJECT_DIFFICULT = "object_difficult"
    OBJECT_GROUP_OF = "object_group_of"
    SIZE_FROM_IMAGE = "size_from_image"
    SIZE_DISAGREES = "size_disagrees"
    BOX_INVERTED = "box_inverted"
    COUNTED_FROM_ZERO = "counted_from_zero"
    CORNER_WITH_DECIMALS = "corner_with_decimals"
    BOX_FROM_OUTLINE = "box_from_outline"
    CONFIDENCE_IGNORED = "confidence_ignored"
    KEYPOINTS_IGNORED = "keypoints_ignored"
    FILE_NAME_DISAGREES = "file_name_disagrees"
    IMAGE_WITHOUT_LABELS = "image_without_labels"
    IMAGE_NOT_ANNOTATED = "image_not_annotated"
    IMAGE_TWICE = "image_twice"
    LABELS_WITHOUT_IMAGE = "labels_without_image"
    CATEGORY_UNNAMED = "category_unnamed"
    NAME_FROM_LABEL_MAP = "name_from_label_map"
    NAME_NOT_OF_LABEL_MAP = "name_not_of_label_map"


# A count and examples follow each.
_SENTENCES = {
    DatasetNoticeKind.ISCROWD_MISSING: "objects without iscrowd, taken as single objects",
    DatasetNoticeKind.AREA_MISSING: "objects without area, taken as the area of their boxes",
    DatasetNoticeKind.ID_AS_TEXT: "ids written as text and read as numbers",
    DatasetNoticeKind.NUMBER_AS_OTHER: "whole numbers written as decimals, text or true/false",
    DatasetNoticeKind.BOX_BEYOND_IMAGE: "boxes that reach beyond their image, scored as annotated",
    DatasetNoticeKind.BOX_WITHOUT_AREA: "boxes without width or height, which no detection can "
    "match",
    DatasetNoticeKind.BOX_SCALE_DOUBTFUL: "boxes that all lie in the upper left part of their "
    "images, as boxes in per cent or of smaller images do; scored as annotated",
    DatasetNoticeKind.OBJECT_TWICE: "objects that stand twice, in one box and category; each "
    "asks for a detection of its own",
    DatasetNoticeKind.AREA_UNLIKE_BOX: "areas that cannot be those of outlines in their boxes, "
    "used as stated; they decide what is small, medium and large",
    DatasetNoticeKind.BOX_CONVERTED: "boxes converted to COCO's layout, as asked",
    DatasetNoticeKind.IGNORE_UNUSED: "objects marked 'ignore' and not iscrowd, scored like all "
    "others, as pycocotools does",
    DatasetNoticeKind.FILE_BY_LAST_NAME: "images found by the last part of their file name",
    DatasetNoticeKind.FILE_BY_OTHER_SPELLING: "images found under a name of other case or accents",
    DatasetNoticeKind.TURNED: "images turned as EXIF says, because their annotations fit the "
    "turned size",
    DatasetNoticeKind.TURN_ASSUMED: "images turned as EXIF says: labels in shares of an image do "
    "not tell which way up it was labelled, and the way that viewers show it is assumed",
    DatasetNoticeKind.TURN_NOT_ANNOTATED: "images used as stored although EXIF turns them, because "
    "their annotations fit the stored size",
    DatasetNoticeKind.TURN_UNDECIDED: "images used as stored although EXIF turns or mirrors them, "
    "and their annotations fit either way",
    DatasetNoticeKind.OBJECT_DIFFICULT: "objects marked difficult, ignored as crowds are",
    DatasetNoticeKind.OBJECT_GROUP_OF: "objects marked as a group, ignored as crowds are",
    DatasetNoticeKind.SIZE_FROM_IMAGE: "image sizes not stated, taken from the images",
    DatasetNoticeKind.SIZE_DISAGREES: "stated sizes that are not the image's; boxes are shares of "
    "the image, so its own size holds",
    DatasetNoticeKind.BOX_INVERTED: "boxes whose ends are exchanged, put in order",
    DatasetNoticeKind.COUNTED_FROM_ZERO: "boxes that begin at pixel 0, where Pascal VOC counts "
    "from 1; corners of the whole set are read as edges counted from 0",
    DatasetNoticeKind.CORNER_WITH_DECIMALS: "corners with decimals, where Pascal VOC has whole "
    "pixels; read by the same rule",
    DatasetNoticeKind.BOX_FROM_OUTLINE: "outlines, taken as the boxes around them",
    DatasetNoticeKind.CONFIDENCE_IGNORED: "objects with a confidence, as predictions have; ignored",
    DatasetNoticeKind.KEYPOINTS_IGNORED: "objects with keypoints, which are ignored",
    DatasetNoticeKind.FILE_NAME_DISAGREES: "annotations that name another file than the image "
    "of their own name, which is used",
    DatasetNoticeKind.IMAGE_WITHOUT_LABELS: "images without a label file, scored as images "
    "without objects",
    DatasetNoticeKind.IMAGE_NOT_ANNOTATED: "images without an annotation file, ignored",
    DatasetNoticeKind.IMAGE_TWICE: "records whose image another record has as well",
    DatasetNoticeKind.LABELS_WITHOUT_IMAGE: "label files without an image, ignored",
    DatasetNoticeKind.CATEGORY_UNNAMED: "categories known by number only",
    DatasetNoticeKind.NAME_FROM_LABEL_MAP: "categories named by the label map alone",
    DatasetNoticeKind.NAME_NOT_OF_LABEL_MAP: "categories that the label map names otherwise; the "
    "data set's names are used",
}


@dataclass(frozen=True)
class DatasetNotice:
    """One kind of thing that was noticed in a data set, and how often.

    Args:
        kind: What it was.
        count: How many objects, files or entries it was noticed of.
        examples: The first of them, for people; at most `MOST_EXAMPLES`.
        moves_figures: True where another reading would give other figures, so that what
            was assumed has to be judged.
    """

    kind: DatasetNoticeKind
    count: int
    examples: tuple[str, ...] = ()
    moves_figures: bool = False

    @classmethod
    def of(
        cls, kind: DatasetNoticeKind, found: Sequence[str], *, moves_figures: bool = False
    ) -> DatasetNotice:
        """The notice about all of these."""
        return cls(kind, len(found), tuple(found[:MOST_EXAMPLES]), moves_figures)

    def describe(self) -> str:
        """What was noticed, how often, and the first of them."""
        more = self.count - len(self.examples)
        named = ", ".join(self.examples) + (f" and {more} more" if more else "")
        text = f"{_SENTENCES[self.kind]}: {self.count}"
        return f"{text} ({named})" if self.examples else text
