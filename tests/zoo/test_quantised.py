"""Whether an archive is of a quantised model, asked before it is unpacked."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from limited_files import LimitFiles
from zoo_archives import entries_at

from validation.errors import ArtefactError
from validation.zoo.quantised import looks_quantised

_PLAIN = b"model { ssd { num_classes: 3 } }\n"
_QAT = _PLAIN + b"graph_rewriter {\n  quantization { delay: 48000 weight_bits: 8 }\n}\n"
_GRAPH = b"\x0a\x10FakeQuantWithMinMaxVars\x12"


def _archive(folder: Path, files: dict[str, bytes], *, tar: bool) -> Path:
    made = folder / "zoo" / "model"
    made.mkdir(parents=True)
    for name, content in files.items():
        (made / name).write_bytes(content)
    if not tar:
        return made
    packed = folder / "packed" / "model.tar.gz"
    packed.parent.mkdir()
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(made, "model")
    return packed


@pytest.mark.parametrize("tar", [False, True], ids=["folder", "tar"])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pipeline.config": _QAT}, True),
        ({"pipeline.config": b"  graph_rewriter: {\n quantization {} }"}, True),
        ({"pipeline.config": _PLAIN, "frozen_inference_graph.pb": b"Conv2D"}, False),
        ({"pipeline.config": _PLAIN + b"# graph_rewriter { quantization { } }"}, False),
        ({"tflite_graph.pb": _GRAPH}, True),
        ({"tflite_graph.pb": b"Conv2D"}, False),
        ({"frozen_inference_graph.pb": _GRAPH}, True),
    ],
    ids=["rewriter", "colon", "float", "comment", "ranges", "no ranges", "ranges, frozen"],
)
def test_config_or_graph_tells(
    tmp_path: Path, files: dict[str, bytes], expected: bool, tar: bool
) -> None:
    """graph_rewriter in the config; without a config FakeQuant nodes in the graph."""
    path = _archive(tmp_path, files, tar=tar)
    assert looks_quantised(path) is expected
    (entry,) = entries_at(path if tar else path.parent)
    assert entry.quantised is expected


def test_config_goes_before_the_graph(tmp_path: Path) -> None:
    """A float config beside a graph with ranges: the archive check will tell, not the guess."""
    path = _archive(tmp_path, {"pipeline.config": _PLAIN, "tflite_graph.pb": _GRAPH}, tar=False)
    assert not looks_quantised(path)


def test_broken_archive_is_listed_with_its_reason(tmp_path: Path) -> None:
    """One that cannot be read does not hide the others of its folder."""
    good = _archive(tmp_path, {"pipeline.config": _QAT}, tar=True)
    broken = good.with_name("broken.tar.gz")
    broken.write_bytes(b"\x1f\x8b\x08 no archive")
    entries = {entry.name: entry for entry in entries_at(good.parent)}
    assert entries["model"].quantised
    assert not entries["broken"].quantised
    assert entries["broken"].problem.startswith("cannot be read: ")
    assert not entries["model"].problem
    with pytest.raises(ArtefactError, match="damaged or cut short"):
        looks_quantised(broken)
    with pytest.raises(ArtefactError, match="No such file"):
        looks_quantised(tmp_path / "none.tar")


def test_config_is_looked_at_no_further_than_a_text_may_be(
    tmp_path: Path, limit_files: LimitFiles
) -> None:
    """Zeros that are packed a thousand to one are not read into memory."""
    path = _archive(tmp_path, {"pipeline.config": bytes(3 << 20)}, tar=True)
    limit_files(read_text_mib=2)
    with pytest.raises(ArtefactError, match=r"more than 2 MiB \(setting read_text_mib"):
        looks_quantised(path)


def test_ranges_are_found_across_pieces(tmp_path: Path) -> None:
    """A graph is read piece by piece, and the op's name may lie on the border of two."""
    graph = bytes((1 << 20) - 5) + _GRAPH
    assert looks_quantised(_archive(tmp_path, {"tflite_graph.pb": graph}, tar=False))
