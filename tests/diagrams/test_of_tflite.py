"""Operations of a .tflite file: facts, quantisation, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_tflite import write_tiny_tflite

from validation.diagrams.dot import dot_text
from validation.diagrams.drawing import drawn
from validation.diagrams.folding import fold
from validation.diagrams.of_tflite import tflite_operations
from validation.diagrams.operations import shape_text
from validation.errors import ArtefactMissing, ConversionError, ValidationError


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a convolution and a post-processing op."""
    return write_tiny_tflite(tmp_path_factory.mktemp("tiny") / "tiny.tflite")


def test_operations_carry_their_facts(tiny: Path) -> None:
    """Kernel, stride, channels, activation and how the weights are stored."""
    convolution, postprocess = tflite_operations(tiny).operations
    assert convolution.kind == "CONV_2D"
    assert convolution.name == "FeatureExtractor/M/M/Conv2d_0/Relu6"
    assert convolution.facts == (shape_text((3, 3)), "stride 2", "3→4", "RELU6")
    assert convolution.weights == "int8 per channel, 4 scales"
    assert "2 classes, at most 10 detections" in postprocess.facts
    assert "regular NMS, by class" in postprocess.facts


def test_constants_and_what_is_made_of_them_are_left_out(tiny: Path) -> None:
    """A widened constant is no operation, and no edge leads from it."""
    graph = tflite_operations(tiny)
    assert [op.kind for op in graph.operations] == ["CONV_2D", "TFLite_Detection_PostProcess"]
    assert graph.operations[1].inputs == graph.operations[0].outputs
    assert "DEQUANTIZE" in " ".join(graph.notes)


def test_tensors_carry_type_and_quantisation(tiny: Path) -> None:
    """Scale and zero point of a tensor; a custom op's output has no shape that is known."""
    graph = tflite_operations(tiny)
    image, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert (image.dtype, image.shape) == ("uint8", (1, 8, 8, 3))
    assert image.quantisation == "scale 0.007812 zero 128"
    assert (result.dtype, result.shape, result.quantisation) == ("float32", None, "")


def test_the_picture_says_it_all(tiny: Path) -> None:
    """What a reader looks for stands in the DOT text, the legend included."""
    text = dot_text(drawn(fold(tflite_operations(tiny))))
    for told in (
        "Conv2d_0",
        "stride 2",
        "int8 per channel",
        "scale 0.0235 zero 0",
        "output: boxes",
        "Feature extractor",
        "Post-processing",
        "quantised",
    ):
        assert told in text, told


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """No file, no picture."""
    with pytest.raises(ArtefactMissing, match=r"no \.tflite file"):
        tflite_operations(tmp_path / "none.tflite")


def test_another_format_is_told(tmp_path: Path) -> None:
    """Bytes without TFLite's identifier are refused by name."""
    path = tmp_path / "other.tflite"
    path.write_bytes(b"PK\3\4 something else")
    with pytest.raises(ConversionError, match=r"this is a zip archive .*expected a .tflite file"):
        tflite_operations(path)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_torn_files_end_in_one_error(tiny: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Cut off or overwritten anywhere: a picture, or an error of the tree."""
    content = bytearray(tiny.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(8, len(content))) :]
    path = tmp_path / "torn.tflite"
    path.write_bytes(content)
    try:
        text = dot_text(drawn(fold(tflite_operations(path))))
    except ValidationError as error:
        assert "\n" not in str(error)
    else:
        assert text.startswith("digraph")
