"""One operator as a file of its own computes what it computes in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.diagnosis.operators import OperatorGraph, read_operators
from validation.diagnosis.single_operator import single_operator
from validation.diagnosis.tensor_values import TensorValues
from validation.errors import ConversionError
from validation.faults import file_edits


@pytest.mark.parametrize("scheme", ["floats", "int8", "float16", "dynamic", "uint8", "simulated"])
def test_same_values_as_in_its_place(files: Any, feeds: NDArray[np.float32], scheme: str) -> None:
    """Fed with what it reads in the whole file it writes the same, bit by bit."""
    graph = read_operators(getattr(files, scheme))
    whole = TensorValues(graph.model.content)
    whole.run(feeds[0])
    assert len(graph.moving) >= 16
    for operator in graph.moving:
        single = TensorValues(single_operator(graph, operator), keep_all=False)
        single.run(*(whole.value(index) for index in graph.moving_inputs(operator)))
        for own, original in zip(single.outputs, operator.outputs, strict=True):
            np.testing.assert_array_equal(single.value(own), whole.value(original))
            assert single.specs[own].scale == whole.specs[original].scale


def test_weights_in_half_precision_are_static(files: Any) -> None:
    """What is made from constants alone does not depend on the image."""
    graph = read_operators(files.float16)
    assert [each.op for each in graph.operators].count("DEQUANTIZE") > 8
    assert "DEQUANTIZE" not in [each.op for each in graph.moving]


def _producer_names(graph: OperatorGraph) -> list[str]:
    return [graph.names[each.outputs[0]] for each in graph.operators]


def test_operators_are_numbered_in_the_order_they_run(files: Any) -> None:
    """From 1 on, each found as the producer of what it writes."""
    graph = read_operators(files.int8)
    assert [each.index for each in graph.operators] == list(range(1, len(graph.operators) + 1))
    for operator in graph.operators:
        assert graph.producer(operator.outputs[0]) is operator
    assert graph.producer(graph.inputs[0]) is None
    assert len(set(_producer_names(graph))) == len(graph.operators)


def test_intermediates_are_those_of_a_run_of_its_own(
    files: Any, feeds: NDArray[np.float32], tmp_path: Path
) -> None:
    """A tensor on the way is what the file gives when it ends there."""
    graph = read_operators(files.floats)
    target = next(each.outputs[0] for each in graph.moving if each.op == "ADD")

    def end_there(model: Any) -> None:
        model.subgraphs[0].outputs = [target]

    cut = file_edits.rewrite(files.floats, tmp_path / "cut.tflite", end_there)
    whole, shorter = (
        TensorValues(graph.model.content),
        TensorValues(cut.read_bytes(), keep_all=False),
    )
    whole.run(feeds[0])
    shorter.run(feeds[0])
    np.testing.assert_array_equal(whole.value(target), shorter.value(shorter.outputs[0]))


def test_feeds_are_quantised_by_the_file(files: Any) -> None:
    """Rounded to the nearest code, held at the ends, and read back in real units."""
    graph = read_operators(files.uint8)
    probe = TensorValues(graph.model.content)
    spec = probe.specs[probe.inputs[0]]
    assert spec.scale is not None
    feed = np.full(spec.shape, 0.3, np.float32)
    feed[0, 0, 0] = (-9, 9, 0)
    probe.run(feed)
    found = probe.value(probe.inputs[0])
    np.testing.assert_allclose(found[0, 0, 0], (-1, 1, 0), atol=spec.scale)
    assert np.abs(found[0, 1:] - 0.3).max() <= spec.scale / 2


def test_file_that_does_not_run_is_refused(files: Any, tmp_path: Path) -> None:
    """Named as the runtime's refusal, without delegates."""

    def break_it(model: Any) -> None:
        model.subgraphs[0].operators[0].inputs = [0, 0, 0]

    path = file_edits.rewrite(files.floats, tmp_path / "bad.tflite", break_it)
    with pytest.raises(ConversionError, match="LiteRT does not run the file without delegates"):
        TensorValues(path.read_bytes())
