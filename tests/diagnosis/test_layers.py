"""The layer table points at the layer that loses, and blames no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.diagnosis.layers import layer_table
from validation.errors import ArtefactMissing, ConversionError, FeedError
from validation.faults import file_edits
from validation.record.quantisation_cost import SQNR_CEILING_DB, LayerError, worst_layer

InputCache = NDArray[np.float32]
# Rounding of 8 bits leaves more than this everywhere in the small network.
_SOUND_DB = 28.0
_IDEAL = 1 / np.sqrt(12)


def _row(rows: tuple[LayerError, ...], name: str) -> LayerError:
    (row,) = [each for each in rows if each.tensor.name.split(";")[0].startswith(name)]
    return row


def _local(row: LayerError) -> float:
    assert row.local is not None
    return row.local.sqnr_db


def _accumulated(row: LayerError) -> float:
    assert row.accumulated is not None
    return row.accumulated.sqnr_db


def _coarse(name: str, factor: int) -> Callable[[Any], None]:
    """The weights of one int8 convolution in a range that is too wide by a factor."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        (operator,) = [
            each
            for each in graph.operators
            if name in graph.tensors[each.outputs[0]].name.decode() and len(each.inputs) == 3
        ]
        for index, kind in zip(operator.inputs[1:], (np.int8, np.int32), strict=True):
            tensor = graph.tensors[index]
            buffer = model.buffers[tensor.buffer]
            codes = np.rint(np.frombuffer(bytes(buffer.data), kind) / factor).astype(kind)
            buffer.data = np.frombuffer(codes.tobytes(), np.uint8)
            tensor.quantization.scale = tensor.quantization.scale * np.float32(factor)

    return change


@pytest.mark.parametrize("broken", ["net/first", "net/second", "net/last", "head_1/class"])
def test_points_at_the_broken_layer(
    files: Any, feeds: InputCache, tmp_path: Path, broken: str
) -> None:
    """Coarse weights in one layer: its local error is large, that of every other small."""
    path = file_edits.rewrite(files.int8, tmp_path / "broken.tflite", _coarse(broken, 50))
    rows = layer_table(path, files.floats, feeds)
    worst = worst_layer(rows)
    assert worst is not None
    assert worst.tensor.name.startswith(f"{broken}/")
    assert worst.counterpart.startswith(f"{broken}/")
    assert _local(worst) < 20
    assert min(_local(row) for row in rows if row is not worst) > _SOUND_DB


def test_errors_gather_behind_the_broken_layer(
    files: Any, feeds: InputCache, tmp_path: Path
) -> None:
    """Sound before it, lost after it, though what comes after is sound by itself."""
    path = file_edits.rewrite(files.int8, tmp_path / "b.tflite", _coarse("net/second", 50))
    rows = layer_table(path, files.floats, feeds)
    second, third = _row(rows, "net/second"), _row(rows, "net/third")
    assert _accumulated(_row(rows, "net/first")) > _SOUND_DB
    assert second.arriving_db == _accumulated(_row(rows, "net/first"))
    assert _accumulated(second) < 20
    assert third.arriving_db == _accumulated(second)
    assert _accumulated(third) < 20
    assert _local(third) > _SOUND_DB


def test_range_of_training_is_to_blame(files: Any, feeds: InputCache) -> None:
    """Weights per tensor in far too wide a range: named in the file that training left."""
    worst = worst_layer(layer_table(files.uint8_wide, files.floats, feeds))
    assert worst is not None
    assert worst.tensor.name.startswith("net/second/")
    sound = worst_layer(layer_table(files.uint8, files.floats, feeds))
    assert sound is not None
    assert _local(sound) > _local(worst) + 6


@pytest.mark.parametrize("scheme", ["int8", "float16", "dynamic", "uint8"])
def test_every_computing_operator_has_a_row(files: Any, feeds: InputCache, scheme: str) -> None:
    """With its counterpart and both errors, in the order of execution."""
    rows = layer_table(getattr(files, scheme), files.floats, feeds)
    assert [row.index for row in rows] == sorted(row.index for row in rows)
    computing = [row.op for row in rows if row.op not in ("INPUT", "QUANTIZE")]
    assert sorted(computing) == sorted(
        ["CONV_2D"] * 8 + ["ADD"] + ["RESHAPE"] * 4 + ["CONCATENATION"] * 2 + ["LOGISTIC"]
    )
    assert all(row.local is not None and row.accumulated is not None for row in rows)
    for row in rows:
        assert row.accumulated is not None
        assert row.accumulated.values == len(feeds) * np.prod(row.tensor.shape)


def test_sound_layers_round_ideally(files: Any, feeds: InputCache) -> None:
    """Fed with the reference's values a convolution is off by little more than rounding."""
    rows = layer_table(files.uint8, files.simulated, feeds)
    convolutions = [row.local for row in rows if row.op == "CONV_2D"]
    for error in convolutions:
        assert error is not None
        # Values that a ReLU cuts to zero are exact, so less than ideal is found too.
        assert error.rmse_in_steps is not None
        assert 0.1 < error.rmse_in_steps < 1.25 * _IDEAL


def test_float_file_against_itself_differs_nowhere(files: Any, feeds: InputCache) -> None:
    """The method adds no error of its own."""
    rows = layer_table(files.floats, files.floats, feeds)
    assert {_local(row) for row in rows} == {SQNR_CEILING_DB}
    assert {_accumulated(row) for row in rows} == {SQNR_CEILING_DB}
    assert {row.arriving_db for row in rows[1:]} == {SQNR_CEILING_DB}


def test_half_precision_loses_far_less(files: Any, feeds: InputCache) -> None:
    """Weights made from constants on the way come along into the single operator."""
    rows = layer_table(files.float16, files.floats, feeds)
    locals_ = [_local(row) for row in rows if row.op == "CONV_2D"]
    assert 60 < min(locals_) < max(locals_) < 90


def test_quantised_input_has_a_row(files: Any, feeds: InputCache) -> None:
    """The image comes first: what its parameters lose is lost for all."""
    first = layer_table(files.uint8, files.floats, feeds)[0]
    assert (first.op, first.index, first.tensor.dtype) == ("INPUT", 0, "uint8")
    assert first.local == first.accumulated
    assert first.local is not None
    assert first.local.rmse_in_steps == pytest.approx(_IDEAL, rel=0.05)


def test_input_that_saturates_is_named(files: Any, feeds: InputCache) -> None:
    """Images outside of what the input can hold are lost before the first layer."""
    rows = layer_table(files.uint8, files.floats, 4 * feeds)
    assert rows[0].local is not None
    assert rows[0].local.saturated == pytest.approx(0.75, abs=0.03)
    assert worst_layer(rows) is rows[0]


def test_refuses_files_of_two_graphs(files: Any, feeds: InputCache, tmp_path: Path) -> None:
    """Nothing corresponds: an empty table would look like a clean one."""

    def rename(model: Any) -> None:
        graph = model.subgraphs[0]
        for place, tensor in enumerate(graph.tensors):
            tensor.name = f"other{place}".encode()
        # No operator and shape of the other file is left to pair by order: it has three of this.
        graph.operators = graph.operators[:1]
        graph.outputs = [graph.operators[0].outputs[0]]

    path = file_edits.rewrite(files.floats, tmp_path / "other.tflite", rename)
    with pytest.raises(
        ConversionError, match="no operator of the quantised file has a counterpart"
    ):
        layer_table(path, files.dynamic, feeds)


@pytest.mark.parametrize("cut", [3, 400])
def test_damaged_file(files: Any, feeds: InputCache, tmp_path: Path, cut: int) -> None:
    """Torn in its head or in its middle."""
    path = tmp_path / "torn.tflite"
    path.write_bytes(files.int8.read_bytes()[:cut])
    with pytest.raises(ConversionError, match=r"TFLite flatbuffer .*torn"):
        layer_table(path, files.floats, feeds)


def test_refuses_a_quantised_reference(files: Any, feeds: InputCache) -> None:
    """The two files change places easily."""
    with pytest.raises(ConversionError, match="float counterpart of a layer table is a float file"):
        layer_table(files.floats, files.uint8, feeds)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 1, 24, 32, 3), np.float32),
        np.zeros((1, 1, 32, 24, 3), np.float32),
        np.zeros((1, 24, 32, 3), np.float32),
        np.zeros((1, 1, 24, 32, 3), np.float64),
    ],
)
def test_refuses_other_feeds(files: Any, wrong: Any) -> None:
    """None, turned, without batch, and in double precision."""
    with pytest.raises(FeedError, match=r"float32 \[I, 1, 24, 32, 3\]"):
        layer_table(files.int8, files.floats, wrong)


def test_refuses_two_inputs(files: Any, feeds: InputCache, tmp_path: Path) -> None:
    """An SSD takes one image."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.inputs = [*graph.inputs, graph.operators[0].outputs[0]]
        graph.operators = graph.operators[1:]

    path = file_edits.rewrite(files.floats, tmp_path / "two.tflite", change)
    with pytest.raises(ConversionError, match="an SSD takes one image"):
        layer_table(path, files.floats, feeds)


def test_missing_file(files: Any, feeds: InputCache, tmp_path: Path) -> None:
    """Said as for any .tflite file."""
    with pytest.raises(ArtefactMissing, match=r"no \.tflite file"):
        layer_table(tmp_path / "none.tflite", files.floats, feeds)
