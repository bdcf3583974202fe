"""What the check of an archive leaves in the record besides its result."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.checks.archive import archive
from validation.export.graph_io import read_graph
from validation.policy.limits import Status
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import Background, CheckResult, PublishedFigure
from validation.workspace.context import CheckContext
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


def test_a_reference_of_one_size_is_said_to_be_one(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """Images are resized before it sees them, which a reader of its figures must know."""
    assert "only" not in _origin(make_case(miniature, cache=tmp_path / "cache"))
    context = make_case(miniature, cache=tmp_path / "cache")
    graph = read_graph(context.build.reference_graph)
    (image,) = (node for node in graph.node if node.name == "image_tensor")
    for side, size in zip(image.attr["shape"].shape.dim, (1, 32, 48, 3), strict=True):
        side.size = size
    context.build.reference_graph = tmp_path / "frozen_inference_graph.pb"
    context.build.reference_graph.write_bytes(graph.SerializeToString())
    assert "takes images of 32x48 only; others are resized" in _origin(context)


def _origin(context: CheckContext) -> str:
    files = [entry for entry in archive(context) if isinstance(entry, Artefact)]
    return next(file.origin for file in files if file.role is ArtefactRole.REFERENCE)
