"""The images that calibrate a quantisation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from validation.coco.dataset import load_dataset
from validation.errors import DatasetError
from validation.policy.load import load_policy
from validation.workspace.representative import representative

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles


def test_own_folder_goes_before_the_labelled_images(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """Its name is the source; the seed is the policy's."""
    dataset = load_dataset(miniature.annotations, miniature.images)
    (tmp_path / "a.jpg").write_bytes(b"")
    chosen = representative(tmp_path, dataset, load_policy())
    assert chosen is not None
    assert [image.key for image in chosen.images] == ["a.jpg"]
    assert chosen.source == f"folder {tmp_path.name}"
    assert chosen.seed == load_policy().setting("calibration_seed")
    named = representative(tmp_path, dataset, load_policy(), "scenes of their own")
    assert named is not None
    assert (named.images, named.source) == (chosen.images, "scenes of their own")


def test_labelled_images_serve_and_are_named_as_such(miniature: MiniatureFiles) -> None:
    """Calibrating on what is judged flatters, so the record says it."""
    dataset = load_dataset(miniature.annotations, miniature.images)
    chosen = representative(None, dataset, load_policy())
    assert chosen is not None
    assert {image.path for image in chosen.images} == {image.path for image in dataset.images}
    assert "the very images that accuracy is measured on" in chosen.source


def test_without_images_there_is_nothing_to_calibrate_with(tmp_path: Path) -> None:
    """None where none were given; an empty folder is a mistake."""
    assert representative(None, None, load_policy()) is None
    with pytest.raises(DatasetError, match="too few representative images"):
        representative(tmp_path, None, load_policy())
