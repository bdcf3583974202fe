"""A fake-quant graph before it is converted."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from validation.comparison.fake_quant_faults import range_faults, with_measured
from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.errors import ValidationError
from validation.export.fake_quant_facts import FakeQuantFacts, MeasuredRange
from validation.files.digest import file_sha256
from validation.record.diagnosis import Place
from validation.record.lines import Entry
from validation.record.run import Stage
from validation.workspace.context import CheckContext
from validation.workspace.measured_ranges import measured_ranges
from validation.workspace.products import makers


def fake_quant_lint(context: CheckContext) -> list[Entry]:
    """Every activation has a usable range, and weights and values fit theirs."""
    facts = context.build.fake_quant_facts()
    measured = _measured(context, facts)
    result = check_fake_quant(facts, context.policy, context.key)
    return [
        *range_faults(facts, measured, context.policy, context.key, _place(context)),
        with_measured(result, measured, context.policy),
    ]


def _measured(context: CheckContext, facts: FakeQuantFacts) -> tuple[MeasuredRange, ...]:
    """Of trained ranges: calibrated ones were measured. Nothing where the graph cannot be run."""
    if not context.build.entry.quantised:
        return ()
    sound = [
        each
        for each in facts.ranges
        if math.isfinite(each.minimum)
        and math.isfinite(each.maximum)
        and each.minimum < each.maximum
    ]
    if not sound or not context.parity_images:
        return ()
    try:
        graph = context.build.source_of("uint8").exported(add_postprocessing_op=False).graph
        feeds = context.inference.feeds(len(context.parity_images))
        made_from = {
            "graph": file_sha256(graph),
            "feeds": hashlib.sha256(feeds.tobytes()).hexdigest(),
            **makers("export", "runtimes"),
        }

        def find(_: Path) -> tuple[MeasuredRange, ...]:
            return measured_ranges(graph, sound, feeds)

        step, kind = "values of FakeQuant nodes", tuple[MeasuredRange, ...]
        return context.work.facts(context.key.model, Stage.LINT, step, made_from, kind, find)
    except ValidationError:
        return ()


def _place(context: CheckContext) -> Place:
    """What has the ranges: of trained ones the archive, of calibrated ones what was made here."""
    if not context.build.entry.quantised:
        return Place.EXPORT
    is_shipped = context.build.archive.tflite_graph is not None
    return Place.SHIPPED_GRAPH if is_shipped else Place.CHECKPOINT
