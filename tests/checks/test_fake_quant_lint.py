"""The lint speaks of the graph that is converted, and keeps what it read."""

from __future__ import annotations

import dataclasses

from miniature_cases import MiniatureFiles, make_case

from validation.checks.fake_quant_lint import fake_quant_lint
from validation.policy.limits import Status
from validation.record.run import Step
from validation.record.types import CheckResult
from validation.workspace.context import CheckContext


def _called_quantised(miniature: MiniatureFiles, steps: list[Step]) -> CheckContext:
    """A float model whose entry says that it was trained with quantisation."""
    context = make_case(miniature, "uint8", steps=steps)
    context.build.entry = dataclasses.replace(context.build.entry, quantised=True)
    return context


def test_graph_without_ranges_is_not_ready_for_uint8(miniature: MiniatureFiles) -> None:
    """Fault V04 in a session: told before the converter aborts over it."""
    steps: list[Step] = []
    context = _called_quantised(miniature, steps)
    (result,) = fake_quant_lint(context)
    assert isinstance(result, CheckResult)
    assert (result.check, result.status) == ("fake_quant_lint", Status.FAIL)
    assert "0 of 8 activations have FakeQuant ranges: use float" in result.message
    assert "lint" in [step.step for step in steps]


def test_facts_are_read_once(miniature: MiniatureFiles) -> None:
    """A second session finds them in the work folder."""
    first = _called_quantised(miniature, []).build.fake_quant_facts()
    steps: list[Step] = []
    assert _called_quantised(miniature, steps).build.fake_quant_facts() == first
    assert [step.cached for step in steps if step.step == "lint"] == [True]
