"""What the check of an archive leaves in the record besides its result."""

from __future__ import annotations

import dataclasses
from typing import Any

from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.checks.archive import archive
from validation.policy.limits import Status
from validation.record.types import Background, CheckResult, PublishedFigure
from validation.zoo.entry import PUBLISHED_FIGURES

_FIGURES = {"coco_map_minival": 21, "speed_ms_titanx": 30.5}
_TRAPS = ("The first.", "The second.")


def _known(
    miniature: MiniatureFiles, variant: str = "float", lost: bool = False, **known: Any
) -> list[Background]:
    """What is recorded as known of the model; ``lost`` takes the graph away."""
    context = make_case(miniature, variant)
    context.build.entry = dataclasses.replace(context.build.entry, **{"description": "", **known})
    if lost:
        context.build.archive = dataclasses.replace(context.build.archive, frozen_graph=None)
    entries = archive(context)
    (result,) = [entry for entry in entries if isinstance(entry, CheckResult)]
    assert result.status is (Status.FAIL if lost else Status.PASS)
    return [entry for entry in entries if isinstance(entry, Background)]


def test_published_figures_are_told_with_their_meaning(miniature: MiniatureFiles) -> None:
    """The record explains itself: whoever reads it needs no catalogue."""
    known = _known(miniature, description="Tiny.", published=_FIGURES, traps=_TRAPS)
    figures = tuple(
        PublishedFigure(name, value, PUBLISHED_FIGURES[name]) for name, value in _FIGURES.items()
    )
    assert known == [Background(MODEL, "Tiny.", figures, _TRAPS)]


def test_what_is_known_is_told_once_a_model(miniature: MiniatureFiles) -> None:
    """By the first variant."""
    assert _known(miniature, "float", traps=_TRAPS) == [Background(MODEL, traps=_TRAPS)]
    assert _known(miniature, "raw", traps=_TRAPS) == []


def test_failed_archive_has_its_traps_told(miniature: MiniatureFiles) -> None:
    """That is where they are wanted most."""
    assert _known(miniature, lost=True, traps=_TRAPS) == [Background(MODEL, traps=_TRAPS)]


def test_nothing_known_leaves_no_entry(miniature: MiniatureFiles) -> None:
    """A description is no knowledge of the archive."""
    assert _known(miniature, description="Tiny.") == []
