"""How workers come by images, and that they are the ones of the controlling process."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from validation.cluster.images import ImagePlaces, RemoteImage, local_images
from validation.errors import ClusterError
from validation.preprocess.image import ImageFile
from validation.zoo.bundled_files import labelled_scenes

_WORKER = "tcp://10.0.0.2:40000"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worker's own cache, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of the controlling process."""
    folder = tmp_path / "images"
    (folder / "day").mkdir(parents=True)
    (folder / "day" / "1.jpg").write_bytes(b"one")
    return folder


def _image(folder: Path) -> tuple[ImageFile, str]:
    path = folder / "day" / "1.jpg"
    return ImageFile("1", path, turned=True), hashlib.sha256(path.read_bytes()).hexdigest()


def _local(image: RemoteImage) -> ImageFile:
    (found,) = local_images([image], _WORKER)
    return found


def test_the_same_path(folder: Path) -> None:
    """Without a URL a worker reads the path of the controlling process, and keeps nothing."""
    image, sha256 = _image(folder)
    assert _local(ImagePlaces(folder).remote(image, sha256)) == image


def test_image_that_ships_with_the_package() -> None:
    """Wherever the package is installed on the worker."""
    _, scenes = labelled_scenes()
    path = next(iter(sorted(scenes.rglob("*.png"))), None) or next(
        iter(sorted(scenes.rglob("*.jpg")))
    )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    remote = ImagePlaces(scenes, "s3://elsewhere").remote(ImageFile("1", path), sha256)
    assert not Path(remote.in_package).is_absolute()
    assert _local(remote).path == path


def test_folder_by_url(folder: Path, tmp_path: Path) -> None:
    """Names below the folder are those below the URL; a second task reads the worker's cache."""
    image, sha256 = _image(folder)
    packed = tmp_path / "images.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(image.path, "val/day/1.jpg")
    remote = ImagePlaces(folder, f"zip://val::file://{packed}").remote(image, sha256)
    found = _local(remote)
    assert found.path != image.path
    assert found.path.read_bytes() == b"one"
    assert (found.key, found.turned) == ("1", True)
    packed.unlink()
    assert _local(remote) == found


def test_damaged_cache_is_fetched_again(folder: Path, tmp_path: Path) -> None:
    """What is kept is held against the hash each time."""
    image, sha256 = _image(folder)
    remote = ImagePlaces(folder, f"file://{folder}").remote(image, sha256)
    kept = _local(remote).path
    assert kept.is_relative_to(tmp_path / "cache")
    kept.write_bytes(b"rotten")
    assert _local(remote).path.read_bytes() == b"one"


def test_image_outside_of_the_folder_travels(folder: Path, tmp_path: Path) -> None:
    """A URL stands for the folder of labelled images alone: canaries of the user's are sent."""
    path = tmp_path / "canary.jpg"
    path.write_bytes(b"canary")
    sha256 = hashlib.sha256(b"canary").hexdigest()
    remote = ImagePlaces(folder, "s3://bucket/val").remote(ImageFile("canary.jpg", path), sha256)
    path.unlink()
    assert _local(remote).path.read_bytes() == b"canary"


def test_missing_image_names_worker_and_path(folder: Path) -> None:
    """And what to do about it."""
    image, sha256 = _image(folder)
    remote = ImagePlaces(folder).remote(image, sha256)
    image.path.unlink()
    with pytest.raises(ClusterError) as refused:
        _local(remote)
    assert _WORKER in str(refused.value)
    assert str(image.path) in str(refused.value)
    assert "--cluster-images" in str(refused.value)


@pytest.mark.parametrize("by_url", [False, True])
def test_another_image_names_both_hashes(folder: Path, *, by_url: bool) -> None:
    """The worker's file is not the one of the controlling process."""
    image, sha256 = _image(folder)
    remote = ImagePlaces(folder, f"file://{folder}" if by_url else "").remote(image, sha256)
    image.path.write_bytes(b"other")
    with pytest.raises(ClusterError) as refused:
        _local(remote)
    text = str(refused.value)
    assert _WORKER in text
    assert f"expected sha256 {sha256}" in text
    assert f"got sha256 {hashlib.sha256(b'other').hexdigest()}" in text


def test_url_that_cannot_be_read(folder: Path) -> None:
    """What the file system says is in the message."""
    image, sha256 = _image(folder)
    remote = ImagePlaces(folder, "nonsense://bucket").remote(image, sha256)
    with pytest.raises(ClusterError, match=r"cannot read an image.*nonsense"):
        _local(remote)
