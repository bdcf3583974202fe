"""Large filters are read from files, and what the graph computes stays the same to the last bit."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import OUTPUTS, Miniature, build_graph

from validation.export import mapped_weights
from validation.export.mapped_weights import large_filters, with_mapped_weights
from validation.runtimes.session import SessionRuntime

_SIDE = 12
_FILTER_BYTES = 4 * 3 * 3 * 128 * 128


def _weights(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(0, 0.1, shape).astype(np.float32)


def _graph():
    """Convolutions with a filter of 590 kB each: one normalised and read by two, one multiplied."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, _SIDE, _SIDE, 128], "image")
        shared = tf.identity(tf.constant(_weights((3, 3, 128, 128)), name="shared"), name="read")
        once = tf.nn.conv2d(image, shared, 1, "SAME", name="once")
        normed, _, _ = tf.nn.fused_batch_norm(
            once, *_weights((2, 128)), *np.abs(_weights((2, 128))), is_training=False
        )
        twice = tf.nn.conv2d(tf.nn.relu(normed), shared, 1, "SAME", name="twice")
        scaled = tf.constant(_weights((3, 3, 128, 128)) + 1, name="scaled")
        times = tf.nn.conv2d(twice, scaled, 1, "SAME") * tf.constant(_weights((128,)))
        added = times + tf.constant(_weights((1, _SIDE, _SIDE, 128)), name="added")
        small = tf.constant(_weights((1, 1, 128, 8)), name="small")
        tf.nn.conv2d(added, small, 1, "SAME", name="end")
        large_table = tf.constant(_weights((1, 1024, 128)), name="table")
        tf.identity(large_table + 1, name="sums")
    return graph.as_graph_def()


IMAGE = {"image": _weights((1, _SIDE, _SIDE, 128))}


def test_only_filters_of_convolutions_are_mapped():
    """A constant of which the optimiser computes something stays one, and a small one as well."""
    assert list(large_filters(_graph())) == ["shared"]


def test_mapped_filters_change_no_bit_of_the_outputs(monkeypatch):
    """Against the same graph with constants alone."""
    mapped = _outputs()
    monkeypatch.setattr("validation.runtimes.session.with_mapped_weights", lambda graph, _: graph)
    kept = _outputs()
    assert {name: value.tobytes() for name, value in mapped.items()} == {
        name: value.tobytes() for name, value in kept.items()
    }
    assert mapped["end"].any()


def _outputs():
    with SessionRuntime(_graph(), ["end", "sums"]) as runtime:
        return runtime.run(IMAGE)


@pytest.mark.parametrize("seed", [0, 1])
def test_detections_of_a_whole_detector_keep_their_bits(seed, monkeypatch):
    """Loops, normalisation and all, with every filter in a file."""
    monkeypatch.setattr(mapped_weights, "_LARGE_BYTES", 1)
    graph = build_graph(Miniature()).as_graph_def()
    image = np.random.default_rng(seed).integers(0, 256, (1, 60, 80, 3), np.uint8)
    assert len(list(large_filters(graph))) > 3
    with SessionRuntime(graph, OUTPUTS) as mapped:
        found = mapped.run({"image_tensor": image})
    monkeypatch.setattr("validation.runtimes.session.with_mapped_weights", lambda graph, _: graph)
    with SessionRuntime(graph, OUTPUTS) as kept:
        expected = kept.run({"image_tensor": image})
    for name in OUTPUTS:
        assert found[name].tobytes() == expected[name].tobytes()


def test_graph_that_is_imported_holds_no_large_filter():
    """The weights are in the file alone, as many bytes as the constant had."""
    owner = _Owner(_graph())
    mapped = with_mapped_weights(owner.graph, owner)
    (node,) = [node for node in mapped.node if node.op == "ImmutableConst"]
    assert node.name == "shared"
    assert Path(node.attr["memory_region_name"].s.decode()).stat().st_size == _FILTER_BYTES
    assert mapped.ByteSize() < owner.graph.ByteSize() - _FILTER_BYTES + 1000


class _Owner:
    def __init__(self, graph):
        self.graph = graph


def test_files_go_with_the_runtime():
    """None is left behind in the folder for temporary files."""
    owner = _Owner(_graph())
    mapped = with_mapped_weights(owner.graph, owner)
    (node,) = [node for node in mapped.node if node.op == "ImmutableConst"]
    path = Path(node.attr["memory_region_name"].s.decode())
    assert path.is_file()
    del owner
    gc.collect()
    assert not path.parent.exists()


def test_graph_without_large_filters_is_taken_as_it_is():
    """Nothing is written for it."""
    graph = build_graph(Miniature()).as_graph_def()
    assert with_mapped_weights(graph, graph) is graph


def test_without_room_the_weights_stay_in_the_graph(monkeypatch, tmp_path):
    """And no file is left behind."""
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        write(path, content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(Path, "write_bytes", full)
    owner = _Owner(_graph())
    assert with_mapped_weights(owner.graph, owner) is owner.graph
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]
