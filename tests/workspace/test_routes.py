"""Faults planted into one file of a bundled archive: each is named with its file and its value."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import faults_in_archives as put
import numpy as np
import pytest
from zoo_archives import entries_at

from validation.policy.load import load_policy
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis, next_step
from validation.workspace.model_build import ModelBuild
from validation.workspace.products import ProductCache
from validation.workspace.routes import NO_CHECKPOINT, NO_CONFIG, RouteFindings
from validation.zoo.bundled_files import BUNDLED_FOLDER

_FLOAT, _QUANTISED = "ssd_mobilenet_v1", "ssd_mobilenet_v1_quantized"
_MODELS = sorted(path.name.removesuffix(".tar.gz") for path in BUNDLED_FOLDER.glob("*.tar.gz"))
_FIRST = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
_AVERAGE = "/ExponentialMovingAverage"
_RANGE = "Conv2d_0/act_quant/max"


class Fault(NamedTuple):
    """A fault, and what is to be said of it.

    Args:
        name: For the test's id.
        change: Plants it.
        fault: Its kind.
        place: The file that it lies in.
        said: In words.
        model: That it is planted in.
    """

    name: str
    change: put.Change
    fault: FaultKind
    place: Place
    said: str
    model: str = _FLOAT


def _set(name: str, kind: str, value: object) -> Callable[[object], None]:
    return lambda node: setattr(node.attr[name], kind, value)  # type: ignore[attr-defined]


FAULTS = (
    Fault(
        "epsilon of the config",
        put.config("epsilon: 0.001", "epsilon: 0.1"),
        FaultKind.EPSILON,
        Place.CONFIG,
        "batch norm has another epsilon: 0.1 instead of 0.001 (FeatureExtractor/",
    ),
    Fault(
        "epsilon of one node",
        put.attribute("FusedBatchNormV3", _set("epsilon", "f", 0.1)),
        FaultKind.EPSILON,
        Place.GRAPH,
        "0.1 instead of 0.001 (FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm)",
    ),
    Fault(
        "activation of the config",
        put.config("activation: RELU_6", "activation: RELU"),
        FaultKind.ACTIVATION,
        Place.CONFIG,
        "an activation is another one: Relu instead of Relu6 (FeatureExtractor/",
    ),
    Fault(
        "padding of one node",
        put.attribute(
            "DepthwiseConv2dNative",
            lambda node: node.attr["padding"].MergeFromString(b"\x12\x05VALID"),
        ),
        FaultKind.OPERATOR_ATTRIBUTE,
        Place.GRAPH,
        "padding of FeatureExtractor/MobilenetV1/Conv2d_1_depthwise/depthwise_weights VALID",
    ),
    Fault(
        "noise in the checkpoint",
        put.checkpoint("Conv2d_0/weights", put.noise),
        FaultKind.WEIGHTS,
        Place.CHECKPOINT,
        f"weights differ: {_FIRST} (432 of 432 values, by up to 0.0",
    ),
    Fault(
        "noise in the graph",
        put.constant("Conv2d_0/weights", put.noise),
        FaultKind.WEIGHTS,
        Place.GRAPH,
        f"weights differ: {_FIRST} (432 of 432 values",
    ),
    Fault(
        "channels of the graph",
        put.constant("Conv2d_0/weights", lambda value: value[:, :, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        Place.GRAPH,
        f"{_FIRST}, axis 2 reversed",
    ),
    Fault(
        "classes of the checkpoint",
        put.checkpoint(
            "BoxPredictor_0/ClassPredictor/biases",
            lambda value: value[[0, 2, 1, *range(3, len(value))]],
        ),
        FaultKind.WEIGHTS_PERMUTED,
        Place.CHECKPOINT,
        "axis 0 in another order: 1 from 2, 2 from 1",
    ),
    Fault(
        "factor in the checkpoint",
        put.checkpoint("Conv2d_1_pointwise/weights", lambda value: value * 2),
        FaultKind.WEIGHTS_FACTOR,
        Place.CHECKPOINT,
        "weights are multiplied by a factor: FeatureExtractor/MobilenetV1/Conv2d_1_pointwise/",
    ),
    Fault(
        "half precision in the graph",
        put.constant("Conv2d_1_pointwise/weights", lambda value: value.astype(np.float16)),
        FaultKind.WEIGHTS_ROUNDED,
        Place.GRAPH,
        "Conv2d_1_pointwise/weights to 16 bits",
    ),
    Fault(
        "anchor scale of the config",
        put.config("min_scale: 0.2", "min_scale: 0.1"),
        FaultKind.ANCHORS,
        Place.CONFIG,
        "anchors are others: 10x10 grid: ",
    ),
    Fault(
        "anchors of the graph",
        put.constant("MultipleGridAnchorGenerator/anchors", lambda value: _grown(value, 1.5)),
        FaultKind.ANCHORS,
        Place.GRAPH,
        "anchors are others: all sides times 1.5",
    ),
    Fault(
        "mean of the graph",
        put.constant("Preprocessor/sub/y", lambda value: value * 0),
        FaultKind.NORMALISATION,
        Place.GRAPH,
        "offset of pixels 0 instead of offset of pixels 1",
    ),
    Fault(
        "std of the graph",
        put.constant("Preprocessor/mul/x", lambda value: value / 2),
        FaultKind.NORMALISATION,
        Place.GRAPH,
        "scale of pixels 0.00392157 instead of scale of pixels 0.00784314",
    ),
    Fault(
        "align_corners of the graph",
        put.attribute("ResizeBilinear", _set("align_corners", "b", True)),
        FaultKind.RESIZE,
        Place.GRAPH,
        "align_corners True instead of align_corners False",
    ),
    Fault(
        "heads of the graph",
        put.first_inputs_swapped("ConcatV2"),
        FaultKind.CONCATENATION,
        Place.GRAPH,
        "BoxPredictor_1, BoxPredictor_0, BoxPredictor_2, BoxPredictor_3 instead of BoxPredictor_0",
    ),
    Fault(
        "averages that are not there",
        put.config("use_moving_averages: false", "use_moving_averages: true"),
        FaultKind.MOVING_AVERAGES,
        Place.CONFIG,
        "one side has the moving averages of the weights",
    ),
    Fault(
        "score threshold of the config",
        put.config("score_threshold: 1e-8", "score_threshold: 0.3"),
        FaultKind.SCORE_THRESHOLD,
        Place.CONFIG,
        "the score threshold is another one: 0.3 instead of 1.0e-08",
    ),
    Fault(
        "box scales of the config",
        put.config("y_scale: 10.0", "y_scale: 5.0"),
        FaultKind.BOX_SCALES,
        Place.CONFIG,
        "box scales are others: 5, 10, 5, 5 instead of 10, 10, 5, 5",
    ),
    Fault(
        "range of the shipped graph",
        put.constant(_RANGE, lambda value: value * 2, put.SHIPPED),
        FaultKind.FAKE_QUANT_RANGE,
        Place.SHIPPED_GRAPH,
        f"instead of 6 (FeatureExtractor/MobilenetV1/MobilenetV1/{_RANGE})",
        _QUANTISED,
    ),
    Fault(
        "range of the checkpoint",
        put.checkpoint(_RANGE, lambda value: value * 2),
        FaultKind.FAKE_QUANT_RANGE,
        Place.CHECKPOINT,
        f"instead of 6 (FeatureExtractor/MobilenetV1/MobilenetV1/{_RANGE})",
        _QUANTISED,
    ),
    Fault(
        "score threshold of the shipped graph",
        put.attribute(
            "TFLite_Detection_PostProcess", _set("nms_score_threshold", "f", 0.3), put.SHIPPED
        ),
        FaultKind.SCORE_THRESHOLD,
        Place.SHIPPED_GRAPH,
        "0.3 instead of 1.0e-08",
        _QUANTISED,
    ),
    Fault(
        "anchors of the shipped graph",
        put.constant("anchors", lambda value: value * [1, 1, 1.5, 1.5], put.SHIPPED),
        FaultKind.ANCHORS,
        Place.SHIPPED_GRAPH,
        "anchors are others: all sides times 1.5",
        _QUANTISED,
    ),
    Fault(
        "detections of the shipped graph",
        put.attribute("TFLite_Detection_PostProcess", _set("max_detections", "i", 10), put.SHIPPED),
        FaultKind.DETECTIONS,
        Place.SHIPPED_GRAPH,
        "another number of detections: 10 instead of 100",
        _QUANTISED,
    ),
    Fault(
        "suppression of the shipped graph",
        put.attribute(
            "TFLite_Detection_PostProcess", _set("use_regular_nms", "b", False), put.SHIPPED
        ),
        FaultKind.NMS,
        Place.SHIPPED_GRAPH,
        "use_regular_nms false instead of true",
        _QUANTISED,
    ),
)


def _grown(corners: put.Array, factor: float) -> put.Array:
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    half = (corners[:, 2:] - corners[:, :2]) / 2 * factor
    return np.concatenate([centres - half, centres + half], axis=1)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a bundled archive; not to be changed."""
    folder = tmp_path_factory.mktemp("unpacked")

    def unpack(model: str) -> Path:
        if not (folder / model).is_dir():
            with tarfile.open(BUNDLED_FOLDER / f"{model}.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        return folder / model

    return unpack


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of products: most faults leave the built graph as it is."""
    return tmp_path_factory.mktemp("cache")


def _findings(folder: Path, cache: Path) -> RouteFindings:
    (entry,) = [each for each in entries_at(folder.parent) if each.name == folder.name]
    work = ProductCache(cache / "work", lambda _: None)
    build = ModelBuild(entry, work, cache_dir=cache, offline=True, on_step=lambda _: None)
    return build.routes(load_policy().setting("route_rounding"))


def _copy(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder / "zoo" / source.name))


@pytest.mark.parametrize("model", _MODELS)
def test_clean_archives_have_no_difference(
    model: str, unpacked: Callable[[str], Path], cache: Path
) -> None:
    """Every file is read and compared, and nothing is missing."""
    found = _findings(unpacked(model), cache)
    assert found.diagnoses == ()
    assert (found.missing, found.unreadable, found.config_error) == ((), (), "")
    assert len(found.compared) >= 4


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named_with_its_place_and_value(
    fault: Fault, unpacked: Callable[[str], Path], cache: Path, tmp_path: Path
) -> None:
    """One entry, which says what, in which file, and from which value to which."""
    folder = _copy(unpacked(fault.model), tmp_path)
    fault.change(folder)
    (found,) = _findings(folder, cache).diagnoses
    words = describe_diagnosis(found)
    assert (found.fault, found.place) == (fault.fault, fault.place), words
    assert fault.said in words
    assert next_step(found)


def _with_averages(named: dict[str, put.Array]) -> dict[str, put.Array]:
    trained = [name for name in named if "moving_" not in name]
    return {**named, **{f"{name}{_AVERAGE}": put.noise(named[name]) for name in trained}}


def _averages_in_graph(folder: Path) -> None:
    """As an export with use_moving_averages leaves it."""
    from tensorflow.python.framework import tensor_util

    from validation.export.checkpoint import checkpoint_shapes, open_checkpoint
    from validation.export.graph_io import read_graph

    values = open_checkpoint(folder / put.CHECKPOINT)
    names = checkpoint_shapes(folder / put.CHECKPOINT)
    graph = read_graph(folder / put.FROZEN)
    for node in graph.node:
        if node.op == "Const" and f"{node.name}{_AVERAGE}" in names:
            value = np.asarray(values(f"{node.name}{_AVERAGE}"), np.float32)
            node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value))
    (folder / put.FROZEN).write_bytes(graph.SerializeToString(deterministic=True))


def test_a_graph_of_averages_beside_a_config_that_says_no(
    unpacked: Callable[[str], Path], cache: Path, tmp_path: Path
) -> None:
    """The weights are no fault: the graph's are the checkpoint's averages (C14)."""
    folder = _copy(unpacked(_FLOAT), tmp_path)
    shutil.rmtree(folder / "saved_model")
    put.in_checkpoint(_with_averages)(folder)
    _averages_in_graph(folder)
    (found,) = _findings(folder, cache).diagnoses
    assert found.fault is FaultKind.MOVING_AVERAGES
    assert (found.expected, found.got) == (True, False)
    put.config("use_moving_averages: false", "use_moving_averages: true")(folder)
    assert _findings(folder, cache).diagnoses == ()


def _only(folder: Path, *names: str) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_of_two_files_neither_is_blamed(
    unpacked: Callable[[str], Path], cache: Path, tmp_path: Path
) -> None:
    """A graph and a config alone: the archive has the fault, and both are named."""
    folder = _copy(unpacked(_FLOAT), tmp_path)
    _only(folder, put.FROZEN, "pipeline.config")
    put.config("epsilon: 0.001", "epsilon: 0.1")(folder)
    found = _findings(folder, cache)
    (diagnosis,) = found.diagnoses
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.EPSILON, Place.ARCHIVE)
    assert diagnosis.where.endswith(f"(pipeline.config against {put.FROZEN})")
    assert found.missing == (NO_CHECKPOINT,)


@pytest.mark.parametrize(
    ("kept", "missing"),
    [
        ((put.FROZEN,), (NO_CONFIG, NO_CHECKPOINT)),
        ((put.SHIPPED,), (NO_CONFIG, NO_CHECKPOINT)),
    ],
    ids=["graph", "shipped graph"],
)
def test_what_cannot_be_confirmed_is_named(
    kept: tuple[str, ...],
    missing: tuple[str, ...],
    unpacked: Callable[[str], Path],
    cache: Path,
    tmp_path: Path,
) -> None:
    """Of a lone file nothing is compared."""
    folder = _copy(unpacked(_FLOAT if put.FROZEN in kept else _QUANTISED), tmp_path)
    _only(folder, *kept)
    found = _findings(folder, cache)
    assert (found.compared, found.diagnoses, found.missing) == ((), (), missing)
    assert found.routes == 1


def test_a_meta_graph_stands_in_for_a_config(
    unpacked: Callable[[str], Path], cache: Path, tmp_path: Path
) -> None:
    """Anchors, thresholds and layers are compared with the .meta's."""
    folder = _copy(unpacked(_FLOAT), tmp_path)
    (folder / "pipeline.config").unlink()
    put.constant("anchors", lambda value: _grown(value, 2))(folder)
    found = _findings(folder, cache)
    assert found.missing == (NO_CONFIG,)
    (diagnosis,) = found.diagnoses
    # Two files, the .meta and saved_model/, say otherwise.
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.ANCHORS, Place.GRAPH)
    assert isinstance(diagnosis, Diagnosis)
