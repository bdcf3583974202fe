"""What ships inside the package is found, verified, and missed with a reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from validation.errors import ArtefactMissing, CatalogueError, IntegrityError
from validation.zoo import bundled_files
from validation.zoo.bundled_files import (
    BUNDLED_GROUP,
    bundled_canaries,
    bundled_file,
    calibration_scenes,
    labelled_scenes,
)
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import PackageSource


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package's own."""
    monkeypatch.setattr(bundled_files, "BUNDLED_FOLDER", tmp_path)
    for name in ("scenes/annotations.json", "scenes/images/a.jpg", "calibration/images/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    _sum(tmp_path / "scenes", "annotations.json", "images/a.jpg")
    _sum(tmp_path / "calibration", "images/1.jpg")
    (tmp_path / "canaries.toml").touch()
    return tmp_path


def _sum(folder: Path, *names: str) -> None:
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names
    ]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def test_files_are_found(folder: Path) -> None:
    """Each where the package has it."""
    assert bundled_file("scenes/images/a.jpg") == folder / "scenes" / "images" / "a.jpg"
    assert labelled_scenes() == (folder / "scenes" / "annotations.json", folder / "scenes/images")
    assert calibration_scenes() == folder / "calibration" / "images"
    assert bundled_canaries() == folder / "canaries.toml"


@pytest.mark.parametrize("member", ["../entry.py", "a/../../entry.py", "/etc/hosts", "a\\..\\b"])
def test_nothing_outside_of_the_folder(folder: Path, member: str) -> None:
    """A member leads nowhere but down, whoever wrote it."""
    with pytest.raises(CatalogueError, match="lies outside of its folder: got"):
        bundled_file(member)
    with pytest.raises(CatalogueError, match="lies outside of its folder"):
        PackageSource(member).path()
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("lost", "find"),
    [
        ("canaries.toml", bundled_canaries),
        ("scenes/SHA256SUMS", labelled_scenes),
        ("scenes/annotations.json", labelled_scenes),
        ("scenes/images/a.jpg", labelled_scenes),
        ("calibration/SHA256SUMS", calibration_scenes),
        ("calibration/images/1.jpg", calibration_scenes),
    ],
)
def test_installation_without_data(folder: Path, lost: str, find: object) -> None:
    """What is not there is named, with what to do."""
    (folder / lost).unlink()
    with pytest.raises(ArtefactMissing, match=r"package was installed without its data: install"):
        find()  # type: ignore[operator]


@pytest.mark.parametrize("name", ["scenes/annotations.json", "scenes/images/a.jpg"])
def test_changed_scene(folder: Path, name: str) -> None:
    """An image or a label that was edited would give other figures: both hashes are told."""
    (folder / name).write_text("other")
    with pytest.raises(IntegrityError, match=r"of the package is not the expected file .*sha256"):
        labelled_scenes()


def test_changed_calibration_scene(folder: Path) -> None:
    """The ranges of a quantised file come from known images."""
    (folder / "calibration" / "images" / "1.jpg").write_text("other")
    with pytest.raises(IntegrityError, match=r"1\.jpg of the package is not the expected file"):
        calibration_scenes()


@pytest.mark.parametrize("text", ["", "abc\n", "abc  a.jpg\n\n"])
def test_list_of_hashes_that_says_nothing(folder: Path, text: str) -> None:
    """An empty or broken list verifies nothing, so it is refused."""
    (folder / "scenes" / "SHA256SUMS").write_text(text)
    with pytest.raises(CatalogueError, match=r"list of hashes cannot be read .*SHA256SUMS"):
        labelled_scenes()


def test_list_of_hashes_as_sha256sum_writes_it(folder: Path) -> None:
    """Its binary mode puts a star before the name."""
    path = folder / "calibration" / "SHA256SUMS"
    path.write_text(path.read_text().replace("  ", " *"))
    assert calibration_scenes() == folder / "calibration" / "images"


def test_shipped_archives_are_there_and_no_other() -> None:
    """What the catalogue lists is what lies in the package: nothing missing, nothing unlisted."""
    entries = [each for each in load_catalogue().entries if each.group == BUNDLED_GROUP]
    paths = [each.source.path() for each in entries if isinstance(each.source, PackageSource)]
    assert len(paths) == len(entries)
    assert sorted(paths) == sorted(bundled_files.BUNDLED_FOLDER.glob("*.tar.gz"))
