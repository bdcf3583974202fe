"""The kind of a file follows from its content; what is of no kind here is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.errors import ArtefactError, ArtefactMissing, ValidationError
from validation.inspection.kinds import kind_of
from validation.kinds.kind import Kind

_MAGIC = bytes.fromhex("57fb808b247547db")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("m.tflite", b"\x1c\0\0\0TFL3rest", Kind.TFLITE),
        ("m.pb", b"\x1c\0\0\0TFL3rest", Kind.TFLITE),
        ("m.pb", b"\x0a\x05\x0a\x01a\x12\0", Kind.GRAPH),
        ("m.tflite", b"\x0a\x05\x0a\x01a\x12\0", Kind.GRAPH),
        ("m.meta", b"\x0a\x05\x0a\x01a\x12\0", Kind.META_GRAPH),
        ("m.pbtxt", b'node { name: "a" }', Kind.GRAPH_TEXT),
        ("m.config", b'# a graph\n\nnode {\n name: "a" }', Kind.GRAPH_TEXT),
        ("pipeline.config", b"model { ssd {} }", Kind.CONFIG),
        ("m.pb", b"\xef\xbb\xbf# SSD\nmodel { ssd {} }", Kind.CONFIG),
        ("m.pbtxt", b"train_config: { }", Kind.CONFIG),
        ("broken.config", b"}", Kind.CONFIG),
        ("broken.pbtxt", b"}", Kind.GRAPH_TEXT),
    ],
)
def test_content_tells_the_kind(tmp_path: Path, name: str, content: bytes, kind: Kind) -> None:
    """A suffix only decides where the content does not."""
    path = tmp_path / name
    path.write_bytes(content)
    found = kind_of(path)
    assert (found.kind, found.path) == (kind, path)


@pytest.mark.parametrize("named", ["", ".index", ".meta", ".data-00000-of-00001"])
def test_every_file_of_a_checkpoint_names_it(tmp_path: Path, named: str) -> None:
    """The prefix, the index, the graph and a shard."""
    for suffix in (".index", ".meta", ".data-00000-of-00001"):
        (tmp_path / f"model.ckpt-12{suffix}").write_bytes(b"x")
    found = kind_of(tmp_path / f"model.ckpt-12{named}")
    assert (found.kind, found.path) == (Kind.CHECKPOINT, tmp_path / "model.ckpt-12")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.pb", b"", "this is an empty file"),
        ("a.tar.gz", b"\x1f\x8b\x08\0", "a tar archive.*zoo show"),
        ("a.zip", b"PK\x03\x04", "a zip archive"),
        ("m.h5", b"\x89HDF\r\n", "a Keras model or another HDF5 file"),
        ("i.jpg", b"\xff\xd8\xff\xe0", "an image in the format JPEG"),
        ("saved_model.pb", b"\x08\x01\x12\x05", "a TensorFlow SavedModel"),
        ("m.pb", b"\x08\x01\x12\x05", "a TensorFlow SavedModel"),
        ("labels.pbtxt", b"item { id: 1 }", "a label map"),
        ("checkpoint", b'model_checkpoint_path: "a"', "the list of a folder's checkpoints"),
        ("notes.txt", b"hello", "of an unknown kind.*'hello'"),
        ("ckpt", b"\0" * 40 + _MAGIC, "the index of a checkpoint under another name"),
    ],
)
def test_other_files_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """One line says what the file is."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=said):
        kind_of(path)


def test_a_folder_is_shown_by_another_command(tmp_path: Path) -> None:
    """Where the command is, is said."""
    with pytest.raises(ArtefactError, match=r"this is a folder.*zoo show"):
        kind_of(tmp_path)


def test_missing_file_tells_what_lies_beside(tmp_path: Path) -> None:
    """A prefix with a half checkpoint is the usual case."""
    (tmp_path / "model.ckpt.data-00000-of-00001").touch()
    with pytest.raises(ArtefactMissing, match=r"got model\.ckpt\.data-00000-of-00001"):
        kind_of(tmp_path / "model.ckpt")
    with pytest.raises(ArtefactMissing, match="no such file or checkpoint"):
        kind_of(tmp_path / "none" / "x.tflite")


@given(content=st.binary(max_size=80), suffix=st.sampled_from([".pb", ".tflite", ".meta", ""]))
def test_any_bytes_have_a_kind_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    """Nothing else comes out, whatever the file holds."""
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    try:
        assert kind_of(path).path == path
    except ValidationError as error:
        assert "\n" not in str(error)
