"""The models that ship: as good as their training says, on scenes that see faults."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.coco.dataset import Dataset, load_dataset
from validation.coco.evaluate import evaluate
from validation.export.graph_io import read_graph
from validation.inference.graph import GraphDetector
from validation.preprocess.image import load_rgb
from validation.record.detections import Detections
from validation.runtimes.session import SessionRuntime
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.zoo.archives import Archive, obtain
from validation.zoo.bundled_files import BUNDLED_FOLDER, BUNDLED_GROUP, labelled_scenes
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import CatalogueEntry

_MODELS = load_catalogue().select(BUNDLED_GROUP)
_LEAST_AP, _LEAST_BEST_AP = 0.45, 0.60
_LARGEST_ARCHIVE, _ALL_ARCHIVES = 6_000_000, 30_000_000
_SEEN = 0.1

Found = Mapping[int, Detections]
Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    """The labelled scenes that the figures beside the archives were measured on."""
    return load_dataset(*labelled_scenes(), max_images=220)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where archives are unpacked."""
    return tmp_path_factory.mktemp("cache")


def _by_name(name: str) -> CatalogueEntry:
    (entry,) = [each for each in _MODELS if each.name == name]
    return entry


def _training(name: str) -> dict[str, object]:
    facts: dict[str, object] = json.loads((BUNDLED_FOLDER / f"{name}.training.json").read_text())
    return facts


@functools.cache
def _image(path: Path) -> Image:
    """A scene, which every model sees; decoded once."""
    image = load_rgb(path)
    image.setflags(write=False)
    return image


def _found(
    archive: Archive, scenes: Dataset, view: Callable[[Image], Image] = lambda image: image
) -> Found:
    """Detections of the archive's own inference graph."""
    assert archive.frozen_graph is not None
    with SessionRuntime(read_graph(archive.frozen_graph), DETECTION_OUTPUTS) as runtime:
        detector = GraphDetector(runtime)
        return {
            image.id: detector.detect(np.ascontiguousarray(view(_image(image.path))))
            for image in scenes.images
        }


@pytest.fixture(scope="module")
def clean(scenes: Dataset, cache: Path) -> Callable[[str], tuple[Found, float]]:
    """What a model's own graph finds on the scenes, and its average precision; once a model."""

    @functools.cache
    def run(name: str) -> tuple[Found, float]:
        found = _found(obtain(_by_name(name), cache, offline=True), scenes)
        return found, _ap(scenes, found)

    return run


def _ap(scenes: Dataset, found: Found) -> float:
    return evaluate(scenes, found, category_ids=scenes.categories.keys()).figures.ap


def _each(found: Found, change: Callable[[Detections], Detections]) -> Found:
    return {key: change(value) for key, value in found.items()}


def test_every_kind_of_model_is_there() -> None:
    """Both box predictors, three generations of MobileNet, Inception, a pyramid, 8 bits."""
    assert {each.name for each in _MODELS} == {
        "ssd_mobilenet_v1",
        "ssd_mobilenet_v1_quantized",
        "ssd_mobilenet_v1_ppn",
        "ssd_mobilenet_v1_fpn",
        "ssd_mobilenet_v2",
        "ssdlite_mobilenet_v2",
        "ssdlite_mobilenet_v3_small",
        "ssd_inception_v2",
    }


def test_archives_are_small() -> None:
    """A checkout stays light."""
    sizes = {each.name: each.digest.size_bytes for each in _MODELS if each.digest is not None}
    assert len(sizes) == len(_MODELS)
    assert max(sizes.values()) <= _LARGEST_ARCHIVE
    assert sum(sizes.values()) <= _ALL_ARCHIVES


@pytest.mark.parametrize("name", [each.name for each in _MODELS])
def test_training_is_that_of_the_archive(name: str) -> None:
    """What stands beside an archive tells of this archive, and that it is good enough."""
    facts = _training(name)
    digest = _by_name(name).digest
    assert digest is not None
    assert facts["sha256"] == digest.sha256
    assert facts["accuracy"]["ap"] >= _LEAST_AP  # type: ignore[index]


def test_the_best_is_good() -> None:
    """One model at least leaves room to fall."""
    assert max(_training(each.name)["accuracy"]["ap"] for each in _MODELS) >= _LEAST_BEST_AP  # type: ignore[index]


@pytest.mark.parametrize("name", [each.name for each in _MODELS if not each.quantised])
def test_inference_graph_is_as_good_as_its_training_says(
    name: str, clean: Callable[[str], tuple[Found, float]]
) -> None:
    """The archive's own graph on the very scenes; other machines sum in another order."""
    _, ap = clean(name)
    assert ap == pytest.approx(_training(name)["accuracy"]["ap"], abs=0.002)  # type: ignore[index]


def test_faults_that_only_labels_can_see(
    scenes: Dataset, cache: Path, clean: Callable[[str], tuple[Found, float]]
) -> None:
    """Two runs with the same fault agree; average precision falls by more than a tenth."""
    archive = obtain(_by_name("ssd_mobilenet_v1"), cache, offline=True)
    found, ap = clean("ssd_mobilenet_v1")
    faulty = {
        "BGR for RGB": _found(archive, scenes, lambda image: image[..., ::-1]),
        "rows for columns in the image": _found(
            archive, scenes, lambda image: image.swapaxes(0, 1)
        ),
        "rows for columns in the boxes": _each(
            found,
            lambda one: dataclasses.replace(one, boxes=one.boxes[:, [1, 0, 3, 2]]),
        ),
        # The last class becomes the first: one that is none would be refused by name.
        "classes counted from another start": _each(
            found,
            lambda one: dataclasses.replace(one, classes=one.classes % len(scenes.categories) + 1),
        ),
    }
    lost = {what: ap - _ap(scenes, wrong) for what, wrong in faulty.items()}
    assert all(drop > _SEEN for drop in lost.values()), lost
