"""The op inside the file and its anchors, judged in every form that has them."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.calibration.images import CalibrationImages
from validation.checks.postprocess_parity import postprocess_parity
from validation.policy.limits import Status
from validation.record.types import CheckResult
from validation.tflite.facts import read_anchors
from validation.workspace.context import CheckContext


@pytest.mark.parametrize("variant", ["float", "float16", "dynamic", "int8"])
def test_post_processing_is_judged_in_every_form(miniature: MiniatureFiles, variant: str) -> None:
    """The op reads what the raw form gives, whatever the numbers are kept as."""
    context = make_case(miniature, variant)
    images = context.images[:4]
    context.build.representative = CalibrationImages(
        images, 1, "the session's images", min_span=context.policy.setting("calibration_min_span")
    )
    (result,) = postprocess_parity(context)
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
    export = context.build.exported()
    contract = dataclasses.replace(export.contract, num_anchors=len(anchors))
    other = dataclasses.replace(export, anchors=folder / "anchors.npy", contract=contract)
    monkeypatch.setattr(context.build, "exported", lambda *_, **__: other)


def test_other_anchors_in_the_file_are_seen(
    miniature: MiniatureFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port and op both read them, so slot by slot nothing differs."""
    context = make_case(miniature)
    anchors, _ = read_anchors(context.build.tflite("float"))
    _against(context, anchors + np.float32(0.01), tmp_path, monkeypatch)
    (result,) = postprocess_parity(context)
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
    (result,) = postprocess_parity(context)
    assert isinstance(result, CheckResult)
    assert [each.value for each in result.measures if each.name == "anchors_steps_off"] == [
        math.inf
    ]
