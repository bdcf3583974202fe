"""Weights of two files of one network are compared by their values, however they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from validation.diagnosis.operators import read_operators
from validation.diagnosis.weights import WeightComparison, WeightState, compare_weights
from validation.faults import file_edits


def _compared(first: Path, second: Path) -> WeightComparison:
    return compare_weights(read_operators(first), read_operators(second))


def _states(found: WeightComparison) -> set[WeightState]:
    assert not (found.only_first or found.only_second or found.misfits)
    return {pair.state for pair in found.pairs}


@pytest.mark.parametrize("name", ["floats", "int8", "float16", "dynamic", "uint8"])
def test_a_file_has_its_own_weights(files: Any, name: str) -> None:
    """Every constant of every layer, the seven of the network with their biases."""
    path: Path = getattr(files, name)
    found = _compared(path, path)
    assert _states(found) == {WeightState.SAME_BITS}
    assert len(found.pairs) == 16
    assert not found.scales


@pytest.mark.parametrize("name", ["int8", "float16"])
def test_rounded_weights_are_no_other_weights(files: Any, name: str) -> None:
    """Half a step apart at most: quantised from the same values."""
    assert _states(_compared(files.floats, getattr(files, name))) == {WeightState.ROUNDED}
    assert _states(_compared(getattr(files, name), files.floats)) == {WeightState.ROUNDED}


def test_ranges_too_wide_are_no_other_weights(files: Any) -> None:
    """The scales differ, the values only by what these scales round."""
    found = _compared(files.uint8, files.uint8_wide)
    assert WeightState.DIFFERENT not in _states(found)
    assert WeightState.ROUNDED in _states(found)


def test_one_layer_of_other_weights(files: Any, tmp_path: Path) -> None:
    """It is named, by how much, and no other is."""
    other = file_edits.rewrite(
        files.floats,
        tmp_path / "other.tflite",
        file_edits.change_weights("net/third", lambda values: values + np.float32(0.25)),
    )
    found = _compared(files.floats, other)
    (pair,) = found.of(WeightState.DIFFERENT)
    assert pair.layer.startswith("net/add") or "third" in pair.layer
    assert pair.worst == pytest.approx(0.25)
    assert len(found.of(WeightState.SAME_BITS)) == len(found.pairs) - 1


def test_weights_moved_by_a_step_are_others(files: Any, tmp_path: Path) -> None:
    """In integers too: one unit is more than rounding."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        (tensor,) = [
            each
            for each in graph.tensors
            if b"net/second/Conv2D" in each.name
            and each.shape is not None
            and len(each.shape) == 4
            and len(
                model.buffers[each.buffer].data
                if model.buffers[each.buffer].data is not None
                else ()
            )
        ]
        buffer = model.buffers[tensor.buffer]
        codes = np.frombuffer(bytes(buffer.data), np.int8) // 2 + 1
        buffer.data = np.frombuffer(codes.astype(np.int8).tobytes(), np.uint8)

    other = file_edits.rewrite(files.int8, tmp_path / "moved.tflite", change)
    found = _compared(files.int8, other)
    (pair,) = found.of(WeightState.DIFFERENT)
    assert pair.worst_steps is not None and pair.worst_steps >= 1
