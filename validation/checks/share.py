"""What a share of a run makes of one subject: pieces of its runs. It judges nothing."""

from __future__ import annotations

from validation.checks.check import Check
from validation.checks.planned_runs import planned_runs
from validation.checks.scored_sides import labels_of
from validation.errors import UsageError
from validation.files.digest import file_sha256
from validation.pieces.piece import write_piece
from validation.record.lines import Entry
from validation.record.run import Stage
from validation.record.shares import PIECES_FOLDER, KeptPiece, KeptProduct
from validation.workspace.context import CheckContext


def pieces_of_subject(context: CheckContext) -> list[Entry]:
    """The pieces of every run that a subject's checks need, on the share's images."""
    if context.part is None:
        raise UsageError("a subject without a share of the images", where=context.key)
    first, last = context.part
    entries: list[Entry] = []
    folder = context.scratch / PIECES_FOLDER
    dataset = context.dataset
    for run in planned_runs(context):
        labels = None if dataset is None else labels_of(context, dataset)
        path = write_piece(folder, context.runs.piece(run, first, last, labels))
        size = path.stat().st_size
        key = run.key
        entries.append(
            KeptPiece(key.model, key.variant, str(path), file_sha256(path), size, key.file)
        )
        product = run.path.parent
        if product.parent.name == Stage.CONVERT and not key.file:
            entries.append(KeptProduct(key.model, str(product)))
    return entries


SHARE = Check("share", pieces_of_subject, given=("*",))
