"""Detections in COCO's results format, for other people's evaluations."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from validation.coco.dataset import Dataset
from validation.coco.in_pixels import CocoDetections, in_pixels
from validation.files.atomic import atomic_file, said_clearly
from validation.record.detections import Detections

# Dicts and lists of numbers take ten times the room of arrays.
_AT_A_TIME = 10_000


@contextlib.contextmanager
def results_file(path: Path) -> Iterator[Callable[[str], None]]:
    """A file of what was scored (https://cocodataset.org/#format-results), whole or not at all.

    Args:
        path: JSON file to write.

    Yields:
        What adds the `results_text` of some more images.

    Raises:
        ArtefactError: The file cannot be written.
    """
    stack = contextlib.ExitStack()
    with said_clearly(path):
        file = stack.enter_context(atomic_file(path))
        file.write(b"[")
    # Only what is written here is an error of the file.
    with stack:
        yield _adding(file.write, path)
        with said_clearly(path):
            file.write(b"]")
            stack.close()


def _adding(write: Callable[[bytes], int], path: Path) -> Callable[[str], None]:
    between = ""

    def add(text: str) -> None:
        nonlocal between
        if text:
            with said_clearly(path):
                write(f"{between}{text}".encode())
            between = ", "

    return add


def results_text(found: CocoDetections) -> str:
    """The objects of a JSON list, without its brackets; empty where there are none."""
    parts = range(0, len(found), _AT_A_TIME)
    return ", ".join(_json(found.take(slice(start, start + _AT_A_TIME))) for start in parts)


def write_results(
    path: Path,
    dataset: Dataset,
    detections: Mapping[int, Detections],
    categories: Mapping[int, int | None],
) -> None:
    """Write what was scored on a data set; see `results_file`.

    Args:
        path: JSON file to write.
        dataset: The images.
        detections: Of each image id.
        categories: Category id of each class id, None for what is not scored.

    Raises:
        ArtefactError: The file cannot be written.
    """
    with results_file(path) as add:
        add(results_text(in_pixels(dataset.images, detections, categories)))


def _json(found: CocoDetections) -> str:
    columns = (found.image_ids, found.category_ids, found.boxes, found.scores)
    names = ("image_id", "category_id", "bbox", "score")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows])[1:-1]
