"""Faults planted into one file of a bundled archive: each is named with its file and its value."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faults_in_archives as put
import numpy as np
import pytest
from route_faults import FAULTS, Fault, grown
from zoo_archives import entries_at

from validation.policy.load import load_policy
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis, next_step
from validation.workspace.model_build import ModelBuild
from validation.workspace.products import ProductCache
from validation.workspace.routes import RouteFindings, Unconfirmed
from validation.zoo.bundled_files import BUNDLED_FOLDER

_FLOAT, _QUANTISED = "ssd_mobilenet_v1", "ssd_mobilenet_v1_quantized"
_MODELS = sorted(path.name.removesuffix(".tar.gz") for path in BUNDLED_FOLDER.glob("*.tar.gz"))
_AVERAGE = "/ExponentialMovingAverage"


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


def test_a_connection_that_is_lost_is_named_by_the_layer_that_lacks_it(
    unpacked: Callable[[str], Path], cache: Path, tmp_path: Path
) -> None:
    """A residual sum that passes one of its inputs: every layer and every weight is the same."""
    from validation.faults.graph_edits import rewrite_graph

    folder = _copy(unpacked("ssd_mobilenet_v2"), tmp_path)

    def lose(graph: Any) -> None:
        node = next(each for each in graph.node if each.name.endswith("expanded_conv_8/add"))
        kept = node.input[0]
        node.ClearField("input")
        node.input.append(kept)
        node.op = "Identity"

    rewrite_graph(folder / put.FROZEN, lose)
    first, *_ = _findings(folder, cache).diagnoses
    assert (first.fault, first.place) == (FaultKind.OPERATOR_ATTRIBUTE, Place.GRAPH)
    assert first.where.startswith("inputs of FeatureExtractor/MobilenetV2/expanded_conv_9/")


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
    assert found.missing == (Unconfirmed.NO_CHECKPOINT,)


@pytest.mark.parametrize(
    ("kept", "missing"),
    [
        ((put.FROZEN,), (Unconfirmed.NO_CONFIG, Unconfirmed.NO_CHECKPOINT)),
        ((put.SHIPPED,), (Unconfirmed.NO_CONFIG, Unconfirmed.NO_CHECKPOINT)),
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
    put.constant("anchors", lambda value: grown(value, 2))(folder)
    found = _findings(folder, cache)
    assert found.missing == (Unconfirmed.NO_CONFIG,)
    (diagnosis,) = found.diagnoses
    # Two files, the .meta and saved_model/, say otherwise.
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.ANCHORS, Place.GRAPH)
    assert isinstance(diagnosis, Diagnosis)
