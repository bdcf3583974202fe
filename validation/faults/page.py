"""The page of a run over known faults, in the style of a run's pages."""

from __future__ import annotations

from pathlib import Path

from validation.faults.power import DetectionPower
from validation.files.atomic import write_text_atomic
from validation.report.render import render_page

PAGE_NAME = "faults.html"


def write_page(path: Path, power: DetectionPower) -> None:
    """Write the page.

    Raises:
        OSError: It cannot be written.
    """
    write_text_atomic(path, page(power))


def page(power: DetectionPower) -> str:
    """The page's text."""
    *groups, everything = power.of_thinness()
    return render_page(
        "faults.html",
        power=power,
        everything=everything,
        tables=(
            ("By what there is of the archive", (*groups, everything)),
            ("By the place of the fault", power.of_place()),
        ),
    )
