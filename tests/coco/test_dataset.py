"""A data set is loaded only when its images are there and as annotated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from validation.coco.dataset import load_dataset
from validation.errors import DatasetError, UsageError
from validation.record.run import DatasetFacts

Make = Callable[..., tuple[Path, Path]]


def test_images_come_by_id_and_without_objects_too(make_coco: Make) -> None:
    """Image 5 has no object and stays."""
    dataset = load_dataset(*make_coco())
    assert [image.id for image in dataset.images] == [3, 5, 7]
    assert dataset.annotations == 3


def test_max_images_takes_the_first_by_id(make_coco: Make) -> None:
    """Objects of the other images go with them."""
    dataset = load_dataset(*make_coco(), max_images=2)
    assert [image.id for image in dataset.images] == [3, 5]
    assert {item.image_id for item in dataset.ground_truth} == {3}
    assert dataset.annotations == 2


def test_more_images_than_there_are_is_all(make_coco: Make) -> None:
    """The option is an upper bound."""
    assert len(load_dataset(*make_coco(), max_images=100).images) == 3


@pytest.mark.parametrize("count", [0, -1])
def test_no_image_at_all_is_a_usage_error(make_coco: Make, count: int) -> None:
    """Zero images would evaluate nothing."""
    with pytest.raises(UsageError, match=f"no image would be evaluated.*at least 1, got {count}"):
        load_dataset(*make_coco(), max_images=count)


def test_facts_are_for_the_record(make_coco: Make) -> None:
    """Name, hash and counts; the name is the file's unless one is given."""
    path, folder = make_coco()
    dataset = load_dataset(path, folder)
    assert dataset.facts() == DatasetFacts("instances_tiny", dataset.sha256, 3, 3)
    assert load_dataset(path, folder, name="tiny").facts().name == "tiny"


def test_the_hash_follows_annotations_and_selection(make_coco: Make) -> None:
    """Same input, same hash; another selection or another byte, another hash."""
    path, folder = make_coco()
    whole = load_dataset(path, folder).sha256
    assert load_dataset(path, folder).sha256 == whole
    assert load_dataset(path, folder, max_images=2).sha256 != whole
    path.write_text(path.read_text() + "\n")
    assert load_dataset(path, folder).sha256 != whole


def test_missing_images_are_counted_and_named(make_coco: Make) -> None:
    """The message says how many and which."""
    path, folder = make_coco()
    for name in ("three.png", "seven.png"):
        (folder / name).unlink()
    with pytest.raises(DatasetError, match=r"2 of 3 images are missing.*three.png, seven.png"):
        load_dataset(path, folder)


def test_only_selected_images_must_be_there(make_coco: Make) -> None:
    """A partial download is enough for a partial evaluation."""
    path, folder = make_coco()
    (folder / "seven.png").unlink()
    assert len(load_dataset(path, folder, max_images=2).images) == 2


def test_a_missing_folder_is_named(make_coco: Make) -> None:
    """Rather than every single image."""
    path, folder = make_coco()
    with pytest.raises(DatasetError, match=r"image folder is not there \(.*elsewhere\)"):
        load_dataset(path, folder.parent / "elsewhere")


def test_an_image_of_another_size_is_refused(make_coco: Make) -> None:
    """Turned or reduced images would move every box."""
    path, folder = make_coco()
    Image.new("RGB", (20, 40)).save(folder / "seven.png")
    with pytest.raises(DatasetError, match=r"1 of 3 .* seven.png \(20x40, annotated 40x20\)"):
        load_dataset(path, folder)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_image_is_refused(make_coco: Make, data: bytes) -> None:
    """A file that is no image is named."""
    path, folder = make_coco()
    (folder / "five.png").write_bytes(data)
    with pytest.raises(DatasetError, match=r"1 of 3 .* five.png \(the image cannot be read"):
        load_dataset(path, folder)
