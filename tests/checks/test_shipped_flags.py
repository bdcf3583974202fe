"""A shipped tflite_graph.pb is judged with its own flags; those of its evaluation are priced."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import faults_in_archives as put
import pytest
from image_runs import image_runs
from zoo_archives import entries_at

from validation.checks.accuracy import accuracy
from validation.checks.end_to_end_parity import end_to_end_parity
from validation.checks.evidence import evidence
from validation.coco.dataset import load_dataset
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.types import Accuracy, CheckResult, ModelKey
from validation.tflite.facts import read_tflite
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import EVALUATION, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.zoo.bundled_files import BUNDLED_FOLDER, labelled_scenes

_MODEL = "ssd_mobilenet_v1_quantized"
_OP = "TFLite_Detection_PostProcess"


def _flags(**values: int | bool) -> put.Change:
    def set_values(node: Any) -> None:
        for name, value in values.items():
            if isinstance(value, bool):
                node.attr[name].b = value
            else:
                node.attr[name].i = value

    return put.attribute(_OP, set_values, put.SHIPPED)


def _context(zoo: Path, cache: Path) -> CheckContext:
    (entry,) = entries_at(zoo)
    work = ProductCache(cache / "work", lambda _: None)
    build = ModelBuild(entry, work, cache_dir=cache, offline=True, on_step=lambda _: None)
    dataset = load_dataset(*labelled_scenes())
    images = image_runs(image_files(dataset, ()), work, lambda _: None)
    key = ModelKey(entry.name, "uint8")
    return CheckContext(
        key, build, ModelInference(build, images), load_policy(), dataset, (), (key,)
    )


def _unpacked(zoo: Path) -> Path:
    with tarfile.open(BUNDLED_FOLDER / f"{_MODEL}.tar.gz") as archive:
        archive.extractall(zoo, filter="data")
    return zoo / _MODEL


@pytest.fixture(scope="module")
def one_detection(tmp_path_factory: pytest.TempPathFactory) -> CheckContext:
    """A graph that ships with one detection and fast suppression."""
    folder = tmp_path_factory.mktemp("shipped")
    _flags(max_detections=1, use_regular_nms=False)(_unpacked(folder / "zoo"))
    return _context(folder / "zoo", folder / "cache")


def _result(entries: list[Any]) -> CheckResult:
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return result


def test_the_judged_file_has_the_flags_that_ship(one_detection: CheckContext) -> None:
    """As `convert` makes it of the archive's tflite_graph.pb."""
    context = one_detection
    assert context.has_shipped_flags
    file = read_tflite(context.subject.path)
    assert file.postprocess is not None
    assert (file.postprocess.max_detections, file.postprocess.use_regular_nms) == (1, False)
    assert context.subject.postprocess == file.postprocess
    assert max(map(len, context.subject.detections().values())) == 1


def test_what_the_flags_cost_decides(one_detection: CheckContext) -> None:
    """AP falls beyond its limit, and the diagnosis has it with the flags undone."""
    entries = accuracy(one_detection)
    assert _result(entries).status is Status.FAIL
    (diagnosis,) = [each for each in entries if isinstance(each, Diagnosis)]
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.DETECTIONS, Place.SHIPPED_GRAPH)
    assert (diagnosis.expected, diagnosis.got, diagnosis.ties) == (100, 1, (FaultKind.NMS,))
    assert diagnosis.before is not None
    assert diagnosis.after is not None
    assert diagnosis.after - diagnosis.before > 0.1
    subjects = [each.subject for each in entries if isinstance(each, Accuracy)]
    assert "not as shipped" in subjects[-1]


def test_body_and_suppression_are_compared_without_the_flags(one_detection: CheckContext) -> None:
    """The reference has a hundred detections: fewer slots are no disagreement."""
    assert _result(end_to_end_parity(one_detection)).status is Status.PASS


def test_evidence_names_the_flags(one_detection: CheckContext) -> None:
    """A verdict on such a file is WARN at best."""
    result = _result(evidence(one_detection))
    values = {measure.name: measure for measure in result.measures}
    assert values["flags_changed"].status is Status.WARN
    assert "max_detections 1 instead of 100" in result.message
    assert "use_regular_nms False instead of True" in result.message


def test_flags_of_the_evaluation_are_no_second_file(tmp_path: Path) -> None:
    """Bundled archives ship what they are evaluated with."""
    _unpacked(tmp_path / "zoo")
    build = _context(tmp_path / "zoo", tmp_path / "cache").build
    assert build.options == EVALUATION
