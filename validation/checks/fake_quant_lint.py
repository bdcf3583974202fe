"""A fake-quant graph before it is converted."""

from __future__ import annotations

from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.record.lines import Entry
from validation.workspace.context import CheckContext


def fake_quant_lint(context: CheckContext) -> list[Entry]:
    """Every activation has a usable range, and the weights fit theirs."""
    return [check_fake_quant(context.build.fake_quant_facts(), context.policy, context.key)]
