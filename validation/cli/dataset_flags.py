"""The flags by which commands are given labelled images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from validation.coco.box_formats import BoxFormat, parse_box_format


def add_dataset_flags(
    parser: argparse.ArgumentParser,
    annotations: str,
    *,
    required: bool = False,
    images_too: Sequence[str] = (),
) -> None:
    """Declare `--coco-annotations`, `--coco-images` and `--box-format`.

    Args:
        parser: Of the command.
        annotations: Help of the first.
        required: The command does nothing without labelled images.
        images_too: Other names of the second.
    """
    parser.add_argument(
        "--coco-annotations",
        "--annotations",
        type=Path,
        required=required,
        metavar="PATH",
        help=annotations,
    )
    parser.add_argument(
        "--coco-images",
        *images_too,
        type=Path,
        metavar="DIR",
        help="folder of the labelled images (default: where the data set says or holds them)",
    )
    parser.add_argument(
        "--box-format",
        type=parse_box_format,
        metavar="FORMAT",
        help=f"what the four numbers of an annotated box are: {', '.join(BoxFormat)} (default: "
        "xywh, COCO's; boxes that are evidently of another format are refused)",
    )
