"""The fake-quant model of a float model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_runs import image_runs
from PIL import Image

from validation.calibration.images import CalibrationImages
from validation.errors import ConfigError, UsageError
from validation.inference.model_file import open_tflite
from validation.policy.load import load_policy
from validation.preprocess.feed import FeedWay
from validation.preprocess.image import ImageFile, load_rgb
from validation.record.run import Step
from validation.runtimes.tflite import TfliteRuntime
from validation.workspace.model_build import EVALUATION, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.zoo.entry import CatalogueEntry, FolderSource


@pytest.fixture(scope="module")
def archive(small_zoo: Path) -> Path:
    """A small float model, not to be changed."""
    return small_zoo / "small"


@pytest.fixture
def chosen(tmp_path: Path) -> CalibrationImages:
    """Three pictures of blocks of colour."""
    draw = np.random.default_rng(0)
    images = []
    for number in range(3):
        pixels = np.kron(draw.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        images.append(ImageFile(path.name, path))
    return CalibrationImages(
        tuple(images), 4, "three pictures", load_policy().setting("calibration_min_span")
    )


def _chain(
    folder: Path, cache: Path, steps: list[Step], chosen: CalibrationImages | None
) -> ModelBuild:
    entry = CatalogueEntry("small", "zoo", FolderSource(folder))
    work = ProductCache(cache / "work", steps.append)
    return ModelBuild(
        entry,
        work,
        cache_dir=cache,
        offline=True,
        representative=chosen,
        on_step=steps.append,
    )


def test_float_model_becomes_uint8(
    archive: Path, chosen: CalibrationImages, tmp_path: Path
) -> None:
    """Ranges are measured, the model is exported and converted, and its graph can be checked."""
    steps: list[Step] = []
    build = _chain(archive, tmp_path / "cache", steps, chosen)
    with TfliteRuntime(build.tflite("uint8-raw")) as runtime:
        assert [spec.dtype for spec in (*runtime.inputs, *runtime.outputs)] == ["uint8"] * 3
    # One answer to what is fed: the suites and `evaluate` give the file the same bytes.
    found = ModelInference(build, image_runs(chosen.images, build.work, steps.append)).candidate(
        "uint8-raw"
    )
    export = build.exported(EVALUATION, add_postprocessing_op=False).graph.parent
    model = open_tflite(build.tflite("uint8-raw"), export=export)
    assert model.feeding.way is FeedWay.BYTES
    for image in chosen.images:
        assert model.detector().detect(load_rgb(image.path)) == found[image.key]
    assert any(step.step == "fakequant on 3 images" for step in steps)
    facts = build.fake_quant_facts()
    assert facts.ranges
    # The float variants are still made from the model itself.
    with TfliteRuntime(build.tflite("raw")) as runtime:
        assert runtime.inputs[0].dtype == "float32"


def test_ranges_need_images(archive: Path, tmp_path: Path) -> None:
    """Without any the message says how to give them."""
    build = _chain(archive, tmp_path / "cache", [], None)
    for variant in ("uint8", "int8"):
        with pytest.raises(
            UsageError, match=r"need representative images.*--representative-images"
        ):
            build.tflite(variant)


def test_uint8_needs_the_config(archive: Path, chosen: CalibrationImages, tmp_path: Path) -> None:
    """A frozen graph alone can become int8, and the message says so."""
    folder = tmp_path / "bare"
    folder.mkdir()
    name = "frozen_inference_graph.pb"
    (folder / name).write_bytes((archive / name).read_bytes())
    with pytest.raises(ConfigError, match=r"by its pipeline.config.*int8 needs none"):
        _chain(folder, tmp_path / "cache", [], chosen).tflite("uint8")
