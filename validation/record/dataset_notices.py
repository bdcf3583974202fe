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
    BOX_CONVERTED = "box_converted"
    IGNORE_UNUSED = "ignore_unused"
    FILE_BY_LAST_NAME = "file_by_last_name"
    FILE_BY_OTHER_CASE = "file_by_other_case"
    TURNED = "turned"
    TURN_NOT_ANNOTATED = "turn_not_annotated"
    TURN_UNDECIDED = "turn_undecided"


# A count and examples follow each.
_SENTENCES = {
    DatasetNoticeKind.ISCROWD_MISSING: "objects without iscrowd, taken as single objects",
    DatasetNoticeKind.AREA_MISSING: "objects without area, taken as the area of their boxes",
    DatasetNoticeKind.ID_AS_TEXT: "ids written as text and read as numbers",
    DatasetNoticeKind.NUMBER_AS_OTHER: "whole numbers written as decimals, text or true/false",
    DatasetNoticeKind.BOX_BEYOND_IMAGE: "boxes that reach beyond their image, scored as annotated",
    DatasetNoticeKind.BOX_WITHOUT_AREA: "boxes without width or height, which no detection can "
    "match",
    DatasetNoticeKind.BOX_CONVERTED: "boxes converted to COCO's layout, as asked",
    DatasetNoticeKind.IGNORE_UNUSED: "objects marked 'ignore' and not iscrowd, scored like all "
    "others, as pycocotools does",
    DatasetNoticeKind.FILE_BY_LAST_NAME: "images found by the last part of their file name",
    DatasetNoticeKind.FILE_BY_OTHER_CASE: "images found under a name of other case",
    DatasetNoticeKind.TURNED: "images turned as EXIF says, because their annotations fit the "
    "turned size",
    DatasetNoticeKind.TURN_NOT_ANNOTATED: "images used as stored although EXIF turns them, because "
    "their annotations fit the stored size",
    DatasetNoticeKind.TURN_UNDECIDED: "images used as stored although EXIF turns or mirrors them, "
    "and their annotations fit either way",
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
