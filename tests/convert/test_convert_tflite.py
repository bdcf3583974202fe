"""An exported graph becomes a .tflite file whole, or a line that says why not."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from full_disk import NO_ROOM, room_for
from miniatures import Miniature, build_graph, write_checkpoint, write_frozen_graph

from validation.convert.conversion import Conversion, conversion_of
from validation.convert.tflite import convert, default_variant
from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    ConversionError,
    CorruptGraph,
    UsageError,
)
from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import write_export
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME
from validation.tflite.facts import read_tflite

FLOAT = conversion_of("float")
RAW = conversion_of("raw")
RAW_NAMES = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The default miniature's two forms on disk, by the variant made from each."""
    folder = tmp_path_factory.mktemp("exports")
    export = export_from_graph(build_graph(Miniature()).as_graph_def(), ExportOptions())
    return {
        "float": write_export(folder / "float", export),
        "raw": write_export(folder / "raw", without_postprocessing(export)),
    }


@pytest.fixture
def changed(exports, tmp_path):
    """A form's graph with a change, on disk."""

    def write(variant, change):
        graph = tf.GraphDef.FromString(exports[variant].graph.read_bytes())
        change({node.name: node for node in graph.node})
        path = tmp_path / "changed.pb"
        path.write_bytes(graph.SerializeToString())
        return path

    return write


def _session_outputs(graph, feed):
    with tf.Graph().as_default() as scope:
        tf.import_graph_def(tf.GraphDef.FromString(graph.read_bytes()), name="")
        with tf.Session(graph=scope) as session:
            return session.run([f"{name}:0" for name in RAW_NAMES], {f"{INPUT_NAME}:0": feed})


def test_float_file_ends_in_the_op(exports, tmp_path):
    """Four outputs by the op's names, its attributes and anchors inside."""
    file = read_tflite(convert(exports["float"].graph, FLOAT, tmp_path / "f.tflite"))
    names = [spec.name for spec in file.outputs]
    assert names == [f"TFLite_Detection_PostProcess{end}" for end in ("", ":1", ":2", ":3")]
    assert file.postprocess == exports["float"].contract.postprocess
    assert file.anchors == (132, 4)
    assert [(spec.name, spec.shape) for spec in file.inputs] == [(INPUT_NAME, (1, 48, 64, 3))]


@pytest.mark.parametrize("source", ["raw", "float"])
def test_raw_file_computes_what_the_session_computes(exports, tmp_path, source):
    """Made from either form, it ends in the two raw outputs."""
    path = convert(exports[source].graph, RAW, tmp_path / "r.tflite")
    feed = np.random.default_rng(2).uniform(-1, 1, (1, 48, 64, 3)).astype(np.float32)
    with TfliteRuntime(path) as runtime:
        outputs = runtime.run({INPUT_NAME: feed})
    assert set(outputs) == set(RAW_NAMES)
    expected = _session_outputs(exports["raw"].graph, feed)
    for name, values in zip(RAW_NAMES, expected, strict=True):
        np.testing.assert_allclose(outputs[name], values, rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", ["float", "raw"])
def test_same_graph_gives_the_same_bytes(exports, tmp_path, variant):
    """A release can be made again."""
    conversion = conversion_of(variant)
    one = convert(exports[variant].graph, conversion, tmp_path / "one.tflite")
    two = convert(exports[variant].graph, conversion, tmp_path / "two.tflite")
    assert one.read_bytes() == two.read_bytes()


def test_text_graph_gives_the_same_bytes(exports, tmp_path):
    """The .pbtxt beside the .pb is the same graph."""
    one = convert(exports["float"].graph, FLOAT, tmp_path / "one.tflite")
    two = convert(exports["float"].text, FLOAT, tmp_path / "two.tflite")
    assert one.read_bytes() == two.read_bytes()


def test_part_of_a_graph_may_be_converted(exports, tmp_path):
    """From an inner tensor on, as somebody does who looks for a layer."""
    inner = "FeatureExtractor/Miniature/Conv2d_1/Relu6"
    path = convert(exports["raw"].graph, Conversion((inner,), RAW_NAMES), tmp_path / "p.tflite")
    assert [spec.shape for spec in read_tflite(path).inputs] == [(1, 12, 16, 16)]


def test_variant_follows_from_the_graph(exports):
    """The op decides."""
    assert default_variant(exports["float"].graph) == "float"
    assert default_variant(exports["raw"].graph) == "raw"


def test_unknown_variant_is_a_usage_error():
    """The known ones are listed."""
    with pytest.raises(UsageError, match=r"unknown variant: expected float \| raw \| .*, got int7"):
        conversion_of("int7")


def test_inference_graph_is_sent_to_the_export(tmp_path):
    """The most common mistake: frozen_inference_graph.pb straight into the converter."""
    graph = write_frozen_graph(tmp_path / "frozen_inference_graph.pb")
    with pytest.raises(
        ConversionError, match=r"inference graph.*got .*TensorArray.*export --frozen"
    ):
        convert(graph, FLOAT, tmp_path / "f.tflite")
    meta = write_checkpoint(tmp_path).with_name("model.ckpt.meta")
    with pytest.raises(ConversionError, match=r"not convertible.*\(model.ckpt.meta\)"):
        convert(meta, FLOAT, tmp_path / "f.tflite")


@pytest.mark.parametrize(
    ("conversion", "message"),
    [
        ({"output_arrays": ("boxes",)}, r"no node for output array 'boxes' .*expected TFLite_Det"),
        (
            {"output_arrays": ("'TFLite_Detection_PostProcess'",)},
            r"output array \"'TFLite_Detection_PostProcess'\" \(the quotes belong to the name\)",
        ),
        (
            {"input_arrays": ('"normalized_input_image_tensor"',)},
            r"input array '\"normal.*\(the quotes belong to the name\).*expected normalized_input",
        ),
        ({"input_arrays": ("image_tensor",)}, r"input array 'image_tensor' .*expected normalized_"),
        ({"input_arrays": ()}, "needs input arrays and output arrays.*got 0 and 4"),
        ({"output_arrays": ()}, "needs input arrays and output arrays.*got 1 and 0"),
        (
            {"output_arrays": ("TFLite_Detection_PostProcess:7",)},
            "refused.*PostProcess:7|refused.*output index 7",
        ),
        (
            {"input_shapes": {INPUT_NAME: (1, 50, 64, 3)}},
            r"another input shape .*expected \[1, 48, 64, 3\], got \[1, 50, 64, 3\].*image_resizer",
        ),
        ({"input_shapes": {INPUT_NAME: (48, 64, 3)}}, r"another input shape .*got \[48, 64, 3\]"),
        ({"input_shapes": {"image": (1, 48, 64, 3)}}, "refused.*'image'"),
        ({"allow_custom_ops": False}, "is a custom op of TFLite.*expected allow_custom_ops"),
    ],
    ids=[
        "no such output",
        "quoted output",
        "quoted input",
        "no such input",
        "no input",
        "no output",
        "no such tensor",
        "other size",
        "other rank",
        "shape of another name",
        "no custom ops",
    ],
)
def test_conversion_that_cannot_be_is_refused_in_one_line(exports, tmp_path, conversion, message):
    """Names that are not there, shapes that do not fit, the op without its permission."""
    asked = dataclasses.replace(FLOAT, **conversion)
    with pytest.raises(ConversionError, match=message) as error:
        convert(exports["float"].graph, asked, tmp_path / "f.tflite")
    assert "\n" not in str(error.value)
    assert "tflite_graph.pb" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_op_of_the_raw_form_is_not_there(exports, tmp_path):
    """The float variant of a graph without the op: its real ends are listed."""
    with pytest.raises(ConversionError, match=r"expected raw_outputs/box.* \| raw_outputs/class"):
        convert(exports["raw"].graph, FLOAT, tmp_path / "f.tflite")


def test_raw_outputs_need_no_custom_op(exports, tmp_path):
    """Without permission the body still converts."""
    asked = dataclasses.replace(RAW, allow_custom_ops=False)
    assert convert(exports["float"].graph, asked, tmp_path / "r.tflite").is_file()


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("Relu66", r"refused.*got Op type not registered 'Relu66'"),
        ("Digamma", r"no TFLite runtime has.*TFLite_Detection_PostProcess, got Digamma"),
    ],
    ids=["TensorFlow", "TFLite"],
)
def test_unknown_op_is_refused(changed, tmp_path, op, message):
    """Where custom ops are allowed the converter itself would let Digamma pass."""

    def swap(nodes):
        nodes["FeatureExtractor/Miniature/Conv2d_1/Relu6"].op = op

    with pytest.raises(ConversionError, match=message):
        convert(changed("raw", swap), RAW, tmp_path / "r.tflite")
    assert not (tmp_path / "r.tflite").exists()


def test_op_without_its_attributes_is_refused(changed, tmp_path):
    """TensorFlow knows which must be there."""

    def strip(nodes):
        del nodes["TFLite_Detection_PostProcess"].attr["num_classes"]

    with pytest.raises(ConversionError, match=r"refused the graph.*attr 'num_classes'") as error:
        convert(changed("float", strip), FLOAT, tmp_path / "f.tflite")
    assert "\n" not in str(error.value)


def test_graph_that_cannot_be_read_is_refused(tmp_path):
    """As `read_graph` refuses it."""
    with pytest.raises(ArtefactMissing, match=r"no.pb"):
        convert(tmp_path / "no.pb", FLOAT, tmp_path / "f.tflite")
    (tmp_path / "bad.pb").write_bytes(b"404 Not Found")
    with pytest.raises(CorruptGraph, match=r"bad.pb"):
        convert(tmp_path / "bad.pb", FLOAT, tmp_path / "f.tflite")
    with pytest.raises(CorruptGraph, match=r"bad.pb"):
        default_variant(tmp_path / "bad.pb")


def test_file_lands_in_a_folder_that_is_made(exports, tmp_path):
    """And alone: no temporary file beside it."""
    path = convert(exports["raw"].graph, RAW, tmp_path / "a" / "b" / "r.tflite")
    assert [each.name for each in path.parent.iterdir()] == ["r.tflite"]


def test_file_is_replaced_and_not_overwritten(exports, tmp_path):
    """Whoever holds the earlier file open, or mapped, reads it to its end."""
    output = tmp_path / "r.tflite"
    output.write_bytes(b"earlier")
    with output.open("rb") as held:
        convert(exports["raw"].graph, RAW, output)
        assert held.read() == b"earlier"
    assert output.read_bytes()[4:8] == b"TFL3"


def test_full_disk_leaves_the_earlier_file(exports, tmp_path):
    """Nothing half-written, and nothing lies about."""
    output = tmp_path / "r.tflite"
    output.write_bytes(b"earlier")
    with (
        room_for(1000),
        pytest.raises(ArtefactError, match=rf"cannot be written \(.*r.tflite\): got {NO_ROOM}"),
    ):
        convert(exports["raw"].graph, RAW, output)
    assert output.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [output]


def test_folder_that_cannot_be_made_is_told(exports, tmp_path):
    """A file stands where the folder should."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ArtefactError, match=r"folder cannot be made \(.*taken\)"):
        convert(exports["raw"].graph, RAW, tmp_path / "taken" / "r.tflite")
