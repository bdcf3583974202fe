"""Faults made in real .tflite files are named with their place, with and without names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import operator_surgery as surgery
import pytest
from another_converter import by_another_converter
from bundled_tflite import write_bundled
from made_faults import IN_8_BITS, IN_FLOAT

from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.file_diagnoses import file_diagnoses
from validation.diagnosis.file_diff import file_diff
from validation.faults import file_edits
from validation.policy.load import load_policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis

_FLOAT, _TRAINED_IN_8_BITS = "ssd_mobilenet_v1", "ssd_mobilenet_v1_quantized"


@pytest.fixture(scope="session")
def float_file(made_once: Callable[..., Path]) -> Path:
    """A bundled model's own conversion."""
    return (
        made_once("bundled-float", lambda to: write_bundled(to, _FLOAT, "float")) / "float.tflite"
    )


@pytest.fixture(scope="session")
def uint8_folder(made_once: Callable[..., Path]) -> Path:
    """Of a bundled model that was trained with FakeQuant nodes."""
    return made_once(
        "bundled-uint8", lambda to: write_bundled(to, _TRAINED_IN_8_BITS, "float", "uint8")
    )


def _faults(first: Path, second: Path) -> tuple[Diagnosis, ...]:
    return file_diagnoses(file_diff(first, second), DifferenceRules.of(load_policy()))


def _found(
    source: Path, folder: Path, change: surgery.Change, names: str = "kept"
) -> tuple[Diagnosis, ...]:
    """What is said of a copy with a fault."""
    if names == "lost":
        change = surgery.several(change, surgery.lose_names)
    found = _faults(source, file_edits.rewrite(source, folder / "copy.tflite", change))
    assert all(each.by is DiagnosedBy.FILE_DIFF and each.place is Place.FILE for each in found)
    return found


@pytest.mark.parametrize("names", ["kept", "lost"])
@pytest.mark.parametrize("name", IN_FLOAT)
def test_a_fault_is_named_with_its_place(
    name: str, names: str, float_file: Path, tmp_path: Path
) -> None:
    """The kind, where it lies, and what is there; nothing else is named."""
    change, kind, where, got = IN_FLOAT[name]
    found = _found(float_file, tmp_path, change, names)
    assert {each.fault for each in found} == {kind}
    assert len(found) == (2 if name.startswith("two layers") else 1)
    assert where in found[0].where
    _is(found[0].got, got)
    # Every one of them can be said.
    assert "{" not in describe_diagnosis(found[0])


def _is(found: Any, expected: Any) -> None:
    if isinstance(expected, str):
        assert expected in (found if isinstance(found, str) else ", ".join(found))
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4)
    else:
        assert found == expected


@pytest.mark.parametrize("names", ["kept", "lost"])
@pytest.mark.parametrize("name", IN_8_BITS)
def test_a_fault_in_8_bits_is_named_with_its_place(
    name: str, names: str, uint8_folder: Path, tmp_path: Path
) -> None:
    """By the file of the same graph: its scales and zero points are to be the same."""
    change, kind, where = IN_8_BITS[name]
    found = _found(uint8_folder / "uint8.tflite", tmp_path, change, names)
    assert [each.fault for each in found] == [kind]
    assert where in found[0].where


@pytest.mark.parametrize("names", ["kept", "lost"])
def test_rounding_is_no_fault(
    names: str, uint8_folder: Path, float_file: Path, tmp_path: Path
) -> None:
    """A file in 8 bits of the same graph, and the file itself."""
    change = surgery.lose_names if names == "lost" else surgery.several()
    for first, second in (
        (float_file, float_file),
        (uint8_folder / "float.tflite", uint8_folder / "uint8.tflite"),
    ):
        copy = file_edits.rewrite(second, tmp_path / f"{second.name}", change)
        assert _faults(first, copy) == ()


@pytest.mark.parametrize("names", ["kept", "lost"])
def test_what_another_converter_writes_otherwise_is_no_fault(
    names: str, float_file: Path, tmp_path: Path
) -> None:
    """Activations and padding as operators of their own, and operators in another order."""
    assert _found(float_file, tmp_path, by_another_converter, names) == ()


@pytest.mark.parametrize("name", ["BGR", "x before y", "no sigmoid", "one anchor"])
def test_a_fault_of_another_converters_file_is_named(
    name: str, float_file: Path, tmp_path: Path
) -> None:
    """By the flow of data alone."""
    change, kind, *_ = IN_FLOAT[name]
    both = surgery.several(change, by_another_converter)
    (found,) = _found(float_file, tmp_path, both, "lost")
    assert found.fault is kind


def test_names_that_are_exchanged_are_no_fault(float_file: Path, tmp_path: Path) -> None:
    """What two layers compute says more than what they are called."""
    assert _found(float_file, tmp_path, surgery.exchange_names(16, 18)) == ()


@pytest.mark.parametrize("name", ["int8", "float16", "dynamic", "uint8"])
def test_other_number_schemes_are_no_fault(name: str, files: Any, tmp_path: Path) -> None:
    """Of one network, whatever its file was quantised by, with names and without."""
    first = files.simulated if name == "uint8" else files.floats
    second: Path = getattr(files, name)
    lost = file_edits.rewrite(second, tmp_path / "lost.tflite", surgery.lose_names)
    assert _faults(first, second) == _faults(first, lost) == ()


@pytest.mark.parametrize("names", ["kept", "lost"])
def test_a_scale_that_its_own_bias_contradicts_is_named(
    names: str, files: Any, tmp_path: Path
) -> None:
    """Of a file that was calibrated elsewhere there are no ranges to compare with."""
    change = surgery.written_scale(0, 1.3)
    if names == "lost":
        change = surgery.several(change, surgery.lose_names)
    copy = file_edits.rewrite(files.int8, tmp_path / "copy.tflite", change)
    (found,) = _faults(files.floats, copy)
    assert (found.fault, found.where) == (
        FaultKind.QUANTISED_RANGE,
        "what net/first/Relu6 writes",
    )


def test_another_network_has_no_faults(float_file: Path, files: Any) -> None:
    """Nothing is said of files that have no more in common than the op."""
    assert _faults(float_file, files.floats) == ()


def test_many_factors_of_channels_are_batch_norm(float_file: Path, tmp_path: Path) -> None:
    """A larger epsilon makes every filter smaller, each by its own variance."""

    def smaller(kernel: Any) -> Any:
        axis = 3 if kernel.shape[0] == 1 else 0
        factors = np.random.default_rng(2).uniform(0.7, 0.98, kernel.shape[axis])
        return kernel * factors.reshape([-1 if at == axis else 1 for at in range(4)])

    every = [surgery.constant(place, smaller) for place in range(39)]
    (found,) = _found(float_file, tmp_path, surgery.several(*every))
    assert found.fault is FaultKind.EPSILON


def test_other_weights_throughout_are_one_fault(float_file: Path, tmp_path: Path) -> None:
    """Not one for each layer."""

    def trained_on(kernel: Any) -> Any:
        return kernel * np.random.default_rng(2).normal(1, 0.05, kernel.shape)

    every = [surgery.constant(place, trained_on) for place in range(39)]
    (found,) = _found(float_file, tmp_path, surgery.several(*every))
    assert (found.fault, found.ties) == (FaultKind.WEIGHTS, (FaultKind.MOVING_AVERAGES,))
    assert "39 of 39 kernels" in found.where


def test_two_faults_are_two(float_file: Path, tmp_path: Path) -> None:
    """Each is named."""
    both = surgery.several(
        surgery.constant(0, lambda kernel: kernel[..., ::-1]),
        file_edits.change_attributes(nms_iou_threshold=0.3),
    )
    found = _found(float_file, tmp_path, both)
    assert [each.fault for each in found] == [FaultKind.CHANNELS, FaultKind.NMS]


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_file_ends_no_comparison(seed: int, files: Any, tmp_path: Path) -> None:
    """Whatever its operators read and are, on either side."""
    source = (files.floats, files.int8)[seed % 2]
    path = file_edits.rewrite(source, tmp_path / "copy.tflite", surgery.damage(seed))
    for sides in ((files.floats, path), (path, files.floats)):
        for fault in _faults(*sides):
            assert describe_diagnosis(fault)
