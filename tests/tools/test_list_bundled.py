"""The catalogue of the package's archives is what the archives say."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import list_bundled
import pytest

from validation.errors import ArtefactMissing, CorruptGraph, DatasetError, ValidationError
from validation.zoo import bundled_files
from validation.zoo.archives import obtain
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import PackageSource
from validation.zoo.integrity import digest_file

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles


@pytest.fixture
def folder(tmp_path: Path, miniature: MiniatureFiles) -> Path:
    """A package's data with one archive."""
    from bundled_stand_in import lay_out_bundled

    return lay_out_bundled(tmp_path / "bundled", miniature)


def test_listed_archive_can_be_obtained(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is read back: names, hashes, classes, kind; and the archive opens."""
    path = tmp_path / "bundled.toml"
    path.write_text(list_bundled.document(folder))
    (entry,) = load_catalogue(path).entries
    assert (entry.name, entry.group) == ("mini", "bundled")
    assert entry.source == PackageSource("mini.tar.gz")
    assert entry.digest == digest_file(folder / "mini.tar.gz")
    assert entry.labels is not None
    assert entry.labels.by_number == {1: "square", 2: "disc"}
    assert not entry.quantised
    assert entry.licence == "Apache-2.0"
    assert "ssd_miniature" in entry.description
    monkeypatch.setattr(bundled_files, "BUNDLED_FOLDER", folder)
    assert obtain(entry, tmp_path / "cache", offline=True).frozen_graph is not None


def test_quantised_archive_is_listed_as_such(folder: Path, miniature: MiniatureFiles) -> None:
    """Its config says it; models stand by name."""
    archive = folder / "a_quantised"
    shutil.copytree(miniature.archive, archive)
    config = archive / "pipeline.config"
    config.write_text(f"{config.read_text()}\ngraph_rewriter {{ quantization {{ delay: 9 }} }}\n")
    with tarfile.open(folder / "a_quantised.tar.gz", "w:gz") as tar:
        tar.add(archive, archive.name)
    shutil.rmtree(archive)
    text = list_bundled.document(folder)
    assert text.index('"a_quantised"') < text.index('"mini"')
    assert text.count("quantised = true") == text.count("quantised = false") == 1
    assert "trained with quantisation" in text


def test_without_archives_nothing_is_listed(tmp_path: Path) -> None:
    """No folder and an empty one give a catalogue without models, which can be read."""
    for folder in (tmp_path / "none", tmp_path):
        (tmp_path / "list.toml").write_text(list_bundled.document(folder))
        assert load_catalogue(tmp_path / "list.toml").entries == ()


@pytest.mark.parametrize(
    ("lost", "error", "message"),
    [
        ("pipeline.config", ArtefactMissing, r"no pipeline.config \(.*mini.tar.gz\)"),
        ("label_map.pbtxt", DatasetError, "label_map.pbtxt"),
    ],
)
def test_incomplete_data(
    folder: Path, miniature: MiniatureFiles, lost: str, error: type[ValidationError], message: str
) -> None:
    """What the catalogue cannot say is an error, not a gap."""
    with tarfile.open(folder / "mini.tar.gz", "w:gz") as tar:
        tar.add(
            miniature.archive,
            "mini",
            filter=lambda each: None if each.name.endswith(lost) else each,
        )
    (folder / "scenes" / lost).unlink(missing_ok=True)
    with pytest.raises(error, match=message):
        list_bundled.document(folder)


def test_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Writes the file whole; --check only compares; an unusable archive is reported in one line."""
    path = folder.with_suffix(".toml")
    monkeypatch.setattr(list_bundled, "CATALOGUE", path)
    monkeypatch.setattr(list_bundled, "document", lambda: "new\n")
    path.write_text("old\n")
    assert list_bundled.main(["--check"]) == 1
    assert "bundled.toml is not what its archives say" in capsys.readouterr().err
    assert path.read_text() == "old\n"
    assert list_bundled.main([]) == 0
    assert path.read_text() == "new\n"
    assert list_bundled.main(["--check"]) == 0

    def refuse() -> str:
        raise CorruptGraph("the bytes are no graph", where="a.pb")

    monkeypatch.setattr(list_bundled, "document", refuse)
    assert list_bundled.main([]) == 1
    message = capsys.readouterr().err
    assert message == "list_bundled: CorruptGraph: the bytes are no graph (a.pb)\n"
    assert path.read_text() == "new\n"


def test_shipped_catalogue_is_what_its_archives_say(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed list was written from the committed archives."""
    assert list_bundled.main(["--check"]) == 0, capsys.readouterr().err
