"""How the file under test was fed and read, for the record."""

from __future__ import annotations

from validation.errors import NotProvided
from validation.record.feeds import FileFeed
from validation.specs.contracts import PostprocessAttributes
from validation.workspace.context import CheckContext


def feed_of_subject(context: CheckContext) -> FileFeed:
    """What it takes beside the file to run it again."""
    subject = context.subject
    return FileFeed(
        context.key.model,
        context.key.variant,
        subject.way,
        subject.preprocessing,
        subject.shared_size,
        _num_classes(context),
        _postprocess(context),
        context.key.file,
    )


def _num_classes(context: CheckContext) -> int | None:
    try:
        return context.subject.num_classes
    except NotProvided:
        return None


def _postprocess(context: CheckContext) -> PostprocessAttributes | None:
    try:
        return context.subject.postprocess
    except NotProvided:
        return None
