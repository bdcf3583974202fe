"""What two runs, or two model files, do not have in common, as one page in the report's style."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.comparison.similarity import Similarity
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record import formatting
from validation.record.baseline import Outcome
from validation.record.store import Record
from validation.report.anchors import subject_anchor
from validation.report.compared_parts import (
    OUTCOME_OF,
    ComparedPart,
    ComparedRow,
    PartKind,
    changes_part,
    circumstances_part,
)
from validation.report.render import INDEX_NAME, render_page
from validation.report.views import page_names
from validation.signoff.change_groups import of_outcome
from validation.signoff.changes import RUN, TIMED_TOGETHER, Change
from validation.signoff.circumstances import RunCircumstance
from validation.signoff.rules import Judgement, judge
from validation.tflite.differences import Difference


@dataclass(frozen=True)
class ComparedSide:
    """One of the two.

    Args:
        name: Of the run or the file.
        href: Of its own page, relative to the page that is written; empty without one.
        status: Verdict of a run, by the policy that judges both; None of a file.
        facts: What a reader needs to know it again, name and text.
    """

    name: str
    href: str
    status: Status | None
    facts: tuple[tuple[str, str], ...]


def compared_runs(
    before: Record,
    after: Record,
    around: Sequence[RunCircumstance],
    changed: Sequence[Change],
    policy: Policy,
    folders: tuple[Path, Path],
    target: Path,
    not_compared: str = "",
) -> str:
    """The page of two runs.

    Args:
        before: The earlier run.
        after: The later one.
        around: See `circumstances`.
        changed: See `changes`.
        policy: That judged both.
        folders: Of the runs, whose pages are linked where they are there.
        target: Where the page will be; links are relative to it.
        not_compared: What no figure of two runs says, and why; empty where there is no such thing.
    """
    judgements = tuple(judge(record, policy) for record in (before, after))
    later = _link(folders[1] / INDEX_NAME, target)
    hrefs = _places(judgements[1], later) if later else {}
    sides = tuple(
        ComparedSide(
            record.header.run,
            _link(folder / INDEX_NAME, target),
            judgement.run.status,
            _facts(record),
        )
        for record, folder, judgement in zip((before, after), folders, judgements, strict=True)
    )
    parts = tuple(
        changes_part(kind, of_outcome(changed, outcome), hrefs)
        for kind, outcome in OUTCOME_OF.items()
    )
    return render_page(
        "compare.html",
        kind="runs",
        sides=sides,
        summary=counted(changed) if changed else "No change",
        parts=(*parts, circumstances_part(around, hrefs)),
        lines=(
            f"Both runs were judged by the policy of {after.header.run}.",
            *([not_compared] if not_compared else []),
        ),
        command=("Times both files in one process", TIMED_TOGETHER) if not_compared else None,
    )


def counted(changed: Sequence[Change]) -> str:
    """How much has changed, for page and terminal."""
    worse, better = (
        len(of_outcome(changed, outcome)) for outcome in (Outcome.WORSE, Outcome.BETTER)
    )
    count = formatting.plural(len(changed), "change")
    return f"{count}, {worse} for the worse, {better} for the better"


def compared_models(
    names: tuple[str, str],
    paths: tuple[Path, Path],
    differing: Sequence[Difference] | None,
    like: Similarity,
    notices: tuple[Sequence[str], Sequence[str]],
    next_step: str,
) -> str:
    """The page of two model files.

    Args:
        names: That tell them apart.
        paths: Of the files, as they were named.
        differing: Facts that differ; None where one of them is no .tflite file.
        like: What both detect.
        notices: Of each file.
        next_step: Command that says where they differ and draws it; empty where they do not.
    """
    sides = tuple(
        ComparedSide(
            name,
            "",
            None,
            (("Path", str(path)), *(("Notice", notice) for notice in said)),
        )
        for name, path, said in zip(names, paths, notices, strict=True)
    )
    rows = tuple(ComparedRow(each.what, each.first, each.second) for each in differing or ())
    parts = () if differing is None else (ComparedPart(PartKind.FILES, len(rows), rows),)
    return render_page(
        "compare.html",
        kind="files",
        sides=sides,
        summary=_files_summary(differing, like),
        parts=parts,
        lines=detection_lines(like),
        command=("Says where, and draws the worst images", next_step) if next_step else None,
    )


def detection_lines(like: Similarity) -> tuple[str, ...]:
    """What two files detect alike, for the page and the terminal."""
    first = (
        f"detections of score {like.min_score:g} and more on {like.images} images: "
        f"{like.pairs} detected by both, {like.only_first} by the first alone, "
        f"{like.only_second} by the second alone"
    )
    if not like.pairs:
        return (first,)
    return (
        first,
        f"worst IoU {like.worst_iou:.6f}, worst score shift {like.worst_score_shift:.6f} "
        f"({like.where})",
    )


def _files_summary(differing: Sequence[Difference] | None, like: Similarity) -> str:
    alone = like.only_first + like.only_second
    found = formatting.plural(alone, "detection") + " of one file alone"
    if differing is None:
        return found
    return f"{formatting.plural(len(differing), 'difference')} in the files, {found}"


def _facts(record: Record) -> tuple[tuple[str, str], ...]:
    header = record.header
    given = (
        ("Started", formatting.moment(header.started)),
        ("TensorFlow", header.versions.get("tensorflow", "")),
        ("LiteRT", header.versions.get("ai-edge-litert", "")),
        ("Machine", ", ".join(header.machine.values())),
        ("Labelled images", "" if header.dataset is None else header.dataset.name),
        ("sha256 of the record", record.sha256),
    )
    return tuple((name, text) for name, text in given if text)


def _link(page: Path, target: Path) -> str:
    """Empty where no page is there, or none can be named from the target."""
    if not page.is_file():
        return ""
    path = Path(os.path.relpath(page.resolve(), target.resolve().parent)).as_posix()
    # Quoted, a folder's name is neither a scheme nor a query.
    return urllib.parse.quote(path)


def _places(judgement: Judgement, index: str) -> dict[str, str]:
    """Where the later run's pages have each subject; the run itself has the first page."""
    folder = index.removesuffix(INDEX_NAME)
    names = page_names([model.model for model in judgement.models])
    return {RUN: index} | {
        str(key): f"{folder}{name}#{subject_anchor(key)}"
        for model, name in zip(judgement.models, names, strict=True)
        for key in model.subjects
    }
