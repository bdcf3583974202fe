"""The tool that changes layers one by one counts what is found, and how near."""

from __future__ import annotations

import dataclasses

import measure_first_divergence as measuring
import numpy as np
import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.diagnosis.operators import OperatorGraph, read_operators


@pytest.fixture(scope="module")
def graph(miniature: MiniatureFiles) -> OperatorGraph:
    """The miniature's float file."""
    return read_operators(make_case(miniature, "raw").build.tflite("raw"))


def test_counts_what_is_found(
    miniature: MiniatureFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each changed layer is found at its place, with names and without."""
    path = make_case(miniature, "raw").build.tflite("raw")
    arguments = [str(path), str(path), "--layers", "3", "--change", "kernel"]
    assert measuring.main(arguments) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if path.stem in line]
    assert rows[:2] == [
        f"| {path.stem} | a kernel | {names} | 3 of 3 | 3 | 0 | 0 | 0 |"
        for names in ("kept", "lost")
    ]


@pytest.mark.parametrize("kernel", [False, True])
def test_changes_one_layer_alone(graph: OperatorGraph, kernel: bool) -> None:
    """One weight or one output channel, and nothing else of the file."""
    layer = measuring.layers_with_weights(graph, 3)[1]
    changed = measuring.with_changed_layer(graph, layer, kernel=kernel, seed=5, without_names=False)
    differing = [
        index
        for index, (one, other) in enumerate(
            zip(graph.model.graph.tensors, changed.model.graph.tensors, strict=True)
        )
        if not np.array_equal(graph.model.stored(one), changed.model.stored(other))
    ]
    assert differing == [layer.inputs[1]]
    one, other = (
        np.frombuffer(each.model.stored(each.model.graph.tensors[layer.inputs[1]]), np.float32)
        for each in (graph, changed)
    )
    count = np.count_nonzero(one != other)
    assert count == 1 if not kernel else count > 1
    assert graph.names == changed.names


def test_outcome_is_how_near_it_was_found(graph: OperatorGraph) -> None:
    """At the layer, right after it, elsewhere, or not at all."""
    from validation.diagnosis.first_divergence import Divergence
    from validation.record.first_divergence import MatchedBy

    first, second, *_, last = graph.moving
    found = Divergence(first, "t", "t", MatchedBy.NAME, 1.0, 1.0, 0.1, False, 3, 1, ())
    case = measuring.Case(first, graph, has_effect=True, found=found)
    assert case.outcome == "at"
    assert second.inputs[0] == first.outputs[0]
    after = dataclasses.replace(found, layer=second)
    assert dataclasses.replace(case, found=after).outcome == "after"
    far = dataclasses.replace(found, layer=last)
    assert dataclasses.replace(case, found=far).outcome == "missed"
    assert dataclasses.replace(case, found=None).outcome == "missed"
    assert dataclasses.replace(case, found=None, has_effect=False).outcome == "no effect"
