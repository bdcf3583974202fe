"""A selection of the catalogue is never empty, and opens no more than it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_text import document, listed, load

from validation.errors import UsageError
from validation.zoo import folders
from validation.zoo.catalogue import Catalogue


def _three() -> Catalogue:
    models = [("b_one", "tiny"), ("a_two", "tiny"), ("big", "large")]
    return load(document(*(listed(name=name, group=group) for name, group in models)))


def test_group_is_selected_in_file_order() -> None:
    """A group gives its own entries and no others, as the file orders them."""
    catalogue = _three()
    assert catalogue.groups == ("tiny", "large")
    assert [entry.name for entry in catalogue.select("tiny")] == ["b_one", "a_two"]
    assert [entry.name for entry in catalogue.select("tiny", "a_*")] == ["a_two"]


def test_group_goes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that happens to be called as a group does not hide the group."""
    (tmp_path / "tiny" / "inner").mkdir(parents=True)
    (tmp_path / "tiny" / "inner" / "pipeline.config").touch()
    monkeypatch.chdir(tmp_path)
    assert [entry.name for entry in _three().select("tiny")] == ["b_one", "a_two"]
    assert [entry.name for entry in _three().select("./tiny")] == ["inner"]


def test_archives_left_out_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a tar file takes a second: a folder of forty is not read for one model."""
    for name in ("a.tar.gz", "b.tar.gz"):
        (tmp_path / name).touch()
    opened: list[str] = []
    monkeypatch.setattr(folders, "looks_quantised", lambda path: bool(opened.append(path.name)))
    (entry,) = _three().select(str(tmp_path), "a")
    assert entry.name == "a"
    assert opened == ["a.tar.gz"]


@pytest.mark.parametrize(
    ("zoo", "glob", "message"),
    [
        ("tyni", "*", r"no group and no folder 'tyni' \(--zoo\).*tiny \| large.*mean 'tiny'"),
        ("", "*", "no group and no folder ''"),
        ("no/such/folder", "*", "no group and no folder[^;]*$"),
        ("x" * 5000, "*", "no group and no folder"),
        ("tiny", "c*", "no model of tiny matches 'c.*expected one of b_one, a_two"),
        ("tiny", "B_ONE", "no model of tiny matches"),
    ],
)
def test_empty_selection_is_a_usage_error(zoo: str, glob: str, message: str) -> None:
    """Nothing to test is the caller's mistake, answered by what there is."""
    with pytest.raises(UsageError, match=message):
        _three().select(zoo, glob)


def test_folder_without_archive_is_a_usage_error(tmp_path: Path) -> None:
    """A folder that holds no archive is refused with what it holds instead."""
    with pytest.raises(UsageError, match=r"no archive found.*got an empty folder"):
        _three().select(str(tmp_path))
    (tmp_path / "notes.md").touch()
    with pytest.raises(UsageError, match=r"no archive found.*got notes\.md"):
        _three().select(str(tmp_path))
    (tmp_path / "notes.md").write_text("One sentence.\nAnd another one, of several words.\n")
    with pytest.raises(UsageError, match=r"unknown kind .*notes\.md.*a model's folder"):
        _three().select(str(tmp_path / "notes.md"))
