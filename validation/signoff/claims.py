"""What a signature says and what it does not, in sentences made of the run's facts."""

from __future__ import annotations

from validation.policy.limits import Status
from validation.record.formatting import plural
from validation.record.given_files import fed_as_stated, reference_words
from validation.record.store import Record
from validation.record.until_decided_words import describe_stop
from validation.signoff.rules import Judgement
from validation.specs.references import ReferenceKind

_SAME = "The files named here are the files that were judged, to the byte."
_AS_REFERENCE = (
    "Each of them{made_here} keeps every limit of the policy named here against the archive's own "
    "inference graph: names and shapes, numbers, detections, speed."
)
_AS_GIVEN = (
    "{files} made elsewhere: each keeps every limit that the policy named here has for a given "
    "file, against {reference}."
)
_ALONE = (
    "{files} made elsewhere and had no reference: accuracy on the labelled images keeps its "
    "limits, and nothing says that the file does what its model does."
)
_WARNED = (
    "Some values are inside their limits but worse than they should be, or rest on too few images "
    "to tell; `reasons` lists them."
)
_WAIVED = (
    "Some values are outside their limits or not known. They were accepted by name, for a reason "
    "and until a day; `waivers` lists them."
)
_STRUCTURE = (
    "The weights are seeded and not trained: structure, parity and speed were judged, and there is "
    "no accuracy to speak of."
)

_NO_CLAIMS = (
    "That the model is right: a reference is taken as it is, and its mistakes are kept.",
    "Anything of images unlike those that were scored, or of classes that have no objects among "
    "them.",
    "Anything of other runtimes, delegates, phones or numbers of threads than those named here.",
    "Who signed, beyond the holder of the private key; without a key, nobody.",
    "That the time is right: it is that of the machine that signed.",
    "Anything of the HTML pages: they are made from the record, and are no subjects.",
)
_NO_IMAGES = "Anything of accuracy: no labelled images were given."


def claims(record: Record, judgement: Judgement, status: Status, waivers: bool) -> tuple[str, ...]:
    """What holds if the signature holds.

    Args:
        record: Of the run.
        judgement: On that record.
        status: PASS or WARN, waivers considered.
        waivers: Whether there are any.
    """
    found = [_SAME]
    made_here = any(not key.file for key in judgement.subjects)
    all_of_them = _AS_REFERENCE.format(
        made_here=" that was made from an archive" if record.header.given else ""
    )
    found += [_WAIVED] if waivers else [all_of_them] if made_here else []
    found += [] if waivers else _of_given(record)
    found += [_WARNED] if status is Status.WARN else []
    dataset = record.header.dataset
    if judgement.run.structure_only:
        found.append(_STRUCTURE)
    elif dataset is not None:
        images, objects = plural(dataset.images, "image"), plural(dataset.annotations, "object")
        found.append(f"Accuracy was measured on {images} with {objects}: {dataset.name}.")
        if record.header.until_decided is not None:
            found.append(
                f"Of looks at more and more images, {describe_stop(record.header.until_decided)}."
            )
    return tuple(found)


def _of_given(record: Record) -> list[str]:
    """A sentence for each kind of reference that files were judged by."""
    files: dict[ReferenceKind, list[str]] = {}
    for each in record.header.given:
        files.setdefault(each.reference, []).append(each.file)
    sentences = []
    for kind, names in files.items():
        words = f"{', '.join(names)} {'was' if len(names) == 1 else 'were'}"
        text = _ALONE if kind is ReferenceKind.NONE else _AS_GIVEN
        sentences.append(text.format(files=words, reference=reference_words(kind)))
    stated = ((each.file, fed_as_stated(each)) for each in record.header.given)
    return [*sentences, *(f"{file} was {words}." for file, words in stated if words)]


def no_claims(record: Record, judgement: Judgement) -> tuple[str, ...]:
    """What a reader might take it to say, and what it does not."""
    lacks = record.header.dataset is None and not judgement.run.structure_only
    return (*_NO_CLAIMS, _NO_IMAGES) if lacks else _NO_CLAIMS
