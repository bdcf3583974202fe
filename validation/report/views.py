"""What the report shows: a record and its judgement, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.policy.preference import Preference
from validation.record import formatting
from validation.record.damage import damage_lines
from validation.record.run import Header
from validation.record.store import Record
from validation.record.types import REFERENCE
from validation.report.evidence_summary import EvidenceSummary, evidence_summary
from validation.report.files_table import FilesTable, files_table
from validation.report.index import index_model
from validation.report.matrix import Matrix, convertibility
from validation.report.model_page import ModelPage, model_page
from validation.report.since_section import SinceSection, since_section
from validation.report.why import Headline, Why, headline, why_rows
from validation.signoff.rules import Judgement
from validation.signoff.shipping import which_files
from validation.signoff.since import since_baseline


@dataclass(frozen=True)
class Index:
    """What the first page shows, and the others refer to.

    Args:
        record: Of the run.
        judgement: Of that record.
        notices: What a reader must know before anything else.
        why: The causes of the verdict, the worst first.
        headline: The worst of them in one sentence.
        since: What has changed since the baseline; None without one.
        evidence: What the verdicts rest on, in a few lines.
        files: The table of all models' files.
        preference: What decided which file to ship.
    """

    record: Record
    judgement: Judgement
    notices: tuple[str, ...]
    why: tuple[Why, ...]
    headline: Headline
    since: SinceSection | None
    evidence: EvidenceSummary
    files: FilesTable
    preference: Preference

    @property
    def cluster_notices(self) -> tuple[str, ...]:
        """What became of a cluster's workers: for the first page, not for each model's."""
        return tuple(line for each in self.record.clusters for line in each.notices())


@dataclass(frozen=True)
class Report:
    """The index, the convertibility matrix and one page a model."""

    index: Index
    matrix: Matrix
    pages: tuple[ModelPage, ...]


def build_report(record: Record, judgement: Judgement, policy: Policy) -> Report:
    """Every page as a view.

    Args:
        record: The run's record, with or without footer.
        judgement: Of that record.
        policy: That it was judged with.
    """
    names = page_names([verdict.model for verdict in judgement.models])
    named = tuple(zip(judgement.models, names, strict=True))
    parts = _parts(record, [verdict.model for verdict in judgement.models])
    shippings = which_files(record, judgement, policy)
    ships = {each.model: each for each in shippings}
    pages = tuple(
        model_page(parts[each.model], each, policy, name, ships.get(each.model))
        for each, name in named
    )
    models = tuple(index_model(parts[each.model], each, name) for each, name in named)
    addresses = {verdict.model: name for verdict, name in named}
    why = why_rows(judgement.run, addresses)
    index = Index(
        record,
        judgement,
        _notices(record, policy),
        why,
        headline(judgement.run, why),
        since_section(since_baseline(record, judgement), addresses),
        evidence_summary(record, judgement),
        files_table(models, shippings),
        policy.ship,
    )
    return Report(index, convertibility(record, models), pages)


def _parts(record: Record, models: Iterable[str]) -> dict[str, Record]:
    """The record of each model alone, so that no page searches the entries of all others."""
    whole = {field.name: getattr(record, field.name) for field in fields(record)}
    lists = {name: each for name, each in whole.items() if isinstance(each, tuple)}
    own: dict[str, dict[str, list[Any]]] = {model: {name: [] for name in lists} for model in models}
    for name, entries in lists.items():
        for entry in entries:
            # What the run was joined from is of no model.
            if (model := getattr(entry, "model", None)) in own:
                own[model][name].append(entry)
    parts = {}
    for model, kinds in own.items():
        changes: dict[str, Any] = {name: tuple(each) for name, each in kinds.items()}
        parts[model] = replace(record, **changes)
    return parts


def page_names(models: list[str]) -> tuple[str, ...]:
    """A file name for each model: safe in every file system, and no two alike."""
    names: list[str] = []
    for model in models:
        stem = "model-" + re.sub(r"[^a-z0-9._]+", "-", model.lower()).strip("-.")[:80]
        name, number = f"{stem}.html", 2
        while name in names:
            name, number = f"{stem}-{number}.html", number + 1
        names.append(name)
    return tuple(names)


def short_subject(index: Index) -> str:
    """What was tested and when, for beside the verdict: ``8 models, 37 files, 2026-01-02 ...``."""
    models = index.judgement.models
    named = models[0].model if len(models) == 1 else formatting.plural(len(models), "model")
    files = formatting.plural(len(index.files.rows), "file")
    return f"{named}, {files}, {formatting.moment(index.record.header.started)}"


def subject(index: Index) -> str:
    """One sentence: what was tested."""
    return subject_of(index.record, index.judgement)


def subject_of(record: Record, judgement: Judgement) -> str:
    """The same of a record and its judgement."""
    keys = list(judgement.subjects)
    names = [key.variant for key in keys if not key.file and key.variant != REFERENCE]
    given = [key.file for key in keys if key.file]
    text = formatting.plural(len(judgement.models), "model")
    if names:
        variants = ", ".join(dict.fromkeys(names))
        text += f" in {formatting.plural(len(names), 'variant')} ({variants})"
    if given:
        files = ", ".join(dict.fromkeys(given))
        text += (
            f"{' and' if names else ' as'} {formatting.plural(len(given), 'given file')} ({files})"
        )
    text += f", {formatting.plural(len(record.results), 'check result')}"
    images = max((entry.images for entry in record.accuracies), default=0)
    dataset = record.header.dataset
    if images:
        text += f", accuracy on {formatting.plural(images, 'image')}"
    if dataset is not None:
        text += (
            f" of {dataset.name}" if images else f", data set {dataset.name}"
        ) + f" ({dataset.images:,} images, {dataset.annotations:,} annotations)"
        if dataset.set_apart:
            text += f"; {dataset.set_apart:,} more calibrate and are not scored"
    return text + "."


def circumstances(record: Record) -> str:
    """One sentence: when, with what and where."""
    header, footer = record.header, record.footer
    text = f"Started {formatting.moment(header.started)}"
    if footer is not None:
        text += f", took {formatting.duration(footer.seconds)}"
    facts = [f"{name} {value}" for name, value in header.versions.items()]
    facts += [f"{name} {value}" for name, value in header.machine.items()]
    facts += [each.describe() for each in record.clusters]
    return f"{text}. {', '.join(facts)}." if facts else f"{text}."


def _notices(record: Record, policy: Policy) -> tuple[str, ...]:
    notices = []
    if record.footer is None:
        notices.append(
            "This run did not end. The pages show what was recorded until then; "
            "checks may be missing."
        )
    elif record.footer.interrupted_by:
        left = formatting.plural(len(record.footer.not_run), "check")
        notices.append(
            f"This run was interrupted by {record.footer.interrupted_by}: {left} did not run."
        )
    if record.header.policy_sha256 != policy.sha256:
        notices.append(
            "The policy has changed since this run: limits are those of the run, "
            "the required checks are those of today's policy."
        )
    return (*notices, *damage_lines(record.steps))


def counts(judgement: Judgement) -> tuple[tuple[Status, int], ...]:
    """How many subjects have which status, worst first."""
    statuses = [verdict.status for verdict in judgement.subjects.values()]
    return tuple((status, statuses.count(status)) for status in WORST_FIRST)


def environment(header: Header) -> dict[str, Mapping[str, str]]:
    """What the figures depend on: groups of names and values by title."""
    data, policy = {}, {"sha256": header.policy_sha256}
    if header.dataset is not None:
        data = {"name": header.dataset.name, "kind": str(header.dataset.kind)}
        data["sha256"] = header.dataset.sha256
        data["images"] = formatting.number(header.dataset.images)
        data["annotations"] = formatting.number(header.dataset.annotations)
    if header.policy_overlay is not None:
        policy[f"sha256 of {header.policy_overlay.file}"] = header.policy_overlay.sha256
    given = {str(each.key): f"sha256 {each.sha256}" for each in header.given}
    groups: dict[str, Mapping[str, str]] = {
        "Versions": header.versions,
        "Machine": header.machine,
        "Options": header.options,
        "Data set": data,
        "Given files": given,
        "Policy": policy,
    }
    return {title: rows for title, rows in groups.items() if rows}
