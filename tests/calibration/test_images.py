"""Representative images: the same draw for a seed, prepared as the model is fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.calibration.feeding import calibration_of
from validation.calibration.images import draw, drawn_from_folder, drawn_from_labelled
from validation.errors import DatasetError
from validation.policy.load import load_policy
from validation.preprocess.image import ImageFile, images_in
from validation.preprocess.prepare import prepare
from validation.specs.contracts import Preprocessing

PREPROCESSING = Preprocessing(4, 6, (2 / 255,) * 3, (1.0,) * 3)


def _images(count: int) -> list[ImageFile]:
    return [ImageFile(f"{number:03d}", Path(f"{number}.jpg")) for number in range(count)]


def _save(folder: Path, name: str, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return pixels


@given(st.integers(1, 30), st.data())
@settings(max_examples=40, deadline=None)
def test_draw_is_repeatable_and_fair(total: int, data: st.DataObject) -> None:
    """As many as asked for, none twice, the same whatever order they come in."""
    count, seed = data.draw(st.integers(1, total)), data.draw(st.integers(0, 99))
    images = _images(total)
    drawn = draw(images, count, seed)
    assert len(set(drawn)) == count
    assert list(drawn) == sorted(drawn, key=lambda image: image.key)
    assert draw(data.draw(st.permutations(images)), count, seed) == drawn


def test_another_seed_draws_others() -> None:
    """Else it were no seed."""
    assert draw(_images(50), 5, 1) != draw(_images(50), 5, 2)


@pytest.mark.parametrize(("total", "count"), [(0, 0), (0, 1), (3, 4), (3, 0)])
def test_fewer_than_asked_for(total: int, count: int) -> None:
    """Both numbers are named."""
    with pytest.raises(
        DatasetError, match=rf"too few .*expected {max(count, 1)} or more, got {total}; give more"
    ):
        draw(_images(total), count, 1)


def test_folder_is_read_by_its_image_files(tmp_path: Path) -> None:
    """By name; what is no image, and folders, are left alone."""
    for name in ("b.PNG", "a.jpg"):
        _save(tmp_path, name, 1)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "more").mkdir()
    assert [image.key for image in images_in(tmp_path)] == ["a.jpg", "b.PNG"]
    with pytest.raises(DatasetError, match=r"no folder of images \(.*none\)"):
        images_in(tmp_path / "none")


def test_folder_gives_as_many_as_the_policy_asks(tmp_path: Path) -> None:
    """All of a small one; an empty one is refused."""
    policy = load_policy()
    with pytest.raises(DatasetError, match=r"too few representative images: .*got 0"):
        drawn_from_folder(tmp_path, policy)
    wanted = int(policy.setting("calibration_images"))
    for number in range(wanted + 3):
        (tmp_path / f"{number}.jpg").touch()
        if number == 1:
            assert len(drawn_from_folder(tmp_path, policy).images) == 2
    assert len(drawn_from_folder(tmp_path, policy).images) == wanted


def test_feeds_are_prepared_as_the_model_is_fed(tmp_path: Path) -> None:
    """The detector's own preparation; a second pass gives the same."""
    pixels = [_save(tmp_path, f"{seed}.png", seed) for seed in (1, 2)]
    calibration = calibration_of(drawn_from_folder(tmp_path, load_policy()), PREPROCESSING)
    assert (calibration.count, calibration.wanted) == (2, (-1.0, 1.0))
    assert calibration.min_span == load_policy().setting("calibration_min_span")
    for _ in range(2):
        for feed, image in zip(calibration.feeds(), pixels, strict=True):
            np.testing.assert_array_equal(feed, prepare(image, PREPROCESSING))


def test_folder_is_the_source_unless_it_has_a_name_of_its_own(tmp_path: Path) -> None:
    """The seed is the policy's."""
    (tmp_path / "a.jpg").touch()
    chosen = drawn_from_folder(tmp_path, load_policy())
    assert [image.key for image in chosen.images] == ["a.jpg"]
    assert chosen.source == f"folder {tmp_path.name}"
    assert chosen.seed == load_policy().setting("calibration_seed")
    named = drawn_from_folder(tmp_path, load_policy(), "scenes of their own")
    assert (named.images, named.source) == (chosen.images, "scenes of their own")


@pytest.mark.parametrize(("count", "drawn"), [(0, 0), (3, 0), (4, 1), (80, 20), (1000, 60)])
def test_a_share_of_labelled_images_is_drawn(count: int, drawn: int) -> None:
    """Most stay to be scored; where none can be spared there is nothing to calibrate with."""
    chosen = drawn_from_labelled(_images(count), load_policy(), "coco-tiny")
    assert (0 if chosen is None else len(chosen.images)) == drawn
    if chosen is not None:
        assert chosen.source == "coco-tiny, set apart from those that are scored"


def test_images_that_viewers_turn_are_counted(tmp_path: Path) -> None:
    """They are calibrated with as they are stored, and it is said."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, kept in (("a.jpg", exif), ("b.jpg", Image.Exif())):
        Image.new("RGB", (8, 4)).save(tmp_path / name, exif=kept)
    chosen = drawn_from_folder(tmp_path, load_policy(), "photos")
    assert chosen.describe() == "2 of photos, 1 of them as stored, although EXIF turns them"
    turned = [ImageFile(image.key, image.path, turned=True) for image in chosen.images]
    chosen = drawn_from_labelled(turned * 2, load_policy(), "photos")
    assert chosen is not None
    assert chosen.as_stored == 0
