"""A model's bytes become the same file, or folder, on a worker."""

from __future__ import annotations

from pathlib import Path

from validation.cluster.model_file import ModelFile


def test_file_by_content(tmp_path: Path) -> None:
    """Its name stays, for messages; equal bytes are one file."""
    source = tmp_path / "detect.tflite"
    source.write_bytes(b"model")
    model = ModelFile(source)
    path = model.name.kept_in(tmp_path / "worker", model.content)
    assert path.name == "detect.tflite"
    assert path.read_bytes() == b"model"
    assert model.name.kept_in(tmp_path / "worker", b"not looked at") == path
    assert path.read_bytes() == b"model"


def test_other_bytes_are_another_file(tmp_path: Path) -> None:
    """Of the same name too."""
    for folder, content in (("a", b"one"), ("b", b"two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "detect.tflite").write_bytes(content)
    models = [ModelFile(tmp_path / folder / "detect.tflite") for folder in "ab"]
    paths = [each.name.kept_in(tmp_path / "worker", each.content) for each in models]
    assert [path.read_bytes() for path in paths] == [b"one", b"two"]


def test_folder(tmp_path: Path) -> None:
    """A SavedModel travels as a whole; the same folder gives the same bytes."""
    source = tmp_path / "saved_model"
    (source / "variables").mkdir(parents=True)
    (source / "saved_model.pb").write_bytes(b"graph")
    (source / "variables" / "variables.index").write_bytes(b"index")
    model = ModelFile(source)
    assert model.content == ModelFile(source).content
    path = model.name.kept_in(tmp_path / "worker", model.content)
    assert path.name == "saved_model"
    assert (path / "saved_model.pb").read_bytes() == b"graph"
    assert (path / "variables" / "variables.index").read_bytes() == b"index"
