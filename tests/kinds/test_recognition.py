"""The kind of a file follows from its content, whatever its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_samples import EXPORTED, FILES, FOLDERS, GRAPH, ONNX, folder_of
from protobuf_wire import field

from validation.errors import ArtefactMissing
from validation.kinds.kind import Kind
from validation.kinds.of_protobuf import protobuf_kind
from validation.kinds.recognition import recognise
from validation.kinds.wire import wire_fields


@pytest.mark.parametrize(
    ("kind", "name", "content"), FILES, ids=[f"{kind} as {name}" for kind, name, _ in FILES]
)
def test_content_tells_the_kind(tmp_path: Path, kind: Kind, name: str, content: bytes) -> None:
    """A suffix only decides where the content does not."""
    path = tmp_path / name
    path.write_bytes(content)
    found = recognise(path)
    assert (found.kind, found.path, found.cut) == (kind, path, "")


@pytest.mark.parametrize(("kind", "names"), FOLDERS)
def test_what_lies_in_a_folder_tells_its_kind(
    tmp_path: Path, kind: Kind, names: tuple[str, ...]
) -> None:
    """Also one level down, where archives and data sets have their files."""
    assert recognise(folder_of(tmp_path, names)).kind is kind


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("m.pb", GRAPH[:-5], Kind.GRAPH),
        ("m.pb", EXPORTED[:-3], Kind.EXPORTED_GRAPH),
        ("m.meta", field(1, field(5, b"1.15")) + field(2, GRAPH)[:-7], Kind.META_GRAPH),
        ("m.zip", b"PK\x03\x04" + b"\0" * 40, Kind.ZIP),
        ("m.tar.gz", b"\x1f\x8b\x08\0" + b"\0" * 6 + b"\x05", Kind.TAR),
        ("m.onnx", ONNX[:-2], Kind.ONNX),
    ],
)
def test_half_a_file_is_known_as_its_half(
    tmp_path: Path, name: str, content: bytes, kind: Kind
) -> None:
    """A download or a copy that stopped."""
    path = tmp_path / name
    path.write_bytes(content)
    found = recognise(path)
    assert found.kind is kind
    assert found.cut


def test_a_missing_file_names_the_nearest_beside_it(tmp_path: Path) -> None:
    """A letter too many or too few is the usual case."""
    (tmp_path / "detect_uint8.tflite").touch()
    with pytest.raises(ArtefactMissing, match=r"did you mean 'detect_uint8\.tflite'"):
        recognise(tmp_path / "detect_unit8.tflite")
    with pytest.raises(ArtefactMissing, match="no such file") as error:
        recognise(tmp_path / "something else")
    assert error.value.next_step is None


@given(st.binary(max_size=120))
def test_any_bytes_have_a_kind(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Nothing but a kind comes out, whatever the file holds."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert recognise(path).path == path


@given(st.integers(1, len(EXPORTED) - 1))
def test_a_graph_that_is_cut_anywhere_is_never_another_message(end: int) -> None:
    """It is a graph, whole at the end of a node, or too short to tell."""
    found = protobuf_kind(EXPORTED[:end])
    assert found is None or found[0] in (Kind.GRAPH, Kind.EXPORTED_GRAPH)


@given(st.binary(max_size=60))
def test_walking_any_bytes_ends(data: bytes) -> None:
    """Fields follow each other, and none begins outside."""
    behind = 0
    for each in wire_fields(data):
        assert behind < each.start <= max(each.end, len(data))
        behind = each.end
