"""What a record knows of files that were given: which they are, and what judged them."""

from __future__ import annotations

from validation.errors import first_few
from validation.record.run import ArtefactRole, GivenFile, Header
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.specs.references import ReferenceKind

NO_REFERENCE = "no reference: accuracy alone is judged"

_KINDS = {
    ReferenceKind.GRAPH: "an inference graph",
    ReferenceKind.SAVED_MODEL: "a SavedModel",
    ReferenceKind.TFLITE: "another .tflite file",
    ReferenceKind.DETECTIONS: "detections in COCO's results format",
    ReferenceKind.NONE: "no reference",
}


def given_file(header: Header, key: ModelKey) -> GivenFile | None:
    """What the header says of a subject; None where it was made here."""
    return next((each for each in header.given if each.key == key), None)


def without_reference(header: Header, model: str = "") -> str:
    """A sentence on the files that accuracy alone judged, of all models or one; empty without."""
    files = [
        each.file
        for each in header.given
        if each.reference is ReferenceKind.NONE and model in ("", each.model)
    ]
    if not files:
        return ""
    return f"Accuracy alone was judged of {first_few(files)}: there is no reference."


def reference_words(kind: ReferenceKind) -> str:
    """What a reference is, for a sentence."""
    return _KINDS[kind]


def fed_as_stated(given: GivenFile) -> str:
    """``fed as the user states: the pixels as they are``; empty where nothing was stated."""
    stated = given.stated_feed
    return f"fed as the user states: {stated.describe()}" if stated else ""


def judged_by(record: Record, given: GivenFile) -> str:
    """The reference by name and kind, and a stated feed.

    For example ``judged by frozen.pb (an inference graph)``.
    """
    return "; ".join(filter(None, (_judged_by(record, given), fed_as_stated(given))))


def _judged_by(record: Record, given: GivenFile) -> str:
    if given.reference is ReferenceKind.NONE:
        return NO_REFERENCE
    kind = _KINDS[given.reference]
    names = dict.fromkeys(
        each.name
        for each in record.artefacts
        if each.model == given.model
        and each.role is ArtefactRole.REFERENCE
        and each.file in ("", given.file)
    )
    return f"judged by {', '.join(names)} ({kind})" if names else f"judged by {kind}"
