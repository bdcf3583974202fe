"""docs/detection-power.md: what the tool writes of the outcomes that are kept beside it."""

from __future__ import annotations

from pathlib import Path

from validation.faults.outcome import Caught
from validation.faults.power import read_power
from validation.faults.table import rows

_DOCS = Path(__file__).parents[2] / "docs"


def test_page_has_the_figures_of_its_outcomes() -> None:
    """Nobody has edited it: each outcome is a row, and what was missed is named."""
    power = read_power(_DOCS / "detection-power.json")
    text = (_DOCS / "detection-power.md").read_text(encoding="utf-8")
    *_, everything = power.of_thinness()
    assert f"**{everything.caught} of {everything.rows} faults are caught" in text
    missed = text.partition("## Missed")[2].partition("\n## ")[0]
    for each in power.outcomes:
        if each.caught is Caught.MISSED:
            assert f"({each.thinness}, {', '.join(each.variants)})" in missed


def test_outcomes_are_of_faults_that_there_are() -> None:
    """A fault that was renamed or taken out asks for another run."""
    known = {(row.fault.id, row.subject.thinness.value) for row in rows()}
    power = read_power(_DOCS / "detection-power.json")
    assert {(each.fault, each.thinness) for each in power.outcomes} <= known
