"""Every scheme from a small graph: what stands in the file, what it computes, what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_quant_graph as small
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.calibration.feeding import Calibration
from validation.comparison.structure import check_tflite_contract
from validation.convert.conversion import conversion_of
from validation.convert.graph_file import GraphOfFile
from validation.convert.tflite import convert, default_variant
from validation.errors import ConversionError, FeedError
from validation.export import light_graph
from validation.inference.tflite import run_batchwise
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey
from validation.runtimes.session import SessionRuntime
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_OUTPUTS, RAW_OUTPUTS, Preprocessing
from validation.specs.input_stats import GUIDE_STATS, InputStats
from validation.specs.variants import VARIANTS, Scheme, variant_of
from validation.tflite.facts import TfliteFile, read_tflite

FEEDS = small.feeds(8)
QUANTISED = tuple(name for name, variant in VARIANTS.items() if variant.is_quantised)
AFTER_TRAINING = tuple(name for name in QUANTISED if not name.startswith("uint8"))
STATS = InputStats(127.5, 127.5)

Convert = Callable[..., Path]


def _calibration(feeds: np.ndarray = FEEDS, count: int | None = None) -> Calibration:
    return Calibration(lambda: iter(feeds), len(feeds) if count is None else count, (-1, 1), 0.6)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[bool, bool], Path]:
    """The small graph by (FakeQuant nodes, post-processing op)."""
    folder = tmp_path_factory.mktemp("graphs")
    return {
        (ranges, with_op): small.write_graph(
            folder / f"{ranges}-{with_op}" / "tflite_graph.pb", ranges=ranges, with_op=with_op
        )
        for ranges in (True, False)
        for with_op in (True, False)
    }


@pytest.fixture(scope="module")
def made(
    graphs: dict[tuple[bool, bool], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The file of a variant, converted once."""
    folder = tmp_path_factory.mktemp("made")

    def make(name: str) -> Path:
        path = folder / f"{name}.tflite"
        return path if path.exists() else _convert(graphs, name, path)

    return make


def _convert(graphs: dict[tuple[bool, bool], Path], name: str, path: Path, **more: Any) -> Path:
    variant = variant_of(name)
    if variant.scheme is Scheme.INT8:
        more.setdefault("calibration", _calibration())
    graph = graphs[variant.scheme is Scheme.UINT8, variant.add_postprocessing_op]
    return convert(graph, conversion_of(name, preprocessing=small.SYMMETRIC, **more), path)


def _raw_of_session(graph: Path) -> dict[str, np.ndarray]:
    with SessionRuntime(graph, RAW_OUTPUTS) as runtime:
        return run_batchwise(runtime, FEEDS)


def _raw_of_file(path: Path) -> dict[str, np.ndarray]:
    with TfliteRuntime(path) as runtime:
        return run_batchwise(runtime, FEEDS)


def _contract(path: Path, name: str, stats: InputStats | None) -> CheckResult:
    with TfliteRuntime(path) as runtime:
        outputs = runtime.outputs
    return check_tflite_contract(
        read_tflite(path),
        outputs,
        small.CONTRACT,
        ModelKey("m", name),
        policy=load_policy(),
        input_stats=stats,
    )


@pytest.mark.parametrize("name", QUANTISED)
def test_file_keeps_its_contract(made: Callable[[str], Path], name: str) -> None:
    """Ends, order, dtypes, scales, float tensors and op attributes, by the check itself."""
    path = made(name)
    stats = STATS if name.startswith("uint8") else None
    result = _contract(path, name, stats)
    assert (result.status, result.message) == (Status.PASS, "")


def _dtypes(file: TfliteFile) -> set[str]:
    return set(file.tensors)


def test_weights_are_kept_as_the_scheme_says(made: Callable[[str], Path]) -> None:
    """Half floats; bytes beside floats; bytes and their sums."""
    files = {name: read_tflite(made(name)) for name in QUANTISED}
    assert "float16" in files["float16-raw"].tensors
    assert "int8" in files["dynamic-raw"].tensors
    assert _dtypes(files["int8-raw"]) <= {"int8", "uint8", "int32"}
    assert _dtypes(files["uint8-raw"]) <= {"uint8", "int32"}
    assert files["int8-raw"].per_channel > 0
    assert files["uint8-raw"].per_channel == 0


def test_float_tensors_of_full_integer_files_are_at_the_op(made: Callable[[str], Path]) -> None:
    """The op writes floats; of int8 it reads them too, for its kernel has no int8."""
    assert set(read_tflite(made("uint8")).float_tensors) == set(POSTPROCESS_OUTPUTS)
    int8 = read_tflite(made("int8"))
    read = {spec.name for spec in int8.postprocess_inputs}
    assert set(int8.float_tensors) == {*POSTPROCESS_OUTPUTS, *read}


@pytest.mark.parametrize(
    ("stats", "scale", "zero_point"),
    [(STATS, 1 / 127.5, 128), (GUIDE_STATS, 1 / 127, 128), (InputStats(0, 255), 1 / 255, 0)],
    ids=str,
)
def test_mean_and_std_are_scale_and_zero_point(
    graphs: dict[tuple[bool, bool], Path],
    tmp_path: Path,
    stats: InputStats,
    scale: float,
    zero_point: int,
) -> None:
    """As stated; 127.5 is rounded, for a zero point is whole."""
    path = _convert(graphs, "uint8-raw", tmp_path / "u.tflite", input_stats=stats)
    (image,) = read_tflite(path).inputs
    assert (image.dtype, image.zero_point) == ("uint8", zero_point)
    assert image.scale == pytest.approx(scale, rel=1e-6)


@pytest.mark.parametrize(
    ("stats", "message"),
    [
        (InputStats(0, 255), "maps uint8 to [0, 1], extractor wants [-1, 1]"),
        (InputStats(0, 1), "maps uint8 to [0, 255], extractor wants [-1, 1]"),
        (InputStats(255, 255), "maps uint8 to [-1, 0], extractor wants [-1, 1]"),
    ],
    ids=str,
)
def test_wrong_mean_and_std_are_worded_by_the_contract(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, stats: InputStats, message: str
) -> None:
    """Fault V08: the converter takes any pair; the file itself says what it maps bytes to."""
    path = _convert(graphs, "uint8-raw", tmp_path / "u.tflite", input_stats=stats)
    result = _contract(path, "uint8-raw", stats)
    assert (result.status, result.where) == (Status.FAIL, "input_range_steps_off")
    assert result.message.startswith(message)


@pytest.mark.parametrize("name", [name for name in QUANTISED if name.endswith("raw")])
def test_file_computes_what_the_graph_computes(
    graphs: dict[tuple[bool, bool], Path], made: Callable[[str], Path], name: str
) -> None:
    """Within what its numbers can say: real units in, real units out."""
    ranges = name.startswith("uint8")
    expected, got = _raw_of_session(graphs[ranges, False]), _raw_of_file(made(name))
    steps = {"float16-raw": 0.02, "dynamic-raw": 2.0, "int8-raw": 3.0, "uint8-raw": 3.0}[name]
    for output, step in zip(RAW_OUTPUTS, (16 / 255, 1 / 256), strict=True):
        assert expected[output].std() > 10 * step
        assert np.abs(got[output] - expected[output]).mean() <= steps * step
        assert got[output].dtype == np.float32


@pytest.mark.parametrize("name", QUANTISED)
def test_same_graph_gives_the_same_bytes(
    graphs: dict[tuple[bool, bool], Path],
    made: Callable[[str], Path],
    tmp_path: Path,
    name: str,
) -> None:
    """A release can be made again, calibration and all."""
    assert _convert(graphs, name, tmp_path / "again").read_bytes() == made(name).read_bytes()


def test_graph_says_which_variant_it_was_made_for(graphs: dict[tuple[bool, bool], Path]) -> None:
    """FakeQuant nodes are for uint8; the guide's word goes before them."""
    found = {key: default_variant(graph) for key, graph in graphs.items()}
    assert found == {
        (True, True): "uint8",
        (True, False): "uint8-raw",
        (False, True): "float",
        (False, False): "raw",
    }
    assert default_variant(graphs[True, True], "FLOAT") == "float"
    assert default_variant(graphs[False, False], "QUANTIZED_UINT8") == "uint8-raw"


def test_preprocessing_gives_mean_and_std_to_uint8_alone() -> None:
    """And what is stated goes before it; by channel there is none, and uint8 alone minds."""
    assert conversion_of("uint8", preprocessing=small.SYMMETRIC).input_stats == STATS
    stated = conversion_of("uint8", preprocessing=small.SYMMETRIC, input_stats=GUIDE_STATS)
    assert stated.input_stats == GUIDE_STATS
    means = Preprocessing(8, 8, (1.0,) * 3, (123.68, 116.78, 103.94))
    assert conversion_of("int8", preprocessing=means).input_stats is None
    with pytest.raises(ConversionError, match="differ by channel"):
        conversion_of("uint8", preprocessing=means)


def _refused(graph: Path, tmp_path: Path, match: str, name: str, **more: Any) -> None:
    with pytest.raises(ConversionError, match=match) as error:
        convert(graph, conversion_of(name, **more), tmp_path / "f.tflite")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["uint8", "uint8-raw"])
def test_uint8_of_a_float_graph_is_refused(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, name: str
) -> None:
    """Faults V04 and V07: no ranges, and forced ones give constant outputs."""
    _refused(
        graphs[False, True],
        tmp_path,
        r"0 of 8 activations have FakeQuant ranges \(tflite_graph.pb\); use float.*fakequant",
        name,
        input_stats=STATS,
    )


@pytest.mark.parametrize("name", AFTER_TRAINING)
def test_quantised_graph_is_not_quantised_again(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, name: str
) -> None:
    """It has its ranges; the way on is named."""
    _refused(
        graphs[True, True],
        tmp_path,
        rf"{variant_of(name).scheme} quantises a float graph.*no FakeQuant nodes, got \d+; "
        "convert it as uint8",
        name,
    )


def test_uint8_without_mean_and_std_is_refused(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path
) -> None:
    """Fault V09: the pair that most extractors want is reported."""
    message = (
        r"QUANTIZED_UINT8 needs mean and std .*--mean_values and --std_dev_values; 127.5/127.5"
    )
    _refused(graphs[True, True], tmp_path, message, "uint8")


@pytest.mark.parametrize("std", [0.0, -127.5, np.nan, np.inf])
def test_mean_and_std_without_a_scale_are_refused(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, std: float
) -> None:
    """Zero, a flipped sign, and what is no number."""
    message = rf"mean and std give no scale .*above 0, got 127.5/{std:g}"
    stats = InputStats(127.5, std)
    _refused(graphs[True, True], tmp_path, message, "uint8", input_stats=stats)


def test_int8_without_images_is_refused(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path
) -> None:
    """There is nothing to find ranges with."""
    _refused(graphs[False, True], tmp_path, "int8 needs representative images", "int8")


def test_images_feed_one_input(graphs: dict[tuple[bool, bool], Path], tmp_path: Path) -> None:
    """Of two inputs it is unknown which is the image."""
    conversion = dataclasses.replace(
        conversion_of("int8", calibration=_calibration()),
        input_arrays=(INPUT_NAME, "BoxEncodingPredictor/concat"),
    )
    with pytest.raises(ConversionError, match=rf"feed one input .*got {INPUT_NAME}, Box"):
        convert(graphs[False, True], conversion, tmp_path / "f.tflite")


@pytest.mark.parametrize("name", ["float", "dynamic-raw", "float16", "int8"])
def test_mean_and_std_are_for_uint8(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, name: str
) -> None:
    """Elsewhere they would not be heard."""
    images = {"calibration": _calibration()} if name == "int8" else {}
    message = rf"{variant_of(name).scheme} takes no mean and std .*got 127.5/127.5; leave them out"
    _refused(graphs[False, True], tmp_path, message, name, input_stats=STATS, **images)


@pytest.mark.parametrize("name", ["float", "dynamic", "float16-raw"])
def test_images_are_for_int8(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, name: str
) -> None:
    """With them the converter would make another scheme of dynamic."""
    message = rf"{variant_of(name).scheme} takes no representative images .*got 8; leave them out"
    _refused(graphs[False, True], tmp_path, message, name, calibration=_calibration())


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (_calibration(count=9), f"too few representative images .{INPUT_NAME}.: expected 9, got 8"),
        (_calibration(FEEDS[:0]), "too few representative images .*expected 1, got 0"),
        (
            _calibration(FEEDS[:, 0]),
            r"expected float32 \[1, 16, 24, 3\], got float32 \[16, 24, 3\]",
        ),
        (_calibration((FEEDS + 1) / 2), r"calibration input spans \[0, 1\], extractor gives \[-1"),
        (_calibration(FEEDS * 127.5), r"calibration input spans \[-127.5, 127.5\], extractor"),
    ],
    ids=["fewer", "none", "no batch", "divided by 255", "pixels"],
)
def test_representative_images_that_do_not_fit_are_refused(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path, calibration: Calibration, message: str
) -> None:
    """Fault V13 and its kin: reported as what is wrong with the images, and no file is left."""
    conversion = conversion_of("int8-raw", calibration=calibration)
    with pytest.raises(FeedError, match=message):
        convert(graphs[False, False], conversion, tmp_path / "f.tflite")
    assert list(tmp_path.iterdir()) == []


def test_damaged_representative_image_is_told_as_such(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path
) -> None:
    """What the feeds themselves raise is no refusal of the converter."""

    def feeds() -> Any:
        yield FEEDS[0]
        raise FeedError("the image is not there", where="3.jpg")

    calibration = dataclasses.replace(_calibration(), feeds=feeds)
    with pytest.raises(FeedError, match=r"the image is not there \(3.jpg\)"):
        convert(
            graphs[False, False],
            conversion_of("int8-raw", calibration=calibration),
            tmp_path / "f.tflite",
        )


def test_activation_without_a_range_leaves_floats_that_the_contract_names(
    graphs: dict[tuple[bool, bool], Path], tmp_path: Path
) -> None:
    """The converter says nothing and keeps that layer in float."""
    definition = tf.GraphDef.FromString(graphs[True, False].read_bytes())
    for node in definition.node:
        if node.op.startswith("FakeQuant") and "Conv2d_2" in node.name:
            node.op = "Identity"
            del node.input[1:]
            node.attr.clear()
            node.attr["T"].type = 1
    partly = tmp_path / "partly.pb"
    partly.write_bytes(definition.SerializeToString())
    path = convert(partly, conversion_of("uint8-raw", input_stats=STATS), tmp_path / "f.tflite")
    result = _contract(path, "uint8-raw", STATS)
    assert (result.status, result.where) == (Status.FAIL, "float_tensors_elsewhere")
    assert "Conv2d_2/Conv2D" in result.message


@pytest.mark.parametrize("name", ["float", "raw", *QUANTISED])
def test_weights_left_in_the_file_change_no_byte(
    graphs: dict[tuple[bool, bool], Path],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Against the converter that is given the whole graph, as tflite_convert gives it."""
    monkeypatch.setattr(light_graph, "_LARGE_BYTES", 256)
    light = _convert(graphs, name, tmp_path / "light.tflite")

    def whole(source: GraphOfFile, *asked: Any) -> Any:
        assert source.has_large_weights
        return tf.lite.TFLiteConverter.from_frozen_graph(str(source.path), *asked)

    monkeypatch.setattr("validation.convert.tflite.converter_of", whole)
    assert light.read_bytes() == _convert(graphs, name, tmp_path / "whole.tflite").read_bytes()
