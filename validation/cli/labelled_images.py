"""The labelled images that the flags of a command name."""

from __future__ import annotations

import argparse

from validation.cli.bundled import labelled_places
from validation.cli.flags import say
from validation.coco.dataset import Dataset, load_dataset, refuse_other_kinds


def refuse_other_labels(options: argparse.Namespace) -> None:
    """Refuse what `labelled_images` refuses by its kind, before anything is opened.

    Args:
        options: Of `validation.coco.flags.add_labelled_image_flags`.

    Raises:
        ValidationError: No data set.
    """
    annotations, images = labelled_places(options.coco_annotations, options.coco_images)
    refuse_other_kinds(annotations, images, options.box_format)


def labelled_images(options: argparse.Namespace) -> Dataset:
    """Read them, and report what they are.

    Args:
        options: See `refuse_other_labels`.

    Raises:
        ValidationError: They cannot be read.
    """
    annotations, images = labelled_places(options.coco_annotations, options.coco_images)
    dataset = load_dataset(
        annotations,
        images,
        max_images=options.max_images,
        box_format=options.box_format,
    )
    say(dataset.describe())
    return dataset
