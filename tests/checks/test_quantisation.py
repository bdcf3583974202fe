"""What the check of a quantised file leaves in the record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.checks.quantisation import quantisation
from validation.errors import ConversionError
from validation.export.exported import ExportOptions
from validation.faults import file_edits
from validation.policy.limits import Status
from validation.record.quantisation_cost import QuantisationCost
from validation.record.run import Step
from validation.record.types import CheckResult, ModelKey
from validation.workspace.context import CheckContext

_INPUT = "normalized_input_image_tensor"
_OUTPUTS = ["raw_outputs/box_encodings", "raw_outputs/class_predictions"]


@pytest.fixture(scope="module")
def half(miniature: MiniatureFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature with weights in half precision, in its raw form."""
    import tensorflow as tf

    context = make_case(miniature, "raw")
    graph = context.build.exported(add_postprocessing_op=False).graph
    preprocessing = context.build.exported().contract.preprocessing
    shape = [1, preprocessing.height, preprocessing.width, 3]
    converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
        str(graph), [_INPUT], _OUTPUTS, {_INPUT: shape}
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path = tmp_path_factory.mktemp("half") / "half.tflite"
    path.write_bytes(converter.convert())
    return path


def _context(miniature: MiniatureFiles, files: dict[str, Path], steps: list[Step]) -> CheckContext:
    """A context of float16 whose build also gives the files named here."""
    context = make_case(miniature, "raw", steps=steps)
    own: Callable[..., Path] = context.build.tflite

    def tflite(variant: str, *options: ExportOptions) -> Path:
        return files[variant] if variant in files else own(variant, *options)

    context.build.tflite = tflite  # type: ignore[method-assign]
    return dataclasses.replace(context, key=ModelKey(MODEL, "float16"))


def _result(entries: list[Any]) -> CheckResult:
    (result,) = [entry for entry in entries if isinstance(entry, CheckResult)]
    return result


def test_both_tables_and_the_result(miniature: MiniatureFiles, half: Path) -> None:
    """Rows of both outputs and of every layer, and the worst layer in the message."""
    steps: list[Step] = []
    context = _context(miniature, {"float16-raw": half}, steps)
    entries = quantisation(context)
    (cost,) = [entry for entry in entries if isinstance(entry, QuantisationCost)]
    result = _result(entries)
    assert (cost.model, cost.variant, result.key) == (MODEL, "float16", context.key)
    assert [row.tensor.name for row in cost.outputs] == _OUTPUTS
    assert all(row.error.sqnr_db > 40 for row in cost.outputs)
    contract = context.build.exported().contract
    # The background's scores are left out: the op never reads them.
    assert [row.error.values for row in cost.outputs] == [
        cost.images * contract.num_anchors * columns for columns in (4, contract.num_classes)
    ]
    assert len(cost.layers) > 10
    assert all(row.local is not None for row in cost.layers)
    assert cost.images == int(context.policy.setting("parity_images"))
    assert cost.layer_images == int(context.policy.setting("layer_images"))
    assert result.check == "quantisation"
    assert result.status is Status.PASS
    assert "most is lost at " in result.message
    assert "layers of float16-raw" in [step.step for step in steps]


def test_float_file_under_a_quantised_name_is_noticed(miniature: MiniatureFiles) -> None:
    """Nearer than half precision allows: a gain without a cause is a warning."""
    raw = make_case(miniature, "raw").build.tflite("raw")
    result = _result(quantisation(_context(miniature, {"float16-raw": raw}, [])))
    assert result.status is Status.WARN
    warned = [each.name for each in result.measures if each.status is Status.WARN]
    assert warned == ["box_encodings_sqnr_upper_db", "class_predictions_sqnr_upper_db"]


def test_spoilt_layer_is_found_from_the_result(
    miniature: MiniatureFiles, half: Path, tmp_path: Path
) -> None:
    """Weights of one layer in too few bits: the check fails and its message names the layer."""
    name = "Miniature/Conv2d_1/"

    def coarse(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            buffer = model.buffers[tensor.buffer]
            stored = buffer.data is not None and len(buffer.data) > 0
            if stored and name in tensor.name.decode() and len(tensor.shape) == 4:
                values = np.frombuffer(bytes(buffer.data), np.float16)
                rounded = np.rint(values / 0.5) * np.float16(0.5)
                buffer.data = np.frombuffer(rounded.astype(np.float16).tobytes(), np.uint8)

    spoilt = file_edits.rewrite(half, tmp_path / "spoilt.tflite", coarse)
    result = _result(quantisation(_context(miniature, {"float16-raw": spoilt}, [])))
    assert result.status is Status.FAIL
    assert f"most is lost at CONV_2D FeatureExtractor/{name}" in result.message
    failed = [each.name for each in result.measures if each.status is Status.FAIL]
    assert "box_encodings_sqnr_db" in failed


def test_outputs_are_judged_without_a_layer_table(
    miniature: MiniatureFiles, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table explains and judges nothing: without it the result says why."""

    def refuse(*_: Any) -> None:
        raise ConversionError("no such op without delegates")

    monkeypatch.setattr("validation.checks.quantisation.layer_errors", refuse)
    entries = quantisation(_context(miniature, {"float16-raw": half}, []))
    (cost,) = [entry for entry in entries if isinstance(entry, QuantisationCost)]
    assert (cost.layers, cost.layer_images) == ((), 0)
    result = _result(entries)
    assert result.status is Status.PASS
    assert result.message.endswith("no layer table: no such op without delegates")
