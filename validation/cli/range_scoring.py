"""A model file on labelled images: detected and scored a range at a time, on all cores."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from validation.cli.detectors import OpenModel
from validation.coco.dataset import Dataset
from validation.coco.image_matches import ImageMatcher
from validation.coco.scored_ranges import ScoredRange, score_range
from validation.inference.base import detections_in_order
from validation.isolation.forks import DoRange, can_fork, in_forks
from validation.record.detections import Detections
from validation.runtimes.tflite import default_threads

# Of threads, which share memory, each range is scored while they go on.
_IMAGES_AT_A_TIME = 250


@contextlib.contextmanager
def scored_ranges(
    model: OpenModel, dataset: Dataset, matcher: ImageMatcher, *, with_results: bool
) -> Iterator[Iterator[ScoredRange]]:
    """All images of a data set, scored in order, with a bar on a terminal.

    Where this process may be forked and the model is a .tflite, each core has a process, else a
    thread: a session of TensorFlow neither survives a fork nor needs one. Both give the same bits.

    Args:
        model: The model, open.
        dataset: The images.
        matcher: Of the data set.
        with_results: See `score_range`.

    Raises:
        ValidationError: What the model or the matcher raises; no image is left out.
    """
    workers = min(default_threads(), len(dataset.images))
    with contextlib.ExitStack() as stack:
        if model.tflite is not None and workers > 1 and can_fork():
            make = _in_child(model, dataset, matcher, with_results)
            results = stack.enter_context(in_forks(make, len(dataset.images), workers=workers))
        else:

            def results(on_items: Callable[[int], object]) -> Iterator[ScoredRange]:
                return _in_threads(model, dataset, matcher, with_results, workers, on_items)

        # The bar has a thread of its own: it comes after the forks.
        yield results(_progress(stack, model.name, len(dataset.images)))


def _progress(stack: contextlib.ExitStack, name: str, images: int) -> Callable[[int], object]:
    """What takes numbers of images that are done."""
    if not sys.stderr.isatty():
        return lambda _count: None
    from tqdm import tqdm

    return stack.enter_context(tqdm(total=images, desc=name, unit="image")).update


def _in_child(
    model: OpenModel, dataset: Dataset, matcher: ImageMatcher, with_results: bool
) -> Callable[[], DoRange[ScoredRange]]:
    def make() -> DoRange[ScoredRange]:
        detect = model.make()

        def do(first: int, last: int, on_item: Callable[[], None]) -> ScoredRange:
            images = dataset.images[first:last]
            found: dict[int, Detections] = {}
            for image in images:
                found[image.id] = detect(image.file)
                on_item()
            return score_range(matcher, images, found, with_results=with_results)

        return do

    return make


def _in_threads(
    model: OpenModel,
    dataset: Dataset,
    matcher: ImageMatcher,
    with_results: bool,
    workers: int,
    on_items: Callable[[int], object],
) -> Iterator[ScoredRange]:
    images = dataset.images
    files = (image.file for image in images)
    each = detections_in_order(model.make, files, workers=workers)
    with contextlib.closing(each):
        for first in range(0, len(images), _IMAGES_AT_A_TIME):
            some = images[first : first + _IMAGES_AT_A_TIME]
            found: dict[int, Detections] = {}
            for image in some:
                found[image.id] = next(each)
                on_items(1)
            yield score_range(matcher, some, found, with_results=with_results)
