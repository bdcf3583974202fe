"""How a file was fed and read in a run: what it takes, beside the file, to run it again."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record.types import OfVariant
from validation.specs.contracts import PostprocessAttributes, Preprocessing
from validation.specs.feeds import FeedWay


@dataclass(frozen=True)
class FileFeed(OfVariant):
    """From an image to the input of one file, and from its outputs to detections.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        way: How the prepared image becomes the input tensor.
        preprocessing: Resize, and what pixels become.
        shared_size: Height and width to which images were resized in whole numbers before, as
            the reference takes no others; None where they were not.
        num_classes: Without the background; None where nothing says it.
        postprocess: Attributes of the op, or of what raw outputs were closed with; None of a file
            whose detections something else makes.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    way: FeedWay
    preprocessing: Preprocessing
    shared_size: tuple[int, int] | None = None
    num_classes: int | None = None
    postprocess: PostprocessAttributes | None = None
    file: str = ""
