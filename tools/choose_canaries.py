"""Choose the canaries of the bundled models among the labelled scenes.

    python tools/choose_canaries.py [RUN]   write validation/zoo/bundled/canaries.toml

RUN is the folder of a run over the bundled models. An object that one of their inference graphs
finds with less than `LEAST_OVERLAP` is then no canary: what the original misses says nothing of
a file.

One image each of the four classes that name a fault by their confusion: exchanged channels turn
a red ball into a blue one, a flip turns an arrow round.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset, load_dataset
from validation.comparison.matching import box_iou
from validation.errors import DatasetError, ValidationError
from validation.files.atomic import write_text_atomic
from validation.record.detections import Detections
from validation.record.evidence import load_evidence
from validation.record.store import RECORD_NAME, load_record
from validation.zoo.bundled_files import BUNDLED_FOLDER
from validation.zoo.integrity import digest_file

CLASSES = ("red_ball", "blue_ball", "arrow_up", "arrow_down")
# Plain images: what hides the object is not what a canary is for.
MOST_OBJECTS = 2
NEAREST_TO_BORDER = 4.0
# Longer over shorter side: swapped axes move a box by a good part of the image.
LEAST_ASPECT = 1.25
# Well beyond the limit of the check: it warns below 0.7.
LEAST_OVERLAP = 0.8
LEAST_SCORE = 0.3

# Whether the original models find an object without doubt.
IsFound = Callable[[CocoImage, CocoAnnotation], bool]

_HEAD = """\
# Written by tools/choose_canaries.py from the labelled scenes; do not edit. None is square, so
# that swapped axes show; the boxes are those of the annotations, as (ymin, xmin, ymax, xmax) in
# shares of the image's sides.
"""
_ORIGIN = "drawn by this project, one of the labelled scenes"
_LICENCE = "Apache-2.0"


def document(
    folder: Path, classes: Sequence[str] = CLASSES, is_found: IsFound = lambda *_: True
) -> str:
    """The list of the canaries, one for each class.

    Args:
        folder: With the labelled scenes in scenes/.
        classes: Names of categories.
        is_found: Whether an object may be a canary, see `found_in`.

    Raises:
        DatasetError: The scenes cannot be read, or a class has no image that is plain enough.
    """
    dataset = load_dataset(folder / "scenes" / "annotations.json", folder / "scenes" / "images")
    taken: list[CocoImage] = []
    entries = []
    for name in classes:
        # Wide and tall in turn: an error of one axis alone does not pass all of them.
        image, annotation = _plainest(dataset, name, taken, is_found, wide=len(taken) % 2 == 0)
        taken.append(image)
        entries.append(_entry(folder, name, image, annotation))
    return "\n".join([_HEAD, *entries])


def _plainest(
    dataset: Dataset, name: str, taken: Sequence[CocoImage], is_found: IsFound, *, wide: bool
) -> tuple[CocoImage, CocoAnnotation]:
    """The image that its only object of the class fills most."""
    candidates = []
    for image in dataset.images:
        objects = [each for each in dataset.ground_truth if each.image_id == image.id]
        own = [each for each in objects if dataset.categories[each.category_id] == name]
        aspect = image.width / image.height if wide else image.height / image.width
        fits = len(own) == 1 and len(objects) <= MOST_OBJECTS and image not in taken
        if (
            fits
            and aspect >= LEAST_ASPECT
            and not own[0].is_crowd
            and _is_whole(image, own[0])
            and is_found(image, own[0])
        ):
            _, _, width, height = own[0].bbox
            share = width * height / (image.width * image.height)
            candidates.append((share, -image.id, image, own[0]))
    if not candidates:
        raise DatasetError(
            f"no image is plain enough to be the canary of {name}",
            expected=f"one object of the class, whole, of {MOST_OBJECTS} at most, on an image that "
            f"is {'wide' if wide else 'tall'}, sides {LEAST_ASPECT}:1 or more",
            where=dataset.annotation_path,
        )
    _, _, image, annotation = max(candidates, key=lambda each: each[:2])
    return image, annotation


def found_in(run: Path) -> IsFound:
    """Whether every reference of a run found an object, by the evidence beside its record.

    Raises:
        ValidationError: The record or its evidence cannot be read, or has no reference.
    """
    record = load_record(run / RECORD_NAME)
    detections = [
        load_evidence(run, each) for each in record.evidence if each.variant == "reference"
    ]
    if not detections:
        raise DatasetError("the run has no detections of a reference", where=run)

    def is_found(image: CocoImage, annotation: CocoAnnotation) -> bool:
        x, y, width, height = annotation.bbox
        sides = np.array([image.height, image.width] * 2)
        box = np.array([[y, x, y + height, x + width]]) / sides
        return min(_overlap(each[str(image.id)], annotation, box) for each in detections) >= (
            LEAST_OVERLAP
        )

    return is_found


def _overlap(found: Detections, annotation: CocoAnnotation, box: NDArray[np.float64]) -> float:
    # The classes of the bundled models are the categories of the scenes.
    own = (found.classes == annotation.category_id) & (found.scores >= LEAST_SCORE)
    return float(np.max(box_iou(box, found.boxes[own]), initial=0.0))


def _is_whole(image: CocoImage, annotation: CocoAnnotation) -> bool:
    x, y, width, height = annotation.bbox
    right, bottom = image.width - x - width, image.height - y - height
    return min(x, y, right, bottom) >= NEAREST_TO_BORDER


def _entry(folder: Path, name: str, image: CocoImage, annotation: CocoAnnotation) -> str:
    x, y, width, height = annotation.bbox
    box = [
        round(y / image.height, 5),
        round(x / image.width, 5),
        round((y + height) / image.height, 5),
        round((x + width) / image.width, 5),
    ]
    return f"""\
[[canary]]
file = {json.dumps(image.path.relative_to(folder).as_posix())}
sha256 = {json.dumps(digest_file(image.path).sha256)}
label = {json.dumps(name)}
box = {json.dumps(box)}
origin = {json.dumps(_ORIGIN)}
licence = {json.dumps(_LICENCE)}
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the list.

    Returns:
        0, or the exit code of the error on stderr.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="folder of a run")
    run = parser.parse_args(arguments).run
    try:
        found = {} if run is None else {"is_found": found_in(run)}
        write_text_atomic(BUNDLED_FOLDER / "canaries.toml", document(BUNDLED_FOLDER, **found))
    except ValidationError as error:
        sys.stderr.write(f"choose_canaries: {type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
