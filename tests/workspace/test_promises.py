"""What a promise leaves in the record besides its result."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.calibration.images import CalibrationImages
from validation.policy.limits import Status
from validation.record.types import Background, CheckResult, PublishedFigure
from validation.tflite.facts import read_anchors
from validation.workspace import promises
from validation.workspace.context import CheckContext
from validation.zoo.entry import PUBLISHED_FIGURES

_FIGURES = {"coco_map_minival": 21, "speed_ms_titanx": 30.5}
_TRAPS = ("The first.", "The second.")


def _known(
    miniature: MiniatureFiles, variant: str = "float", lost: bool = False, **known: Any
) -> list[Background]:
    """What the archive's promise tells as known; ``lost`` takes the graph away."""
    context = make_case(miniature, variant)
    context.build.entry = dataclasses.replace(context.build.entry, **{"description": "", **known})
    if lost:
        context.build.archive = dataclasses.replace(context.build.archive, frozen_graph=None)
    entries = promises.archive(context)
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


@pytest.mark.parametrize("variant", ["float", "float16", "dynamic", "int8"])
def test_post_processing_is_judged_in_every_form(miniature: MiniatureFiles, variant: str) -> None:
    """The op reads what the raw twin gives, whatever the numbers are kept as."""
    context = make_case(miniature, variant)
    images = context.inference.images[:4]
    context.build.representative = CalibrationImages(
        images, 1, "the session's images", min_span=context.policy.setting("calibration_min_span")
    )
    (result,) = promises.postprocess_parity(context)
    assert isinstance(result, CheckResult)
    values = {measure.name: measure.value for measure in result.measures}
    assert result.status is Status.PASS
    assert (values["anchors_steps_off"] > 0) == (variant == "float16")
    assert values["compared_detections"] > 0


def _against(
    context: CheckContext, anchors: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have the export say that these are its anchors."""
    np.save(folder / "anchors.npy", anchors)
    other = dataclasses.replace(context.build.exported(), anchors=folder / "anchors.npy")
    monkeypatch.setattr(context.build, "exported", lambda *_, **__: other)


def test_other_anchors_in_the_file_are_seen(
    miniature: MiniatureFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port and op both read them, so slot by slot nothing differs."""
    context = make_case(miniature)
    anchors, _ = read_anchors(context.build.tflite("float"))
    _against(context, anchors + np.float32(0.01), tmp_path, monkeypatch)
    (result,) = promises.postprocess_parity(context)
    assert isinstance(result, CheckResult)
    assert result.status is Status.FAIL
    failed = [measure.name for measure in result.measures if measure.status is Status.FAIL]
    assert failed == ["anchors_steps_off"]


def test_another_number_of_anchors_is_infinitely_far(
    miniature: MiniatureFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables of different length cannot be subtracted."""
    context = make_case(miniature)
    anchors, _ = read_anchors(context.build.tflite("float"))
    _against(context, anchors[1:], tmp_path, monkeypatch)
    (result,) = promises.postprocess_parity(context)
    assert isinstance(result, CheckResult)
    assert [each.value for each in result.measures if each.name == "anchors_steps_off"] == [
        math.inf
    ]
