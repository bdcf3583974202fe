"""The source of a model: what its archive holds, and what is known of it."""

from __future__ import annotations

from validation.comparison.archive_parts import check_archive, missing_parts
from validation.policy.limits import Status
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import Background, PublishedFigure
from validation.workspace.context import CheckContext
from validation.zoo.entry import PUBLISHED_FIGURES, CatalogueEntry


def archive(context: CheckContext) -> list[Entry]:
    """The archive is whole and holds what an export and a reference need."""
    obtained = context.build.archive
    entry = context.build.entry
    about = Artefact(
        model=context.key.model,
        role=ArtefactRole.SOURCE,
        variant="",
        name=obtained.root.name,
        sha256=obtained.source.sha256,
        size_bytes=obtained.source.size_bytes,
        origin=entry.origin,
        licence=entry.licence,
    )
    # What is known belongs to the model: once, whichever variant comes first.
    known: list[Entry] = [*(_background(entry) if context.is_first else []), about]
    known += missing_parts(obtained, context.key)
    result = check_archive(obtained, context.key)
    if result.status is Status.FAIL:
        return [*known, result]
    graph = context.build.reference_graph
    reference = Artefact(
        model=context.key.model,
        role=ArtefactRole.REFERENCE,
        variant="",
        name=graph.name,
        sha256=context.build.reference_sha256,
        size_bytes=graph.stat().st_size,
        origin=context.build.reference_origin,
    )
    return [*known, reference, result]


def _background(entry: CatalogueEntry) -> list[Background]:
    """With the meaning of each figure, so that the record explains itself; empty if unknown."""
    if not entry.published and not entry.traps:
        return []
    figures = [
        PublishedFigure(name, value, PUBLISHED_FIGURES[name])
        for name, value in entry.published.items()
    ]
    return [Background(entry.name, entry.description, tuple(figures), entry.traps)]
