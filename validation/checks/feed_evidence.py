"""Whether a file is fed wrongly, or does something else with what it is fed."""

from __future__ import annotations

import numpy as np

from validation.checks.both_sides import both_raw_outputs
from validation.errors import ConversionError, NotProvided
from validation.preprocess.feed import prepared_for
from validation.preprocess.image import load
from validation.preprocess.prepare import prepare
from validation.workspace.context import CheckContext


def is_of_feed(context: CheckContext) -> bool:
    """Its feed is not what it says, or the file gives its reference's raw outputs for it.

    Of a given file: its user states the feed, which else follows from the file.
    """
    if context.given is not None:
        return bool(context.given.stated)
    if _is_fed_otherwise(context):
        return True
    try:
        ours, theirs = both_raw_outputs(context)
    except (NotProvided, ConversionError):
        return True
    same = context.policy.setting("hypothesis_same_outputs")
    return all(
        np.abs(theirs[name] - ours[name]).mean() <= same * np.abs(ours[name]).mean()
        for name in ours
    )


def _is_fed_otherwise(context: CheckContext) -> bool:
    """What the file is fed is not what its preprocessing makes of the image."""
    subject, image = context.subject, context.images[0]
    own = prepared_for(subject.preprocessing, subject.way)
    fed = context.runs.feeds.of(image, own, subject.shared_size)
    return not np.array_equal(fed, prepare(load(image, subject.shared_size), own))
