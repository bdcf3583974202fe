"""From image to detections in TensorFlow, LiteRT, and LiteRT with the NumPy port: the same."""

import dataclasses

import numpy as np
import pytest
from miniatures import Miniature, build_graph, draw_picture, write_frozen_graph

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.errors import ConversionError, FeedError, GraphError
from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import write_export
from validation.inference.graph import GraphDetector
from validation.inference.tflite import (
    RawTfliteDetector,
    TfliteDetector,
    run_batchwise,
)
from validation.preprocess.resize import resize_bilinear
from validation.record.detections import Detections
from validation.runtimes.base import check_feed
from validation.runtimes.session import SessionRuntime
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    DETECTION_OUTPUTS,
    INPUT_NAME,
)
from validation.specs.tensors import TensorSpec

OP = [f"TFLite_Detection_PostProcess{end}" for end in ("", ":1", ":2", ":3")]
RAW = [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME]
# Scores above it are well apart from the next; below it the order may differ.
MIN_SCORE = 0.3


class _Fake:
    """A runtime with given ends and a given answer."""

    def __init__(self, inputs, outputs=(), answer=None, shape=(1, 2, 3, 3)):
        self.inputs = tuple(TensorSpec(name, "float32", shape) for name in inputs)
        self.outputs = tuple(TensorSpec(name, "float32", (1,)) for name in outputs)
        self._answer = answer
        self.feeds = []

    def run(self, feed):
        self.feeds.append(feed)
        return self._answer


_KINDS = {
    "sigmoid": Miniature(normalisation="channel_means"),
    "softmax": Miniature(score_converter="SOFTMAX", normalisation="channel_means"),
    "2017": Miniature(score_converter="SOFTMAX", cut_first=True, nms_op="V1", logit_scale=0.8),
}


@pytest.fixture(scope="module", params=_KINDS.values(), ids=_KINDS)
def detectors(request, tmp_path_factory):
    """One miniature in three runtimes, the graph's own first."""
    folder = tmp_path_factory.mktemp("detectors")
    miniature = request.param
    frozen = write_frozen_graph(folder / "frozen_inference_graph.pb", miniature)
    export = export_from_graph(build_graph(miniature).as_graph_def(), ExportOptions())
    contract, anchors = export.contract, export.anchors
    with_op = write_export(folder / "float", export).graph
    raw = write_export(folder / "raw", without_postprocessing(export)).graph
    with (
        SessionRuntime(frozen, DETECTION_OUTPUTS) as session,
        TfliteRuntime(convert(with_op, conversion_of("float"), folder / "f.tflite")) as op,
        TfliteRuntime(convert(raw, conversion_of("raw"), folder / "r.tflite")) as body,
    ):
        yield {
            "graph": GraphDetector(session),
            "float": TfliteDetector(op, contract.preprocessing),
            "raw": RawTfliteDetector(body, contract, anchors),
        }


@pytest.mark.parametrize("candidate", ["float", "raw"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_detections_are_those_of_the_inference_graph(detectors, candidate, seed):
    """Its own resize, normalisation, anchors and NMS against ours, on non-square images."""
    image = np.asarray(draw_picture(seed))
    expected, got = detectors["graph"].detect(image), detectors[candidate].detect(image)
    count = sum(score >= MIN_SCORE for score in expected.scores)
    assert count >= 2
    assert got.classes[:count].tolist() == expected.classes[:count].tolist()
    np.testing.assert_allclose(got.scores[:count], expected.scores[:count], rtol=0, atol=1e-4)
    np.testing.assert_allclose(got.boxes[:count], expected.boxes[:count], rtol=0, atol=1e-3)


def test_a_graph_of_one_size_gets_the_image_at_that_size():
    """Resized as TensorFlow resizes, in whole numbers; an image of that size goes in as it is."""
    answer = {
        "detection_boxes": np.zeros((1, 0, 4), np.float32),
        "detection_scores": np.zeros((1, 0), np.float32),
        "detection_classes": np.zeros((1, 0), np.float32),
        "num_detections": np.float32([0]),
    }
    runtime = _Fake(["image_tensor"], answer=answer, shape=(1, 2, 3, 3))
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    detector = GraphDetector(runtime)
    assert detector.image_size == (2, 3)
    detector.detect(image)
    detector.detect(image[:2, :3])
    resized, same = (feed["image_tensor"] for feed in runtime.feeds)
    assert resized.dtype == np.uint8
    np.testing.assert_array_equal(resized[0], np.rint(resize_bilinear(image, 2, 3)))
    np.testing.assert_array_equal(same[0], image[:2, :3])


def test_classes_begin_at_one(detectors):
    """As label maps do; the op itself begins at 0."""
    image = np.asarray(draw_picture(1))
    for detector in detectors.values():
        assert set(detector.detect(image).classes.tolist()) == {1, 2}


def test_slots_beyond_the_count_are_no_detections():
    """The graph pads its outputs with zeros."""
    answer = {
        "detection_boxes": np.float32([[[0, 0, 1, 1], [0.25, 0, 1, 1], [0, 0, 0, 0]]]),
        "detection_scores": np.float32([[0.75, 0.5, 0]]),
        "detection_classes": np.float32([[2, 1, 1]]),
        "num_detections": np.float32([2]),
    }
    runtime = _Fake(["image_tensor"], answer=answer, shape=(-1, -1, -1, 3))
    image = np.zeros((4, 6, 3), np.uint8)
    found = GraphDetector(runtime).detect(image)
    assert found == Detections(((0, 0, 1, 1), (0.25, 0, 1, 1)), (0.75, 0.5), (2, 1))
    assert runtime.feeds[0]["image_tensor"].shape == (1, 4, 6, 3)


@pytest.mark.parametrize("inputs", [[], ["encoded_image_string_tensor"], ["image_tensor", "more"]])
def test_inference_graph_with_another_input_is_refused(inputs):
    """For example one that takes JPEG bytes."""
    with pytest.raises(GraphError, match=r"takes another input: expected image_tensor, got \["):
        GraphDetector(_Fake(inputs))


@pytest.mark.parametrize(
    ("make", "needed", "other"), [("float", OP, RAW), ("raw", RAW, OP)], ids=["float", "raw"]
)
def test_file_of_another_form_is_refused(contract, make, needed, other):
    """A raw file where one with the op is meant, and the other way round; outputs go by name."""
    with pytest.raises(
        ConversionError, match=f"lacks outputs.*{needed[0]}.*got {other[0]}.*was it"
    ):
        _detector(make, _Fake([INPUT_NAME], other), contract)
    with pytest.raises(ConversionError, match=r"lacks outputs.*got none"):
        _detector(make, _Fake([INPUT_NAME]), contract)
    with pytest.raises(ConversionError, match=r"lacks outputs.*all of them in --output_arrays"):
        _detector(make, _Fake([INPUT_NAME], needed[:1]), contract)
    _detector(make, _Fake([INPUT_NAME], needed[::-1]), contract)


@pytest.mark.parametrize("make", ["float", "raw"])
@pytest.mark.parametrize("inputs", [[], ["one", "two"]])
def test_file_without_one_input_is_refused(contract, make, inputs):
    """An SSD takes one image."""
    with pytest.raises(ConversionError, match=f"one input, got {', '.join(inputs) or 'none'}"):
        _detector(make, _Fake(inputs, OP + RAW), contract)


def _detector(make, runtime, contract):
    if make == "float":
        return TfliteDetector(runtime, contract.preprocessing)
    return RawTfliteDetector(runtime, contract, np.zeros((1, 4), np.float32))


@pytest.fixture(scope="module")
def contract():
    """Of the default miniature."""
    return export_from_graph(build_graph(Miniature()).as_graph_def(), ExportOptions()).contract


def test_outputs_of_a_batch_are_stacked_by_image():
    """Every output, the images along a new first axis, in their order."""

    class Doubling(_Fake):
        """Its outputs are named by its specs."""

        def run(self, feed):
            (array,) = feed.values()
            assert array.shape == (1, 2, 3, 3)
            return {"double": 2 * array, "first": array[:, 0, 0, 0]}

    feeds = np.arange(4 * 18, dtype=np.float32).reshape(4, 1, 2, 3, 3)
    out = run_batchwise(Doubling(["image"], ["double", "first"]), feeds)
    np.testing.assert_array_equal(out["double"], 2 * feeds)
    np.testing.assert_array_equal(out["first"], feeds[:, :, 0, 0, 0])


class _Bytes(_Fake):
    """Takes uint8 at scale 1/127 and zero point 128, and gives both raw outputs as int8."""

    def __init__(self):
        super().__init__([])
        self.inputs = (TensorSpec("image", "uint8", (1, 2, 3, 3), 1 / 127, 128),)
        self.outputs = (
            TensorSpec(BOX_ENCODINGS_NAME, "int8", (1, 1, 4), 0.25, 0),
            TensorSpec(CLASS_PREDICTIONS_NAME, "int8", (1, 1, 3), 1 / 256, -128),
        )

    def run(self, feed):
        check_feed(feed, self.inputs)
        self.feeds.append(feed["image"])
        boxes = np.int8([[[4, 8, -4, 0]]])
        return {BOX_ENCODINGS_NAME: boxes, CLASS_PREDICTIONS_NAME: np.int8([[[-128, 64, 0]]])}


def _small(contract):
    """The preprocessing for two rows of three pixels."""
    return dataclasses.replace(contract.preprocessing, height=2, width=3)


def test_quantised_file_is_fed_by_its_scale_and_read_by_its_scales():
    """Reals in, reals out; bytes are fed as they are."""
    runtime = _Bytes()
    reals = np.linspace(-128 / 127, 1, 36, dtype=np.float32).reshape(2, 1, 2, 3, 3)
    out = run_batchwise(runtime, reals)
    assert runtime.feeds[0].dtype == np.uint8
    assert (runtime.feeds[0].min(), runtime.feeds[1].max()) == (0, 255)
    assert out[BOX_ENCODINGS_NAME].dtype == np.float32
    np.testing.assert_array_equal(out[BOX_ENCODINGS_NAME][1], [[[1, 2, -1, 0]]])
    np.testing.assert_array_equal(out[CLASS_PREDICTIONS_NAME][0], [[[0, 0.75, 0.5]]])
    run_batchwise(runtime, np.stack(runtime.feeds))
    np.testing.assert_array_equal(runtime.feeds[2:], runtime.feeds[:2])


def test_raw_detector_takes_quantised_files(contract):
    """The port of the op sees reals."""
    runtime = _Bytes()
    anchors = np.float32([[0.5, 0.5, 0.5, 0.5]])
    contract = dataclasses.replace(contract, preprocessing=_small(contract))
    found = RawTfliteDetector(runtime, contract, anchors).detect(np.asarray(draw_picture(1)))
    assert found.scores[0] == 0.75
    assert runtime.feeds[0].dtype == np.uint8


def test_detector_feeds_bytes_by_the_file_s_scale(contract):
    """A file with the op: its outputs are floats whatever its input."""

    class WithOp(_Bytes):
        def __init__(self):
            super().__init__()
            self.outputs = tuple(TensorSpec(name, "float32", (1,)) for name in OP)

        def run(self, feed):
            super().run(feed)
            slots = [np.float32([[[0, 0, 1, 1]]]), *np.float32([[[1]], [[0.5]], [[1]]])]
            return dict(zip(OP, [*slots[:3], slots[3][0]], strict=True))

    runtime = WithOp()
    found = TfliteDetector(runtime, _small(contract)).detect(np.asarray(draw_picture(1)))
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.5], [2])
    assert len(np.unique(runtime.feeds[0])) > 3


def test_images_that_were_normalised_before_are_refused():
    """Fault P04: divided by 255, then cast to the bytes that the file takes."""
    photos = np.random.default_rng(1).integers(0, 256, (3, 1, 2, 3, 3))
    with pytest.raises(
        FeedError,
        match=r"has 2 distinct values \(0, 1\): .*before \(image\); feed pixels quantised",
    ):
        run_batchwise(_Bytes(), np.uint8(photos > 128))
    black = np.zeros((1, 1, 2, 3, 3), np.uint8)
    assert run_batchwise(_Bytes(), black)[BOX_ENCODINGS_NAME].shape == (1, 1, 1, 4)
