"""Pictures of the worst disagreements: which are shown, and what is drawn on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from validation.record.formatting import plural
from validation.record.pictures import GROUND_TRUTH, BoxState, Panel, Picture
from validation.record.types import ModelKey
from validation.report.anchors import subject_anchor
from validation.report.charts import DrawnBox, draw_boxes, finite

# Beside those of the worst subject; a page stays light enough to open at once.
_MOST_OTHERS = 12
# Up to so many boxes on a side, those that both show have labels too.
_FEW_BOXES = 6
# In this order of what they say.
_SAID = (BoxState.LOST, BoxState.GAINED, BoxState.RENAMED, BoxState.MOVED)
_WORDS = {BoxState.RENAMED: "of another class"}


@dataclass(frozen=True)
class Side:
    """One side of a picture.

    Args:
        role: ``reference``, ``subject`` or ``truth``.
        title: What ran.
        count: How many boxes it has, in words.
        boxes: Its own, the best score drawn last.
        elsewhere: What only the other side shows, without labels.
        truth: Labelled objects, without labels; none on their own side.
    """

    role: str
    title: str
    count: str
    boxes: tuple[DrawnBox, ...]
    elsewhere: tuple[DrawnBox, ...] = ()
    truth: tuple[DrawnBox, ...] = ()


@dataclass(frozen=True)
class Shot:
    """One image with its sides.

    Args:
        picture: As it was recorded.
        image_id: Of the image, which is on the page once.
        differences: What is lost, gained, moved or of another class; in words.
        sides: Reference, subject, labels: those that there are.
    """

    picture: Picture
    image_id: str
    differences: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Gallery:
    """The pictures of one subject.

    Args:
        key: Of the subject.
        anchor: Of its section; the names of the gallery's controls begin with it.
        shots: Most disagreement first.
        roles: Sides that some shot has.
    """

    key: ModelKey
    anchor: str
    shots: tuple[Shot, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Galleries:
    """Every gallery of a page.

    Args:
        worst: Of the subject with the worst verdict, or else the largest loss; None without any.
        others: Of further subjects, the worst first.
        left_out: Pictures of the record that the page does not show.
        images: JPEG by id, each once.
    """

    worst: Gallery | None
    others: tuple[Gallery, ...]
    left_out: int
    images: Mapping[str, Picture]


def galleries(pictures: Iterable[Picture], worst_first: Sequence[ModelKey]) -> Galleries:
    """The pictures of the worst subject, and as many of the others as a page has room for.

    Args:
        pictures: Of one model.
        worst_first: Its subjects.
    """
    by_key: dict[ModelKey, list[Picture]] = {}
    for picture in pictures:
        by_key.setdefault(picture.key, []).append(picture)
    order = [key for key in worst_first if key in by_key]
    order += [key for key in by_key if key not in order]
    ids: dict[str, str] = {}
    images: dict[str, Picture] = {}
    made: list[Gallery] = []
    left, left_out = _MOST_OTHERS, 0
    for key in order:
        own = by_key[key]
        if made:
            left_out += max(len(own) - left, 0)
            own = own[:left]
            left -= len(own)
        for picture in own:
            image_id = ids.setdefault(picture.jpeg_base64, f"image.{len(ids) + 1}")
            images.setdefault(image_id, picture)
        if own:
            made.append(_gallery(key, own, ids))
    return Galleries(made[0] if made else None, tuple(made[1:]), left_out, images)


def _gallery(key: ModelKey, pictures: Sequence[Picture], ids: Mapping[str, str]) -> Gallery:
    shots = tuple(
        Shot(each, ids[each.jpeg_base64], _differences(each), _sides(each)) for each in pictures
    )
    roles = dict.fromkeys(side.role for shot in shots for side in shot.sides)
    order = [role for role in ("reference", "subject", "truth") if role in roles]
    return Gallery(key, subject_anchor(key), shots, tuple(order))


def _differences(picture: Picture) -> str:
    counts = {state: picture.count(state) for state in _SAID}
    said = [f"{count} {_WORDS.get(state, state)}" for state, count in counts.items() if count]
    if said:
        return ", ".join(said)
    compared = any(panel.states for panel in picture.panels)
    return "both show the same" if compared else ""


def _sides(picture: Picture) -> tuple[Side, ...]:
    ran = [panel for panel in picture.panels if panel.title != GROUND_TRUTH]
    truth = [panel for panel in picture.panels if panel.title == GROUND_TRUTH]
    objects = _drawn(truth[0], picture, labelled=False) if truth else ()
    # Without a reference the file is the only one that ran.
    sides = []
    for index, panel in enumerate(ran):
        role = "reference" if len(ran) > 1 and not index else "subject"
        others = [each for number, each in enumerate(ran) if number != index]
        sides.append(
            Side(
                role,
                panel.title,
                _count(panel, "detection"),
                _drawn(panel, picture, labelled=len(panel.boxes) <= _FEW_BOXES),
                tuple(box for other in others for box in _missing(other, picture)),
                objects,
            )
        )
    return (
        *sides,
        *(
            Side("truth", panel.title, _count(panel, "object"), _drawn(panel, picture))
            for panel in truth
        ),
    )


def _drawn(panel: Panel, picture: Picture, *, labelled: bool = True) -> tuple[DrawnBox, ...]:
    return draw_boxes(panel, picture.width, picture.height, picture.labels, label_found=labelled)


def _missing(panel: Panel, picture: Picture) -> Iterable[DrawnBox]:
    """What only the other side shows."""
    alone = {BoxState.LOST, BoxState.GAINED}
    return (box for box in _drawn(panel, picture, labelled=False) if box.state in alone)


def _count(panel: Panel, noun: str) -> str:
    count = len(panel.boxes)
    text = plural(count, noun) if count else f"no {noun}s"
    drawn = len(finite(panel))
    return text if drawn == count else f"{text}, {count - drawn} with NaN not drawn"
