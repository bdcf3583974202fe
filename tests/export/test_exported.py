"""An export on disk is found whole, with the contract that it was written with."""

import json

import numpy as np
import pytest

from validation.errors import ArtefactMissing, GraphError
from validation.export.exported import load_export, read_anchors
from validation.export.graph_io import write_export


@pytest.fixture
def folder(export_of, tmp_path):
    """An export of the default miniature."""
    write_export(tmp_path, export_of())
    return tmp_path


def test_export_is_found(folder, export_of):
    """Paths, form and contract."""
    export = load_export(folder)
    assert export.contract == export_of().contract
    assert export.add_postprocessing_op
    assert export.graph == folder / "tflite_graph.pb"
    assert export.text == folder / "tflite_graph.pbtxt"
    assert export.anchors == folder / "anchors.npy"


def test_text_is_for_people(export_of, tmp_path):
    """An export without it is whole: it is only written where somebody may read it."""
    assert write_export(tmp_path / "bare", export_of(), text=False).text is None
    assert not list((tmp_path / "bare").glob("*.pbtxt"))


@pytest.mark.parametrize("name", ["tflite_graph.pb", "tflite_graph.json", "anchors.npy"])
def test_missing_file_is_named(folder, name):
    """Half an export is none."""
    (folder / name).unlink()
    with pytest.raises(ArtefactMissing, match=f"incomplete.*expected {name}"):
        load_export(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.pop("add_postprocessing_op"),
        lambda about: about.pop("preprocessing"),
        lambda about: about.update(colour="red"),
        lambda about: about["preprocessing"].update(scale=[1.0]),
        lambda about: about.update(postprocess=None),
        lambda about: about["preprocessing"].update(height=10**9),
        lambda about: about["preprocessing"].update(width=0),
        lambda about: about["preprocessing"].update(scale=[1.0, {"float": "nan"}, 1.0]),
        lambda about: about.update(num_anchors=10**30),
        lambda about: about.update(num_classes=-1),
        lambda about: about["postprocess"].update(max_detections=2 * 10**9),
        lambda about: about["postprocess"].update(h_scale=10**400),
        lambda about: about["postprocess"].update(h_scale=0),
    ],
    ids=[
        "no form",
        "no preprocessing",
        "unknown field",
        "one scale",
        "no attributes",
        "huge input",
        "no width",
        "no number",
        "huge anchors",
        "no classes",
        "huge output",
        "no float",
        "no divisor",
    ],
)
def test_contract_that_is_not_one_is_refused(folder, change):
    """Edited by hand, or written by another version."""
    path = folder / "tflite_graph.json"
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))
    with pytest.raises(
        GraphError, match=r"contract.*cannot be read.*json\).*export the graph again"
    ):
        load_export(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1"])
def test_other_text_is_no_contract(folder, text):
    """Whatever stands in the file."""
    (folder / "tflite_graph.json").write_text(text)
    with pytest.raises(GraphError, match="contract of an exported graph cannot be read"):
        load_export(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda anchors: anchors[1:], r"float32 \[\d+, 4\], not float32 \[\d+, 4\]"),
        (lambda anchors: anchors[:, :3], r"float32 \[\d+, 3\], not"),
        (lambda anchors: anchors.astype(np.float64), r"float64 \[\d+, 4\], not"),
        (lambda anchors: np.where(anchors > 0.5, np.nan, anchors), "numbers that are not finite"),
    ],
    ids=["fewer", "columns", "dtype", "not finite"],
)
def test_anchors_of_another_model_are_refused(folder, change, said):
    """Decoding by them would give boxes all the same."""
    path = folder / "anchors.npy"
    np.save(path, change(read_anchors(load_export(folder))))
    with pytest.raises(GraphError, match=rf"anchors .* cannot be read .*anchors\.npy\).*{said}"):
        read_anchors(load_export(folder))


def test_damaged_anchors_are_refused(folder):
    """Cut, empty, or something else."""
    path = folder / "anchors.npy"
    for content in (path.read_bytes()[:-4], b"", b"anchors"):
        path.write_bytes(content)
        with pytest.raises(GraphError, match=r"anchors of an exported graph cannot be read"):
            read_anchors(load_export(folder))
