"""What a check says of layers where a file is not in parity, and that it says nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniature_cases import MiniatureFiles, given_case, make_case

from validation.checks.end_to_end_parity import end_to_end_parity
from validation.checks.raw_parity import raw_parity
from validation.checks.registry import CHECKS
from validation.checks.running import run_row
from validation.faults import file_edits
from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.first_divergence import FirstDivergence, MatchedBy
from validation.record.types import CheckResult
from validation.workspace.context import CheckContext
from validation.workspace.variant_sides import GraphReference

_LAYER = "FeatureExtractor/Miniature/Conv2d_1/"


def _reversed_kernel(model: Any) -> None:
    """Another order of the input channels of one layer, as after a careless rewrite."""
    graph = model.subgraphs[0]
    (operator,) = [
        each
        for each in graph.operators
        if graph.tensors[each.outputs[0]].name.decode().startswith(_LAYER) and len(each.inputs) == 3
    ]
    tensor = graph.tensors[operator.inputs[1]]
    buffer = model.buffers[tensor.buffer]
    values = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
    buffer.data = np.frombuffer(np.ascontiguousarray(values[..., ::-1]).tobytes(), np.uint8)


def _without_names(model: Any) -> None:
    _reversed_kernel(model)
    graph = model.subgraphs[0]
    kept = {*graph.inputs, *graph.outputs}
    for index, tensor in enumerate(graph.tensors):
        if index not in kept:
            tensor.name = f"tensor_{index}".encode()


def _sorted_out(
    entries: list[Any],
) -> tuple[CheckResult, list[FirstDivergence], list[Diagnosis]]:
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return (
        result,
        [each for each in entries if isinstance(each, FirstDivergence)],
        [each for each in entries if isinstance(each, Diagnosis)],
    )


def _with_file(context: CheckContext, path: Path) -> CheckContext:
    """The variant's file in place of the one that is converted."""
    context.build.tflite = lambda *_: path  # type: ignore[method-assign]
    return context


@pytest.mark.parametrize(("variant", "check"), [("raw", raw_parity), ("float", end_to_end_parity)])
def test_layer_of_a_file_made_here_is_named(
    miniature: MiniatureFiles,
    tmp_path: Path,
    variant: str,
    check: Callable[[CheckContext], list[Any]],
) -> None:
    """By the exported graph in a session: the layer in record, diagnosis and message."""
    context = make_case(miniature, variant)
    path = file_edits.rewrite(
        context.build.tflite(variant), tmp_path / "changed.tflite", _reversed_kernel
    )
    result, divergences, diagnoses = _sorted_out(check(_with_file(context, path)))
    assert result.status is Status.FAIL
    (found,), (diagnosis,) = divergences, diagnoses
    assert (found.key, diagnosis.key) == (context.key, context.key)
    assert (found.op, found.matched, found.differing) == ("CONV_2D", MatchedBy.NAME, 1)
    assert found.tensor.startswith(_LAYER)
    assert found.local is not None
    assert found.local > 100 * found.allowed
    assert (diagnosis.fault, diagnosis.place, diagnosis.by) == (
        FaultKind.WEIGHTS,
        Place.FILE,
        DiagnosedBy.LAYERS,
    )
    assert diagnosis.where == found.tensor
    assert f"first layer that differs from {found.reference}: CONV_2D {_LAYER}" in result.message


@pytest.mark.parametrize(("variant", "check"), [("raw", raw_parity), ("float", end_to_end_parity)])
def test_layers_of_a_file_in_parity_are_not_run(
    miniature: MiniatureFiles,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
    check: Callable[[CheckContext], list[Any]],
) -> None:
    """They take seconds, and say nothing there."""

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("validation.checks.first_divergence.find_first_divergence", refuse)
    result, divergences, diagnoses = _sorted_out(check(make_case(miniature, variant)))
    assert (result.status, divergences, diagnoses) == (Status.PASS, [], [])


def test_layer_of_a_given_file_without_names_is_named(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """By the float file of the reference's graph: the reference's name, and the file's in it."""
    context = make_case(miniature, "raw")
    source = context.build.tflite("float")
    path = file_edits.rewrite(source, tmp_path / "given.tflite", _without_names)
    reference = GraphReference(context.build, context.inference)
    case = given_case(context, path, reference)
    result, divergences, diagnoses = _sorted_out(raw_parity(case))
    assert result.status is Status.FAIL
    (found,), (diagnosis,) = divergences, diagnoses
    assert found.counterpart.startswith(_LAYER)
    assert found.matched is MatchedBy.FLOW
    assert diagnosis.where == f"{found.counterpart} ({found.tensor} in the file)"
    assert (diagnosis.measure, diagnosis.before) == ("local error of the layer", found.local)
    assert diagnosis.after == 0


def test_what_was_done_to_a_file_is_said_in_place_of_its_layer(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """One fault is one diagnosis; where it is seen first stays in the message."""
    context = make_case(miniature, "raw")
    path = file_edits.rewrite(
        context.build.tflite("float"), tmp_path / "given.tflite", _reversed_kernel
    )
    case = given_case(context, path, GraphReference(context.build, context.inference))
    (row,) = (each for each in CHECKS if each.name == "raw_parity")
    result, divergences, diagnoses = _sorted_out(run_row(row, case))
    assert len(divergences) == 1
    assert "first layer that differs" in result.message
    assert {each.by for each in diagnoses} == {DiagnosedBy.FILE_DIFF}


def test_what_keeps_layers_from_being_compared_is_said(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """A result stays what it is without them."""
    context = make_case(miniature, "raw")

    def change(model: Any) -> None:
        _reversed_kernel(model)
        for tensor in model.subgraphs[0].tensors:
            if b"raw_outputs" not in tensor.name and b"normalized" not in tensor.name:
                tensor.name = b""

    path = file_edits.rewrite(context.build.tflite("raw"), tmp_path / "unnamed.tflite", change)
    case = _with_file(context, path)
    case.build.exported = _refusing  # type: ignore[method-assign]
    from validation.checks.first_divergence import with_first_divergence

    result = CheckResult("raw_parity", case.key.model, case.key.variant, Status.FAIL, message="off")
    (said,) = with_first_divergence(case, result)
    assert isinstance(said, CheckResult)
    assert said.status is Status.FAIL
    assert said.message == "off; layers were not compared: no export"


def _refusing(*_: Any, **__: Any) -> Any:
    from validation.errors import NotProvided

    raise NotProvided("no export")
