"""A .tflite is told by meaning and place, also where the order or the contract is another."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import fake_quant_graph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConversionError, ValidationError
from validation.faults import file_edits
from validation.inspection.of_tflite import inspect_tflite
from validation.inspection.op_runtimes import runtime_needs
from validation.inspection.text_of_tflite import text_of_tflite

_ATTRIBUTES = dataclasses.asdict(fake_quant_graph.ATTRIBUTES)


def test_quantised_file_with_the_op(files) -> None:
    """Input, outputs, attributes, anchors, runtime, and the contract beside it."""
    facts = inspect_tflite(files.uint8)
    (image,) = facts.inputs
    assert (image.role, image.dtype, image.shape) == ("image", "uint8", (1, 16, 24, 3))
    assert image.real_range == pytest.approx((-1, 1), abs=0.01)
    assert [(end.position, end.role, end.shape) for end in facts.outputs] == [
        (0, "boxes", (1, 5, 4)),
        (1, "classes", (1, 5)),
        (2, "scores", (1, 5)),
        (3, "count", (1,)),
    ]
    assert facts.postprocess is not None
    assert dataclasses.asdict(facts.postprocess) == pytest.approx(_ATTRIBUTES)
    assert facts.anchors == fake_quant_graph.NUM_ANCHORS
    assert facts.numbers == "uint8 throughout, one scale for each tensor"
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == "tflite_graph.json beside it"
    assert facts.preprocessing.feed.startswith("uint8, the pixel as it is")
    assert facts.stray_floats == ()
    assert facts.runtime.noted == facts.runtime.by_ops != ""
    assert any("one thread" in note for note in facts.notes)


def test_raw_float_file(files) -> None:
    """Encodings and class predictions; no op, no contract, nothing claimed."""
    facts = inspect_tflite(files.float)
    assert {end.role for end in facts.outputs} == {"box_encodings", "class_predictions"}
    assert (facts.postprocess, facts.numbers) == (None, "float32")
    assert facts.anchors == fake_quant_graph.NUM_ANCHORS
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == ""
    assert facts.notes == ()


def test_swapped_outputs_keep_their_meaning(files, tmp_path: Path) -> None:
    """By what the op writes, not by place; and the order is pointed out."""

    def swap(model) -> None:
        model.subgraphs[0].outputs = model.subgraphs[0].outputs[[0, 2, 1, 3]]

    path = file_edits.rewrite(files.uint8, tmp_path / "m.tflite", swap)
    facts = inspect_tflite(path)
    assert [end.role for end in facts.outputs] == ["boxes", "scores", "classes", "count"]
    assert any("not in the op's order" in note for note in facts.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: about["preprocessing"].update(height=32), "input [32, 24]"),
        (lambda about: about.update(num_anchors=7), "anchors 7, the file's 60"),
        (lambda about: about.update(num_classes=90), "classes 90, the file's 2"),
        (lambda about: about.pop("num_classes"), "is ignored"),
    ],
)
def test_contract_of_another_model_is_not_heard(files, tmp_path: Path, change, said: str) -> None:
    """It lies beside the file by chance; the file is told of all the same."""
    path = Path(shutil.copy(files.uint8, tmp_path))
    about = json.loads(files.uint8.with_name("tflite_graph.json").read_text())
    change(about)
    (tmp_path / "tflite_graph.json").write_text(json.dumps(about))
    facts = inspect_tflite(path)
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == ""
    assert any(said in note for note in facts.notes), facts.notes


def test_slots_of_several_classes(files, tmp_path: Path) -> None:
    """max_classes_per_detection multiplies the slots."""
    change = file_edits.change_attributes(max_classes_per_detection=2, use_regular_nms=False)
    path = file_edits.rewrite(files.uint8, tmp_path / "m.tflite", change)
    facts = inspect_tflite(path)
    assert facts.outputs[0].shape == (1, 10, 4)
    assert any("fast NMS" in note for note in facts.notes)


def test_attributes_that_are_no_numbers(files, tmp_path: Path) -> None:
    """The op's options are a map of anything."""
    change = file_edits.change_attributes(max_detections="many")
    path = file_edits.rewrite(files.uint8, tmp_path / "m.tflite", change)
    with pytest.raises(ConversionError, match=r"max_detections .* not a number .*'many'"):
        inspect_tflite(path)


def test_float_tensors_of_an_integer_file(files, tmp_path: Path) -> None:
    """A float that is none of the op's is named."""

    def change(model) -> None:
        graph = model.subgraphs[0]
        ends = {*graph.inputs, *graph.outputs}
        place = next(i for i in range(len(graph.tensors)) if i not in ends)
        graph.tensors[place].type = 0
        graph.tensors[place].name = b"stray"

    path = file_edits.rewrite(files.uint8, tmp_path / "m.tflite", change)
    facts = inspect_tflite(path)
    assert facts.stray_floats == ("stray",)
    assert "1 in a file of 8 bits: stray" in text_of_tflite(facts)


def test_names_cannot_write_to_the_terminal(files, tmp_path: Path) -> None:
    """What a terminal would obey is shown escaped."""

    def change(model) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].name = b"\x1b[2Jimage\n"

    path = file_edits.rewrite(files.float, tmp_path / "m.tflite", change)
    text = text_of_tflite(inspect_tflite(path))
    assert "\x1b" not in text
    assert r"\x1b[2Jimage\n" in text


def test_runtime_of_ops() -> None:
    """The highest need counts; versions are numbers, not text; strangers are named."""
    needs = runtime_needs({"ADD": 2, "CONV_2D": 5, "SHAPE": 1}, "")
    assert (needs.by_ops, needs.because) == ("2.4.0", "CONV_2D version 5")
    assert runtime_needs({"SHAPE": 1, "ABS": 9, "ADD": 99}, "").not_in_table == (
        "ABS version 9",
        "ADD version 99",
    )
    assert runtime_needs({"TILE": 1, "PRELU": 1, "PADV2": 1}, "").by_ops == "1.10.1"
    assert runtime_needs({}, "1.5.0").noted == "1.5.0"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_facts_or_one_error(files, data) -> None:
    """Bytes changed anywhere, or the end missing."""
    content = bytearray(files.float.read_bytes())
    for place in data.draw(st.lists(st.integers(8, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(8, len(content)))
    path = files.float.with_name("damaged.tflite")
    path.write_bytes(content[:end])
    try:
        assert text_of_tflite(inspect_tflite(path)).startswith("damaged.tflite: ")
    except ValidationError as error:
        assert "\n" not in str(error)
