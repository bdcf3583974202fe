"""The facts of a checkpoint as text."""

from __future__ import annotations

from validation.errors import first_few
from validation.inspection.of_checkpoint import CheckpointFacts
from validation.inspection.text import Section, laid_out, shape, size

_MOST_SCOPES = 12


def text_of_checkpoint(facts: CheckpointFacts, *, everything: bool = False) -> str:
    """What it is and what it takes to use it; with `everything` each variable."""
    listed = tuple((each.name, shape(each.shape)) for each in facts.variables)
    sections = [
        Section("", _rows(facts)),
        Section("Weights by scope", _scopes(facts)),
        Section(
            "To export",
            (
                (".meta", facts.meta_graph or "none: the graph is built from its pipeline.config"),
                ("pipeline.config", "beside it" if facts.has_config else "not beside it"),
            ),
        ),
        Section("Variables", listed if everything else ()),
    ]
    return laid_out(f"{facts.file}: a checkpoint, {size(facts.size_bytes)}", sections)


def _rows(facts: CheckpointFacts) -> tuple[tuple[str, ...], ...]:
    rows = [
        ("model", facts.detector),
        ("step", "not stored" if facts.step is None else str(facts.step)),
        ("variables", f"{len(facts.variables)}, {facts.weights} of them weights"),
        ("parameters", f"{facts.parameters:,}"),
        ("quantisation", f"{facts.ranges} ranges" if facts.ranges else "no ranges: a float model"),
        ("averages", f"{facts.averages} moving averages" if facts.averages else "none"),
        ("optimiser", f"{facts.training_only} slots and counters" if facts.training_only else "-"),
    ]
    if facts.missing:
        rows.append(("missing", first_few(facts.missing)))
    return tuple(rows)


def _scopes(facts: CheckpointFacts) -> tuple[tuple[str, ...], ...]:
    rows = [
        (each.scope, f"{each.variables} variables", f"{each.parameters:,} parameters")
        for each in facts.scopes[:_MOST_SCOPES]
    ]
    more = facts.scopes[_MOST_SCOPES:]
    if more:
        variables = sum(each.variables for each in more)
        parameters = sum(each.parameters for each in more)
        rows.append((f"{len(more)} more", f"{variables} variables", f"{parameters:,} parameters"))
    return tuple(rows)
