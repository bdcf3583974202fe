"""One image as several sides see it, reduced so that a page needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

from PIL import Image

from validation.preprocess.image import ImageFile, load
from validation.record.pictures import Panel, Picture
from validation.record.types import ModelKey


def picture_of(
    key: ModelKey,
    image: ImageFile,
    width: int,
    panels: Sequence[Panel],
    labels: Mapping[int, str],
) -> Picture:
    """The image, no wider and no higher than `width`, with what each panel draws on it.

    Args:
        key: Of the file that is shown.
        image: The file.
        width: Pixels.
        panels: In the order in which they are shown.
        labels: Class names by id, as far as they are known.

    Raises:
        DatasetError: The image cannot be read.
    """
    reduced = Image.fromarray(load(image))
    reduced.thumbnail((width, width))
    data = io.BytesIO()
    reduced.save(data, "JPEG", quality=80)
    occurring = {number for panel in panels for number in panel.classes}
    return Picture(
        model=key.model,
        image=image.path.name,
        width=reduced.width,
        height=reduced.height,
        jpeg_base64=base64.b64encode(data.getvalue()).decode(),
        panels=tuple(panels),
        labels={str(number): name for number, name in labels.items() if number in occurring},
        variant=key.variant,
        file=key.file,
    )
