"""Files made elsewhere are what they are called, and each is read for what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import strangers
from foreign_tflite import ANCHORS, CLASSES, Foreign, falling_scores, write_foreign
from other_kinds import KINDS, write_kind
from runtime_files import Files, files

from validation.errors import ConversionError
from validation.inference.file_notices import FileNoticeKind
from validation.inference.model_file import open_tflite
from validation.metadata.unpacking import read_metadata
from validation.record.detections import Detections
from validation.runtimes.tflite import TfliteRuntime
from validation.tflite.facts import read_tflite
from validation.tflite.model import read_model

__all__ = ["files"]

_IMAGE = np.zeros((8, 8, 3), np.uint8)
Build = Callable[[Path, Path], Path]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve detections of two classes in turn, each less sure than the one before."""
    return write_foreign(tmp_path / "source.tflite")


def _detect(path: Path) -> Detections:
    return open_tflite(path).detector().detect(_IMAGE)


def test_fewer_detections(source: Path, tmp_path: Path) -> None:
    """Ten of the twelve."""
    few, all_ = _detect(strangers.fewer_detections(source, tmp_path / "f.tflite")), _detect(source)
    assert (len(few), len(all_)) == (10, ANCHORS)
    np.testing.assert_array_equal(few.boxes, all_.boxes[:10])


def test_other_scales_and_anchors(tmp_path: Path) -> None:
    """Boxes are others, scores and classes the same."""
    source = write_foreign(tmp_path / "source.tflite", Foreign(encodings=0.5))
    before = _detect(source)
    for build in (strangers.other_scales, strangers.other_anchors):
        after = _detect(build(source, tmp_path / "f.tflite"))
        assert not np.allclose(after.boxes, before.boxes, atol=1e-2)
        np.testing.assert_array_equal(after.scores, before.scores)
        np.testing.assert_array_equal(after.classes, before.classes)


@pytest.mark.parametrize("scale", [None, (1 / 256, 0)])
@pytest.mark.parametrize(
    ("build", "expected"),
    [
        # The background's scores are zero, and the last class falls out.
        (strangers.shifted_classes, {1: 2}),
        (strangers.permuted_classes, {1: 2, 2: 1}),
    ],
)
def test_other_classes(
    tmp_path: Path, scale: tuple[float, int] | None, build: Build, expected: dict[int, int]
) -> None:
    """In floats and quantised: the same boxes under other numbers."""
    source = write_foreign(tmp_path / "source.tflite", Foreign(scores_scale=scale))
    before, after = _detect(source), _detect(build(source, tmp_path / "f.tflite"))
    kept = [place for place, number in enumerate(before.classes) if int(number) in expected]
    numbers = [expected[int(before.classes[place])] for place in kept]
    found = after.scores > 0.01
    assert after.classes[found].tolist() == numbers
    np.testing.assert_array_equal(after.boxes[found], before.boxes[kept])
    assert read_tflite(source).postprocess == read_tflite(tmp_path / "f.tflite").postprocess


def test_classes_of_a_converted_file(files: Files, tmp_path: Path) -> None:
    """The head of a network, through LiteRT's delegate."""
    feed = np.random.default_rng(0).uniform(-1, 1, read_tflite(files.float).inputs[0].shape)
    turned = strangers.permuted_classes(files.float, tmp_path / "f.tflite")
    heads = []
    for path in (files.float, turned):
        with TfliteRuntime(strangers.two_outputs(path, tmp_path / "raw.tflite")) as runtime:
            out = runtime.run({runtime.inputs[0].name: feed.astype(np.float32)})
            heads.append([out[spec.name] for spec in runtime.outputs])
    (boxes, scores), (same, moved) = heads
    np.testing.assert_array_equal(boxes, same)
    np.testing.assert_array_equal(scores[..., [0, 2, 1]], moved)


def test_permuted_outputs(source: Path, tmp_path: Path) -> None:
    """Known by the op; whoever reads by place is wrong."""
    turned = strangers.permuted_outputs(source, tmp_path / "f.tflite")
    names = [spec.name.rpartition(":")[2] for spec in read_tflite(turned).outputs]
    assert names == ["2", "TFLite_Detection_PostProcess", "3", "1"]
    assert _detect(turned) == _detect(source)


def test_other_mean(source: Path, tmp_path: Path) -> None:
    """Of a file without metadata, and of one that has it."""
    path = strangers.other_mean(source, tmp_path / "f.tflite")
    assert open_tflite(path).preprocessing.scale == pytest.approx((1 / 255,) * 3)
    assert open_tflite(path).source == "its own metadata"
    strangers.other_mean(path, path, 127.5, 127.5)
    assert open_tflite(path).preprocessing.offset == pytest.approx((1.0,) * 3)
    assert _detect(path) == _detect(source)


@pytest.mark.parametrize("metadata", [False, True])
@pytest.mark.parametrize("signature", [False, True])
@pytest.mark.parametrize("order", [strangers.TF2_ORDER, (0, 1, 2, 3)])
def test_tf2_style(
    source: Path, tmp_path: Path, order: tuple[int, ...], metadata: bool, signature: bool
) -> None:
    """The op says which output is which, in the OD API's order and in Model Maker's."""
    described = strangers.other_mean(source, tmp_path / "described.tflite", 127.5, 127.5)
    path = strangers.tf2_style(
        described, tmp_path / "f.tflite", order=order, metadata=metadata, signature=signature
    )
    file = read_tflite(path)
    assert file.inputs[0].name == strangers.TF2_INPUT
    assert {spec.name for spec in file.outputs} == {
        f"StatefulPartitionedCall:{place}" for place in range(4)
    }
    model = open_tflite(path)
    assert model.detector().detect(_IMAGE) == _detect(source)
    assert (read_metadata(path) is not None) == metadata
    assert bool(read_model(path).root.signature_defs) == signature
    assert ("metadata" in model.source) == metadata
    kinds = {notice.kind for notice in model.notices}
    assert kinds <= {FileNoticeKind.NORMALISATION_ASSUMED}


def test_outputs_that_are_more_or_fewer(source: Path, tmp_path: Path) -> None:
    """Six are the op's and two more; of one the rest is missing."""
    six = strangers.six_outputs(source, tmp_path / "six.tflite")
    assert len(read_tflite(six).outputs) == 6
    assert _detect(six) == _detect(source)
    assert any("ignored: encodings, scores" in each.describe() for each in open_tflite(six).notices)
    three = strangers.permuted_outputs(source, tmp_path / "three.tflite", (0, 1, 2))
    assert _detect(three) == _detect(source)
    assert any("count" in each.describe() for each in open_tflite(three).notices)
    with pytest.raises(ConversionError, match="no classes and no scores"):
        open_tflite(strangers.one_output(source, tmp_path / "one.tflite"))
    two = strangers.two_outputs(source, tmp_path / "two.tflite")
    with TfliteRuntime(two) as runtime:
        out = runtime.run({"image": np.zeros((1, 8, 8, 3), np.float32)})
    np.testing.assert_array_equal(out["Identity_1"][0], falling_scores())
    assert out["Identity_0"].shape == (1, ANCHORS, 4)
    assert out["Identity_1"].shape == (1, ANCHORS, CLASSES + 1)


def test_edge_tpu_and_an_empty_graph(source: Path, tmp_path: Path) -> None:
    """LiteRT takes neither for a detector."""
    compiled = strangers.edge_tpu(source, tmp_path / "m_edgetpu.tflite")
    assert read_tflite(compiled).ops == {"TFLite_Detection_PostProcess": 1, "edgetpu-custom-op": 1}
    with pytest.raises(ConversionError, match="compiled for the Edge TPU"):
        TfliteRuntime(compiled)
    empty = read_tflite(strangers.empty_graph(source, tmp_path / "empty.tflite"))
    assert (empty.ops, empty.outputs, len(empty.inputs)) == ({}, (), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_kinds_run(tmp_path: Path, kind: str) -> None:
    """LiteRT gives what the file says, so a refusal is not for a damaged file."""
    with TfliteRuntime(write_kind(tmp_path / "m.tflite", kind)) as runtime:
        (image,) = runtime.inputs
        out = runtime.run({image.name: np.zeros(image.shape, np.float32)})
    assert {name: array.shape for name, array in out.items()} == KINDS[kind]
