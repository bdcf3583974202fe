"""The main path on a real model and real images: the figures that others measured.

Needs 80 labelled COCO images, which are not part of the repository, and fetches the
person detector on first use.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from image_runs import image_runs

from validation.checks.accuracy import accuracy
from validation.cli import main
from validation.coco.dataset import load_dataset
from validation.comparison.detections import compare_detections
from validation.comparison.matching import box_iou
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.run import Step
from validation.record.types import Accuracy, CheckResult, ModelKey
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import FAST_NMS, GUIDE_DEFAULT, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.zoo.cache import default_cache_dir
from validation.zoo.canaries import load_canaries
from validation.zoo.catalogue import load_catalogue

_ROOT = Path(__file__).parents[2]
_IMAGES = Path(os.environ.get("VALIDATION_COCO_TINY", _ROOT.parent / "shared" / "coco-tiny"))
_MEASURED = json.loads((_ROOT / "tests" / "data" / "person_coco_tiny.json").read_text())

pytestmark = pytest.mark.skipif(
    not _IMAGES.is_dir(),
    reason=f"no labelled images at {_IMAGES.name}: set VALIDATION_COCO_TINY to their folder",
)


@pytest.fixture(scope="module")
def person() -> Iterator[CheckContext]:
    """The float variant of the person detector on the labelled images."""
    steps: list[Step] = []
    dataset = load_dataset(_IMAGES / "annotations" / "instances_val2017.json", _IMAGES / "val2017")
    (entry,) = load_catalogue().select("person")
    cache = default_cache_dir()
    build = ModelBuild(
        entry,
        ProductCache(cache / "work", steps.append),
        cache_dir=cache,
        offline=False,
        on_step=steps.append,
    )
    canaries = load_canaries()
    inference = ModelInference(
        build, image_runs(image_files(dataset, canaries), build.work, steps.append)
    )
    yield CheckContext(
        ModelKey(entry.name, "float"),
        build,
        inference,
        load_policy(),
        dataset,
        canaries,
        (ModelKey(entry.name, "float"), ModelKey(entry.name, "raw")),
    )


@pytest.fixture(scope="module")
def scored(person: CheckContext) -> dict[str, Accuracy]:
    """Every accuracy of the float variant, by what ran."""
    return {entry.subject: entry for entry in accuracy(person) if isinstance(entry, Accuracy)}


def test_reference_has_the_published_accuracy(scored: dict[str, Accuracy]) -> None:
    """The frozen graph in TensorFlow scores what others measured, to their three digits."""
    figures = scored["inference graph in TensorFlow"].figures
    assert figures.ap == pytest.approx(_MEASURED["reference"]["ap"], abs=5e-4)
    assert figures.ap50 == pytest.approx(_MEASURED["reference"]["ap50"], abs=5e-4)


def test_tflite_keeps_the_accuracy(scored: dict[str, Accuracy], person: CheckContext) -> None:
    """The float file is within 0.001 AP of its reference, by its own check.

    COCO's other 79 categories are no concern of a person detector, and nothing is worth a warning.
    """
    reference = scored["inference graph in TensorFlow"].figures
    assert scored["float .tflite"].figures.ap == pytest.approx(reference.ap, abs=1e-3)
    (result,) = [entry for entry in accuracy(person) if isinstance(entry, CheckResult)]
    warned = {each.name: each.value for each in result.measures if each.status is not Status.PASS}
    assert warned == {}
    assert result.status is Status.PASS


@pytest.mark.parametrize(
    ("subject", "measured"),
    [
        ("float .tflite, fast NMS", "fast_nms"),
        ("float .tflite, the guide's defaults (fast NMS, 10 detections)", "ten_detections"),
    ],
)
def test_other_flags_cost_what_was_measured(
    scored: dict[str, Accuracy], subject: str, measured: str
) -> None:
    """Fast NMS is free with one class; ten detections are not."""
    figures = scored[subject].figures
    assert figures.ap == pytest.approx(_MEASURED[measured]["ap"], abs=2e-3)
    assert figures.ap50 == pytest.approx(_MEASURED[measured]["ap50"], abs=2e-3)


def test_other_flags_are_in_the_files(person: CheckContext) -> None:
    """What was scored under other flags is another file, with these flags in it."""
    attributes = [
        person.build.exported(options).contract.postprocess for options in (FAST_NMS, GUIDE_DEFAULT)
    ]
    assert [each.use_regular_nms for each in attributes] == [False, False]
    assert [each.max_detections for each in attributes] == [100, 10]


@pytest.mark.parametrize("variant", ["float", "raw"])
def test_every_detection_is_found_again(person: CheckContext, variant: str) -> None:
    """All 128 detections from 0.3 on: same class, IoU from 0.999, score within 1e-4."""
    assert person.dataset is not None
    keys = [str(image.id) for image in person.dataset.images]
    reference, candidate = person.inference.reference(), person.inference.candidate(variant)
    result = compare_detections(
        {key: reference[key] for key in keys},
        {key: candidate[key] for key in keys},
        policy=person.policy,
        key=ModelKey(person.key.model, variant),
        min_score=0.3,
        score_epsilon=1e-3,
        min_iou=0.5,
    )
    values = {measure.name: measure.value for measure in result.measures}
    assert values["compared_detections"] == _MEASURED["detections_from_score_0.3"]
    assert values["unmatched_detections"] == 0
    assert values["worst_iou"] >= 0.999
    assert values["worst_score_shift"] <= 1e-4


def test_evaluate_prints_the_accuracy(
    person: CheckContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says of the file alone what the suites say of the model."""
    tflite = person.build.tflite("float")
    annotations = _IMAGES / "annotations" / "instances_val2017.json"
    flags = [f"--coco-annotations={annotations}", f"--coco-images={_IMAGES / 'val2017'}"]
    assert main(["evaluate", str(tflite), *flags]) == 0
    assert "\n  AP        0.195 " in capsys.readouterr().out


def test_detect_finds_the_person_on_photographs(
    person: CheckContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One person on each of the photographs, where the canaries say."""
    photographs = [str(canary.path) for canary in person.canaries]
    tflite = str(person.build.tflite("float"))
    flags = ["--json", f"--output_directory={tmp_path}"]
    assert main(["detect", tflite, *photographs, *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == len(person.canaries) > 0
    for entry, canary in zip(told, person.canaries, strict=True):
        (found,) = entry["detections"]
        box = np.array([list(found["box"].values())])
        assert found["class_id"] == 1
        assert box_iou(box, np.array([canary.box]))[0, 0] > 0.5
    assert len(list(tmp_path.iterdir())) == len(told)
