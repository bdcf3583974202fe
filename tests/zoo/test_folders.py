"""A folder of archives gives one entry for each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zoo_archives import entries_at

from validation.errors import ArtefactMissing, UsageError
from validation.zoo import folders
from validation.zoo.archives import obtain
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import FolderSource
from validation.zoo.quantised import looks_quantised

_SIGNS = [
    "frozen_inference_graph.pb",
    "tflite_graph.pb",
    "pipeline.config",
    "model.ckpt.meta",
    "model.ckpt.index",
    "model.ckpt-400000.index",
]


def _names(path: Path) -> list[str]:
    return [entry.name for entry in entries_at(path)]


@pytest.mark.parametrize("sign", _SIGNS)
def test_each_file_of_a_model_makes_an_archive(tmp_path: Path, sign: str) -> None:
    """A sub-folder with any one of a model's files is an archive of the sub-folder's name."""
    (tmp_path / "ssd_a").mkdir()
    (tmp_path / "ssd_a" / sign).touch()
    (entry,) = entries_at(tmp_path)
    assert entry.name == "ssd_a"
    assert entry.source == FolderSource(tmp_path / "ssd_a")
    assert entry.group == str(tmp_path)
    assert entry.digest is None


def test_other_folders_and_hidden_ones_are_no_archives(tmp_path: Path) -> None:
    """A SavedModel, a data folder and a hidden folder give no entry."""
    for name in ("variables/variables.index", "data/x.txt", ".git/pipeline.config"):
        path = tmp_path / name
        path.parent.mkdir()
        path.touch()
    (tmp_path / ".hidden.tar.gz").touch()
    (tmp_path / "folder.tar.gz").mkdir()
    assert _names(tmp_path) == []


def test_tar_files_lose_their_suffix_and_all_are_sorted(tmp_path: Path) -> None:
    """Packed archives count by their name without suffix, among the unpacked ones."""
    for name in ("d.tar", "b.tgz", "a_2018.01.tar.gz", "e.zip"):
        (tmp_path / name).touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "pipeline.config").touch()
    assert _names(tmp_path) == ["a_2018.01", "b", "c", "d"]


def test_unpacked_goes_before_packed(tmp_path: Path) -> None:
    """An archive that lies there in both forms is one model, used from its folder."""
    (tmp_path / "a.tar.gz").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pipeline.config").touch()
    (entry,) = entries_at(tmp_path)
    assert entry.source == FolderSource(tmp_path / "a")


def test_folder_itself_and_one_tar_file_count(tmp_path: Path) -> None:
    """The path may be an archive itself, in either form; a dot in a folder's name stays."""
    folder = tmp_path / "ssd_v1.tar"
    folder.mkdir()
    (folder / "pipeline.config").touch()
    assert _names(folder) == ["ssd_v1.tar"]
    (tmp_path / "b.tar.gz").touch()
    assert _names(tmp_path / "b.tar.gz") == ["b"]


def test_two_archives_of_one_name_are_refused(tmp_path: Path) -> None:
    """Two tar files that would give the same model are not chosen between."""
    (tmp_path / "a.tar").touch()
    (tmp_path / "a.tgz").touch()
    with pytest.raises(UsageError, match=r"two archives for the model 'a'.*a\.tar and .*a\.tgz"):
        entries_at(tmp_path)


def test_unreadable_folder_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed is an error of the harness's own."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ArtefactMissing, match=r"cannot be listed .*: got Permission denied"):
        entries_at(tmp_path)


def test_folder_that_cannot_be_entered_fails_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an archive like others, and obtaining it says why; it hides none of them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pipeline.config").touch()
    real = Path.is_file

    def refuse(path: Path) -> bool:
        if path.name == "pipeline.config":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "is_file", refuse)
    (entry,) = entries_at(tmp_path)
    with pytest.raises(ArtefactMissing, match=r"cannot be entered .*a.*: got Permission denied"):
        obtain(entry, tmp_path / "cache", offline=True)


def test_what_cannot_be_read_is_a_model_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a reader raises, and for what is no regular file: its own check fails."""
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pipeline.config").touch()
    os.mkfifo(tmp_path / "pipe.tar.gz")

    def read(path: Path) -> bool:
        if path.name == "bad":
            raise ValueError("invalid literal for int()")
        return looks_quantised(path)

    monkeypatch.setattr(folders, "looks_quantised", read)
    entries = load_catalogue().select(str(tmp_path))
    assert [entry.name for entry in entries] == ["bad", "good", "pipe"]
    assert {entry.source for entry in entries} == {
        FolderSource(tmp_path / name) for name in ("bad", "good", "pipe.tar.gz")
    }
    assert [entry.problem for entry in entries] == [
        "cannot be read: invalid literal for int()",
        "",
        "cannot be read: a FIFO (named pipe), not a regular file",
    ]
