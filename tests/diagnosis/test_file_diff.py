"""Faults made in real .tflite files are named with their place, with and without names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import operator_surgery as surgery
import pytest
from bundled_tflite import write_bundled

from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.file_diagnoses import file_diagnoses
from validation.diagnosis.file_diff import file_diff
from validation.faults import file_edits
from validation.policy.load import load_policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis

_FLOAT, _TRAINED_IN_8_BITS = "ssd_mobilenet_v1", "ssd_mobilenet_v1_quantized"
_LAYER = "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d"
COLUMNS = 9


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


def _columns(*first: int) -> Sequence[int]:
    return (*first, *range(len(first), COLUMNS))


# Of a float file: what was done, the kind, a part of where it lies, and what is there.
_MADE: dict[str, tuple[surgery.Change, FaultKind, str, Any]] = {
    "BGR": (
        surgery.constant(0, lambda kernel: kernel[..., ::-1]),
        FaultKind.CHANNELS,
        "axis 3 of the first kernel",
        "BGR",
    ),
    "channels GBR": (
        surgery.constant(0, lambda kernel: kernel[..., [1, 2, 0]]),
        FaultKind.CHANNELS,
        "first kernel",
        "GBR",
    ),
    "pixels twice as large": (
        surgery.constant(0, lambda kernel: kernel * 2),
        FaultKind.NORMALISATION,
        "Conv2d_0",
        "pixels times 2",
    ),
    "a layer times 1.1": (
        surgery.constant(5, lambda kernel: kernel * 1.1),
        FaultKind.WEIGHTS_FACTOR,
        f"kernel of {_LAYER}_3_depthwise",
        1.1,
    ),
    "a channel times 3": (
        surgery.constant(6, surgery.times_at(0, 7, 3.0)),
        FaultKind.WEIGHTS_FACTOR,
        f"output channel 7 of the kernel of {_LAYER}_3_pointwise",
        3.0,
    ),
    "two filters exchanged": (
        surgery.constant(6, surgery.swapped(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
        "2 is 9, 9 is 2",
    ),
    "a filter twice": (
        surgery.constant(6, surgery.repeated(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
        "2 is 9",
    ),
    "a depthwise kernel transposed": (
        surgery.constant(3, lambda kernel: kernel.swapaxes(1, 2)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_2_depthwise",
        "height and width exchanged",
    ),
    "a depthwise kernel upside down": (
        surgery.constant(3, lambda kernel: kernel[:, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_2_depthwise",
        "height reversed",
    ),
    "no bias": (
        surgery.without_bias(4),
        FaultKind.WEIGHTS,
        f"bias of {_LAYER}_2_pointwise/Relu6, which is absent",
        None,
    ),
    "a bias of zeros": (
        surgery.constant(4, lambda bias: bias * 0, surgery.BIAS),
        FaultKind.WEIGHTS,
        f"bias of {_LAYER}_2_pointwise/Relu6, all of them 0",
        None,
    ),
    "a bias doubled": (
        surgery.constant(4, lambda bias: bias * 2, surgery.BIAS),
        FaultKind.WEIGHTS_FACTOR,
        f"bias of {_LAYER}_2_pointwise",
        2.0,
    ),
    "noise on a kernel": (
        surgery.constant(
            4, lambda kernel: kernel + np.random.default_rng(1).normal(0, 0.01, kernel.shape)
        ),
        FaultKind.WEIGHTS,
        f"kernel of {_LAYER}_2_pointwise",
        None,
    ),
    "NaN in a kernel": (
        surgery.constant(4, lambda kernel: np.where(kernel == kernel.max(), np.nan, kernel)),
        FaultKind.NOT_FINITE,
        f"1 value of kernel of {_LAYER}_2_pointwise",
        None,
    ),
    "two layers' kernels exchanged": (
        surgery.exchange_kernels(14, 16),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_7_pointwise",
        f"that of {_LAYER}_8_pointwise",
    ),
    "two classes exchanged": (
        surgery.heads("ClassPredictor", _columns(0, 2, 1)),
        FaultKind.CLASS_ORDER,
        "BoxPredictor_0/ClassPredictor",
        "class 1 has the filters of 2, class 2 has the filters of 1",
    ),
    "a class twice": (
        surgery.heads("ClassPredictor", (*range(8), 3)),
        FaultKind.CLASS_ORDER,
        "BoxPredictor_0/ClassPredictor",
        "class 8 has the filters of 3",
    ),
    "classes shifted": (
        surgery.heads("ClassPredictor", (0, 8, *range(1, 8))),
        FaultKind.CLASS_SHIFT,
        "BoxPredictor_0/ClassPredictor",
        "+1",
    ),
    "a class that nothing finds": (
        surgery.class_bias(3, -100.0),
        FaultKind.CLASS_LOST,
        "class 3",
        None,
    ),
    "pixels of the image doubled": (
        surgery.before_the_network("MUL", [2.0]),
        FaultKind.NORMALISATION,
        "after the input",
        "MUL",
    ),
    "the image's channels reversed": (
        surgery.before_the_network("REVERSE_V2", [3]),
        FaultKind.CHANNELS,
        "after the input",
        "REVERSE_V2",
    ),
    "the image mirrored": (
        surgery.before_the_network("REVERSE_V2", [2]),
        FaultKind.MIRRORED,
        "after the input",
        "REVERSE_V2",
    ),
    "tanh for sigmoid": (
        surgery.exchange_kind("LOGISTIC", 0, "TANH"),
        FaultKind.SCORES,
        "Postprocessor/convert_scores",
        "TANH",
    ),
    "blocks exchanged": (
        surgery.exchange_blocks(15),
        FaultKind.OPERATOR_ORDER,
        f"DEPTHWISE_CONV_2D {_LAYER}_8_depthwise/Relu6 reads",
        f"{_LAYER}_9_pointwise/Relu6",
    ),
    "a layer twice": (
        surgery.twice("CONV_2D", 8),
        FaultKind.OPERATOR_ADDED,
        f"after {_LAYER}_8_pointwise",
        "CONV_2D",
    ),
    "a layer gone": (
        surgery.without("CONV_2D", 8),
        FaultKind.OPERATOR_MISSING,
        f"{_LAYER}_8_pointwise",
        None,
    ),
    "x before y": (
        surgery.heads("BoxEncodingPredictor", (1, 0, 3, 2)),
        FaultKind.BOX_AXES,
        "BoxPredictor_0/BoxEncodingPredictor",
        ["x", "y", "w", "h"],
    ),
    "ReLU for ReLU6": (
        surgery.option("CONV_2D", 4, fusedActivationFunction=1),
        FaultKind.ACTIVATION,
        f"{_LAYER}_4_pointwise",
        "RELU",
    ),
    "another stride": (
        surgery.option("DEPTHWISE_CONV_2D", 2, strideH=2),
        FaultKind.OPERATOR_ATTRIBUTE,
        f"stride_h of DEPTHWISE_CONV_2D {_LAYER}_3_depthwise",
        2,
    ),
    "no padding": (
        surgery.option("CONV_2D", 0, padding=1),
        FaultKind.OPERATOR_ATTRIBUTE,
        "padding of CONV_2D",
        "VALID",
    ),
    "dilation": (
        surgery.option("DEPTHWISE_CONV_2D", 3, dilationWFactor=2),
        FaultKind.OPERATOR_ATTRIBUTE,
        "dilation_w_factor",
        2,
    ),
    "no sigmoid": (
        surgery.without("LOGISTIC"),
        FaultKind.SCORES,
        "Postprocessor/convert_scores",
        "no LOGISTIC",
    ),
    "two sigmoids": (surgery.twice("LOGISTIC"), FaultKind.SCORES, "after", "LOGISTIC twice"),
    "boxes of other maps first": (
        surgery.inputs("CONCATENATION", 0, (1, 0, 2, 3)),
        FaultKind.CONCATENATION,
        "concat",
        "BoxPredictor_1/BoxEncodingPredictor",
    ),
    "anchors half as large again": (
        surgery.anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]),
        FaultKind.ANCHORS,
        "anchors",
        "1.5 times as long",
    ),
    "one anchor": (
        surgery.anchors(lambda anchors: surgery.times_at(0, 17, 1.2)(anchors)),
        FaultKind.ANCHORS,
        "row 17",
        "1 of 552 rows",
    ),
    "other box scales": (
        file_edits.change_attributes(y_scale=5.0),
        FaultKind.BOX_SCALES,
        "y_scale",
        [5.0, 10.0, 5.0, 5.0],
    ),
    "another IoU": (
        file_edits.change_attributes(nms_iou_threshold=0.3),
        FaultKind.NMS,
        "nms_iou_threshold",
        0.3,
    ),
    "a score threshold": (
        file_edits.change_attributes(nms_score_threshold=0.3),
        FaultKind.SCORE_THRESHOLD,
        "nms_score_threshold",
        0.3,
    ),
    "fewer detections": (
        file_edits.change_attributes(max_detections=10),
        FaultKind.DETECTIONS,
        "max_detections",
        10,
    ),
    "outputs in another order": (
        surgery.outputs((2, 1, 0, 3)),
        FaultKind.OUTPUT_ORDER,
        "outputs",
        ["scores", "classes", "boxes", "count"],
    ),
    "4 bits in floats": (
        surgery.constant(6, surgery.rounded_to(4)),
        FaultKind.WEIGHTS_ROUNDED,
        f"1 of 78 constants, first kernel of {_LAYER}_3_pointwise",
        "4 bits",
    ),
}


@pytest.mark.parametrize("names", ["kept", "lost"])
@pytest.mark.parametrize("name", _MADE)
def test_a_fault_is_named_with_its_place(
    name: str, names: str, float_file: Path, tmp_path: Path
) -> None:
    """The kind, where it lies, and what is there; nothing else is named."""
    change, kind, where, got = _MADE[name]
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


# Of a file in 8 bits, whose ranges are the graph's.
_IN_8_BITS: dict[str, tuple[surgery.Change, FaultKind, str]] = {
    "a scale": (
        surgery.written_scale(5, 1.3),
        FaultKind.QUANTISED_RANGE,
        f"what {_LAYER}_3_depthwise/Relu6 writes",
    ),
    "a zero point": (
        surgery.written_scale(5, shift=3),
        FaultKind.QUANTISED_RANGE,
        f"what {_LAYER}_3_depthwise/Relu6 writes",
    ),
    "a kernel's scale": (
        surgery.kernel_scale(5, 1.5),
        FaultKind.WEIGHTS_FACTOR,
        f"kernel of {_LAYER}_3_depthwise",
    ),
    "a kernel's zero point": (
        surgery.kernel_scale(5, shift=2),
        FaultKind.WEIGHTS,
        f"kernel of {_LAYER}_3_depthwise/Relu6, every value",
    ),
    "two filters exchanged": (
        surgery.constant(6, surgery.swapped(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
    ),
    "fewer bits": (
        surgery.constant(6, lambda kernel: kernel // 16 * 16),
        FaultKind.WEIGHTS_ROUNDED,
        f"kernel of {_LAYER}_3_pointwise",
    ),
    "BGR": (
        surgery.constant(0, lambda kernel: kernel[..., ::-1]),
        FaultKind.CHANNELS,
        "first kernel",
    ),
    "no sigmoid": (surgery.without("LOGISTIC"), FaultKind.SCORES, "convert_scores"),
    "the input's scale": (surgery.input_scale(2.0), FaultKind.NORMALISATION, "the input"),
}


@pytest.mark.parametrize("names", ["kept", "lost"])
@pytest.mark.parametrize("name", _IN_8_BITS)
def test_a_fault_in_8_bits_is_named_with_its_place(
    name: str, names: str, uint8_folder: Path, tmp_path: Path
) -> None:
    """By the file of the same graph: its scales and zero points are to be the same."""
    change, kind, where = _IN_8_BITS[name]
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
    assert _found(float_file, tmp_path, surgery.by_another_converter, names) == ()


@pytest.mark.parametrize("name", ["BGR", "x before y", "no sigmoid", "one anchor"])
def test_a_fault_of_another_converters_file_is_named(
    name: str, float_file: Path, tmp_path: Path
) -> None:
    """By the flow of data alone."""
    change, kind, *_ = _MADE[name]
    both = surgery.several(change, surgery.by_another_converter)
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
