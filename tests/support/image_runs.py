"""Where a test keeps what is found on images, outside of a session."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

from validation.files.temporary import remove_folder, temporary_folder
from validation.inference.input_cache import InputCache
from validation.preprocess.image import ImageFile
from validation.record.run import Step
from validation.workspace.image_runs import ImageRuns
from validation.workspace.products import ProductCache


def image_runs(
    images: Sequence[ImageFile], work: ProductCache, on_step: Callable[[Step], None]
) -> ImageRuns:
    """As of a session that begins here; its folder is removed with it.

    Args:
        images: Of the session.
        work: See `ImageRuns`.
        on_step: Gets the steps of files under test.
    """
    folder = temporary_folder()
    runs = ImageRuns(tuple(images), work, ProductCache(folder, on_step), InputCache(), folder)
    weakref.finalize(runs, remove_folder, folder)
    return runs
