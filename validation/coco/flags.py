"""The flags that name labelled images, for commands and suites alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from validation.coco.box_formats import BoxFormat, parse_box_format
from validation.files.arguments import parse_count


def add_labelled_image_flags(
    add: Callable[..., object],
    *,
    annotations: Callable[[str], Path] = Path,
    images: Callable[[str], Path] = Path,
    required: bool = False,
    why: str = "",
    otherwise: str = "",
    images_alone: bool = True,
) -> None:
    """Declare them.

    Args:
        add: Takes what argparse's ``add_argument`` takes.
        annotations: Reads the path of the data set.
        images: Reads the path of the folder.
        required: The command does nothing without labelled images.
        why: Words behind what they are: what they are asked for.
        otherwise: What is taken without them.
        images_alone: ``--images`` means the labelled ones too.
    """
    needed: dict[str, Any] = {"required": True} if required else {}
    add(
        "--coco-annotations",
        "--annotations",
        type=annotations,
        metavar="PATH",
        help="labelled images: COCO json, TFRecords or a pattern of them, a Pascal VOC folder, a "
        "YOLO folder or data.yaml, or a pipeline.config that names TFRecords"
        + why
        + (f" (default: {otherwise})" if otherwise else ""),
        **needed,
    )
    add(
        "--coco-images",
        *(["--images"] if images_alone else []),
        type=images,
        metavar="DIR",
        help="folder of the labelled images (default: where the data set says or holds them)",
    )
    add(
        "--box-format",
        type=parse_box_format,
        metavar="FORMAT",
        help=f"what the four numbers of an annotated box are: {', '.join(BoxFormat)} (default: "
        "xywh, COCO's; boxes that are evidently of another format are refused)",
    )
    add(
        "--max-images",
        type=parse_count,
        metavar="N",
        help="use the first N labelled images by id (default: all)",
    )
