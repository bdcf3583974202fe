"""A folder that is not as it was made is noticed, by whichever file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.files.manifest import (
    ListedFile,
    first_difference,
    listed,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a folder below."""
    path = tmp_path / "made"
    (path / "deep").mkdir(parents=True)
    (path / "a b").write_bytes(b"1")
    (path / "deep" / "c").write_bytes(b"22")
    return path


def test_manifest_is_read_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    """Names with spaces too."""
    files = listed(folder)
    assert [(file.name, file.size_bytes) for file in files] == [("a b", 1), ("deep/c", 2)]
    write_manifest(tmp_path / "manifest", files)
    assert read_manifest(tmp_path / "manifest") == files
    assert first_difference(folder, files) == ""


def test_each_difference_is_named(folder: Path, tmp_path: Path) -> None:
    """A byte, a length, a file more or less, a link to the same bytes; or none that counts."""
    files = listed(folder)
    (folder / "deep" / "c").write_bytes(b"23")
    assert first_difference(folder, files) == "deep/c"
    (folder / "deep" / "c").write_bytes(b"222")
    assert first_difference(folder, files) == "deep/c"
    (folder / "deep" / "c").unlink()
    assert first_difference(folder, files) == "deep/c"
    (tmp_path / "same").write_bytes(b"22")
    (folder / "deep" / "c").symlink_to(tmp_path / "same")
    assert first_difference(folder, files) == "deep/c"
    (folder / "deep" / "c").unlink()
    (folder / "deep" / "c").write_bytes(b"22")
    (folder / "more").touch()
    assert first_difference(folder, files) == "more"
    assert first_difference(folder, files, ("more",)) == ""
    (folder / "more").unlink()
    (folder / "more").symlink_to(tmp_path)
    assert first_difference(folder, files) == "more"


@given(st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_bytes_stop_a_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """What is no manifest is none, and vouches for nothing."""
    path = tmp_path_factory.mktemp("m") / "manifest"
    path.write_bytes(data)
    found = read_manifest(path)
    assert found is None or all(isinstance(file, ListedFile) for file in found)
