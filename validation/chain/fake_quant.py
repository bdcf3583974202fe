"""What is promised of a fake-quant graph before it is converted."""

from __future__ import annotations

from validation.chain.case import Case
from validation.checks.fake_quant import check_fake_quant
from validation.record_lines import Entry


def fake_quant_lint(case: Case) -> list[Entry]:
    """Every activation has a usable range, and the weights fit theirs."""
    return [check_fake_quant(case.chain.fake_quant_facts(), case.policy, case.key)]
