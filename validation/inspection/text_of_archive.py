"""The facts of an archive, and a list of models, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from validation.inspection.of_archive import ArchiveFacts
from validation.inspection.text import Section, aligned, laid_out, preprocessing_section, size
from validation.inspection.text_of_config import model_rows
from validation.zoo.entry import PUBLISHED_FIGURES

_NOTHING = "-"
_MEGA = 1e6
# Names of more classes say no more of what a model is for.
_MOST_LABELS = 12


@dataclass(frozen=True)
class ModelRow:
    """One line of the list of models.

    Args:
        name: Of the model.
        group: What --zoo selects.
        size_bytes: Of the file that is fetched; None where it is not published.
        quantised: It was trained with quantisation.
        licence: SPDX name, or empty.
        published: See `PUBLISHED_FIGURES`.
        presence: Where its archive is, in words.
        description: One line.
    """

    name: str
    group: str
    size_bytes: int | None
    quantised: bool
    licence: str
    published: Mapping[str, float]
    presence: str
    description: str


def text_of_models(rows: Sequence[ModelRow]) -> str:
    """A table, and below it what its figures mean."""
    names = [name for name in PUBLISHED_FIGURES if any(name in row.published for row in rows)]
    marks = {name: f"[{number}]" for number, name in enumerate(names, 1)}
    head = ("name", "group", "MB", "quantised", "licence", "mAP", "latency ms", "here")
    table = [head]
    for row in rows:
        maps = [name for name in names if not _is_time(name) and name in row.published]
        times = [name for name in names if _is_time(name) and name in row.published]
        table.append(
            (
                row.name,
                row.group,
                _NOTHING if row.size_bytes is None else f"{row.size_bytes / _MEGA:.1f}",
                "yes" if row.quantised else "no",
                row.licence or _NOTHING,
                _figures(maps, row, marks),
                _figures(times, row, marks),
                row.presence,
            )
        )
    legend = [f"{mark} {PUBLISHED_FIGURES[name]}" for name, mark in marks.items()]
    parts = ["\n".join(aligned(table))]
    if legend:
        parts.append("\n".join(["Published figures, not measured here:", *legend]))
    return "\n\n".join(parts)


def _is_time(name: str) -> bool:
    return "_ms_" in name


def _figures(names: Sequence[str], row: ModelRow, marks: Mapping[str, str]) -> str:
    return " ".join(f"{row.published[name]:g}{marks[name]}" for name in names) or _NOTHING


def text_of_archive(facts: ArchiveFacts) -> str:
    """What it is, what is in it, what can be made of it."""
    about = [
        ("model", facts.description or "no description"),
        ("licence", facts.licence or "not stated"),
        ("origin", facts.origin or "not stated"),
        ("quantised", "yes, trained with FakeQuant nodes" if facts.quantised else "no"),
        ("here", facts.presence),
    ]
    if facts.folder:
        about.append(("folder", facts.folder))
    config = () if facts.config is None else model_rows(facts.config)
    described = facts.config
    problems = [*(described.problems if described else ()), facts.config_problem]
    problems += described.notices if described else ()
    source = "the catalogue's" if facts.config_from_catalogue else "its own"
    sections = [
        Section("", tuple(about)),
        Section(
            "Files", tuple((each.name, size(each.size_bytes), each.part) for each in facts.files)
        ),
        Section("Routes to a .tflite", _routes(facts)),
        Section(f"Architecture, by {source} pipeline.config", config),
        preprocessing_section(facts.config.preprocessing if facts.config else None),
        Section("pipeline.config", tuple((each,) for each in problems if each)),
        Section("Labels", _labels(facts)),
        Section(
            "Published, not measured here",
            tuple(
                (f"{figure:g}", PUBLISHED_FIGURES.get(name, name))
                for name, figure in facts.published.items()
            ),
        ),
        Section("To know", tuple((each,) for each in (*facts.traps, *facts.unusable))),
        Section("Next", tuple((each,) for each in facts.next_steps)),
    ]
    return laid_out(f"{facts.name}: a model of {facts.group}", sections)


def _routes(facts: ArchiveFacts) -> tuple[tuple[str, ...], ...]:
    if not facts.routes:
        return (("none", facts.no_route),)
    return tuple((str(number), route) for number, route in enumerate(facts.routes, 1))


def _labels(facts: ArchiveFacts) -> tuple[tuple[str, ...], ...]:
    labels = facts.labels
    rows: list[tuple[str, ...]] = []
    if facts.labels_described:
        rows.append((facts.labels_described,))
    rows += [(str(number), name) for number, name in list(labels.items())[:_MOST_LABELS]]
    if len(labels) > _MOST_LABELS:
        rows.append(("", f"and {len(labels) - _MOST_LABELS} more"))
    return tuple(rows)
