"""What the reference and the files say about images, each run once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_runs import image_runs
from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.errors import DatasetError
from validation.preprocess.image import ImageFile
from validation.record.run import Step
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.workspace.model_build import FAST_NMS
from validation.workspace.model_inference import ModelInference


def test_reference_sees_every_image_and_is_cached(miniature: MiniatureFiles) -> None:
    """The fixed point of a run: computed once, then read from the cache."""
    steps: list[Step] = []
    inference = make_case(miniature, steps=steps).inference
    found = inference.reference()
    assert list(found) == [image.key for image in inference.runs.images]
    assert any(len(each) for each in found.values())
    assert [(step.step, step.cached) for step in steps] == [
        ("fetch", False),
        ("reference on 10 images", True),
    ]


def test_reference_depends_on_the_images(miniature: MiniatureFiles) -> None:
    """Other images are another product: nothing stale is ever compared."""
    steps: list[Step] = []
    inference = make_case(miniature, labelled=False, steps=steps).inference
    assert len(inference.reference()) == 4
    assert [step.step for step in steps if step.step.startswith("reference")] == [
        "reference on 4 images"
    ]


@pytest.mark.parametrize("variant", ["float", "raw"])
def test_candidate_finds_what_the_reference_finds(miniature: MiniatureFiles, variant: str) -> None:
    """Image by image the clean miniature has the same clear detections."""
    inference = make_case(miniature).inference
    reference, candidate = inference.reference(), inference.candidate(variant)
    assert list(candidate) == list(reference)
    for key, found in reference.items():
        clear = sum(score > 0.4 for score in found.scores)
        np.testing.assert_allclose(
            candidate[key].scores[:clear], found.scores[:clear], rtol=0, atol=1e-4
        )


def test_candidate_runs_once_a_session(miniature: MiniatureFiles) -> None:
    """Every check reads the same run; other flags are another file and another run."""
    steps: list[Step] = []
    inference = make_case(miniature, steps=steps).inference
    first = inference.candidate("float")
    assert inference.candidate("float") is first
    assert inference.candidate("float", FAST_NMS) is not first
    told = [step for step in steps if step.step.startswith("run float")]
    assert [step.cached for step in told] == [False, False]
    assert inference.seconds("float") > 0


def test_raw_outputs_are_run_once_a_session(miniature: MiniatureFiles) -> None:
    """Checks share them; those of more images are another run."""
    steps: list[Step] = []
    inference = make_case(miniature, steps=steps).inference
    first = inference.raw_outputs("raw", 2)
    for name, array in inference.raw_outputs("raw", 2).items():
        np.testing.assert_array_equal(first[name], array)
    inference.raw_outputs("raw", 3)
    assert [step.step for step in steps if step.step.startswith("raw outputs")] == [
        "raw outputs of raw on 2 images",
        "raw outputs of raw on 3 images",
    ]


def test_raw_outputs_of_both_sides_have_one_shape(miniature: MiniatureFiles) -> None:
    """Stacked over the images that were asked for, by the exporter's names."""
    inference = make_case(miniature).inference
    session = inference.session_raw_outputs(8)
    file = inference.raw_outputs("raw", 8)
    anchors = inference.build.exported().contract.num_anchors
    assert session[BOX_ENCODINGS_NAME].shape == (8, 1, anchors, 4)
    assert session[CLASS_PREDICTIONS_NAME].shape == (8, 1, anchors, 3)
    for name, array in session.items():
        np.testing.assert_allclose(file[name], array, rtol=0, atol=1e-4)


def test_feeds_are_normalised(miniature: MiniatureFiles) -> None:
    """Input tensors as the graph's own preprocessing makes them."""
    feeds = make_case(miniature).inference.feeds(2)
    assert feeds.shape == (2, 1, 48, 64, 3)
    assert feeds.dtype == np.float32
    assert -1 <= feeds.min() < 0 < feeds.max() <= 1


def test_timed_call_is_one_inference(miniature: MiniatureFiles) -> None:
    """The call returns outputs, and everything else happened before it."""
    call = make_case(miniature).inference.timed_call("raw", 1)
    out = call()
    assert isinstance(out, dict)
    assert set(out) == {BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME}


def test_image_that_cannot_be_read(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """A broken image is an error with its name, never an image less."""
    context = make_case(miniature)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    images = (*context.images, ImageFile("broken", tmp_path / "broken.jpg"))
    inference = ModelInference(context.build, image_runs(images, context.work, lambda _: None))
    with pytest.raises(DatasetError, match=r"broken\.jpg"):
        inference.candidate("float")
    assert context.key.model == MODEL
