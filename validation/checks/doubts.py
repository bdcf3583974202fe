"""What is assumed about a given file and its reference, and what of it the two sides settle."""

from __future__ import annotations

from validation.checks.contract_sides import contract_of
from validation.comparison.doubts import About, Doubts, about, unsettled
from validation.errors import NotProvided
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.score_notices import score_notices
from validation.record.results_facts import ResultsFacts
from validation.specs.references import ReferenceKind
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext
from validation.workspace.given_subject import TfliteReference
from validation.workspace.other_references import ResultsReference
from validation.workspace.sides import Reference


def doubts_of(context: CheckContext) -> Doubts | None:
    """What leaves the figures of a given file in doubt; None for a file that was made here.

    Raises:
        ValidationError: The file cannot be opened or run.
    """
    given = context.given
    if given is None:
        return None
    reference = context.reference
    of_reference = _of_reference(reference)
    notices = given.notices
    return Doubts(
        file=unsettled(
            notices,
            given.stated,
            feed_is_settled=_settles_feed(context, of_reference),
            outputs_are_seen=reference.kind is not ReferenceKind.NONE,
        ),
        reference=of_reference,
        results=_results(reference),
        ignored=tuple(each for each in notices if each.kind is FileNoticeKind.FEED_FLAG_IGNORED),
    )


def _of_reference(reference: Reference) -> tuple[FileNotice, ...]:
    """Nothing settles what is assumed of the reference itself."""
    if isinstance(reference, TfliteReference):
        subject = reference.subject
        # What apps' libraries do to its scores is no part of what it is compared by.
        return tuple(
            each
            for each in unsettled(subject.notices, subject.stated)
            if about(each) is not About.METADATA
        )
    if reference.kind in (ReferenceKind.GRAPH, ReferenceKind.NONE):
        return ()
    try:
        return score_notices(reference.detections().values())
    except NotProvided:
        return ()


def _settles_feed(context: CheckContext, assumed: tuple[FileNotice, ...]) -> bool:
    """True where the reference states what pixels become, or no other feed keeps parity with it.

    Limits of a float file are tighter than what half a step of a pixel does to a score. With fewer
    bits they are not.
    """
    reference = context.reference
    if isinstance(reference, TfliteReference):
        return not assumed and bool(reference.subject.opened.feeding.stated_by)
    if contract_of(reference)[0] is not None:
        return True
    detects = reference.kind is not ReferenceKind.NONE
    return detects and not variant_of(context.key.variant).is_quantised


def _results(reference: Reference) -> ResultsFacts | None:
    if not isinstance(reference, ResultsReference):
        return None
    try:
        return reference.facts
    except NotProvided:
        return None
