"""A file of another kind is called by its name, with what to type instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kind_samples import FILES, FOLDERS, GRAPH, folder_of

from validation.errors import ArtefactError, ConfigError, ValidationError
from validation.kinds.edge_tpu import EXPECTED
from validation.kinds.kind import Kind, Wanted
from validation.kinds.recognition import recognise
from validation.kinds.refusal import refusal, require_kind, table


def test_the_table_is_whole() -> None:
    """Each kind has a name and a next step, each wish takes something, no row repeats itself."""
    assert set(table().kind) == set(Kind)
    assert set(table().wanted) == set(Wanted)
    for wanted in table().wanted.values():
        assert wanted.takes
        assert not set(wanted.takes) & set(wanted.instead)


@pytest.mark.parametrize("wanted", Wanted)
def test_every_pair_has_one_line_with_a_next_step(tmp_path: Path, wanted: Wanted) -> None:
    """What it is and what to do; never that a file which is recognised should be fetched again."""
    asked = table().wanted[wanted]
    for kind, name, content in FILES:
        path = tmp_path / name
        path.write_bytes(content)
        found = recognise(path)
        assert found.kind is kind
        if kind in asked.takes:
            assert require_kind(path, wanted).kind is kind
            continue
        with pytest.raises(ArtefactError) as error:
            require_kind(path, wanted)
        line = str(error.value)
        assert table().kind[kind].name in line
        # Of the one .tflite that no command runs, the one that it was made of is asked for.
        compiled = kind is Kind.EDGE_TPU and Kind.TFLITE in asked.takes
        assert (EXPECTED if compiled else asked.expected) in line
        assert error.value.next_step
        assert not re.search(r"corrupt|fetch|\{|\n", line)


@pytest.mark.parametrize("wanted", Wanted)
def test_a_git_lfs_pointer_says_how_to_get_the_file(tmp_path: Path, wanted: Wanted) -> None:
    """By the command, whatever was asked for."""
    path = tmp_path / "m"
    path.write_bytes(next(content for kind, _, content in FILES if kind is Kind.LFS_POINTER))
    with pytest.raises(ArtefactError, match=r"Git LFS pointer.* 27381234 bytes.*git lfs pull"):
        require_kind(path, wanted)


def test_a_folder_offers_the_file_that_was_meant(tmp_path: Path) -> None:
    """The usual name first."""
    folder = folder_of(tmp_path, ("other.pb", "frozen_inference_graph.pb"))
    with pytest.raises(ArtefactError, match=r"inside: .*given/frozen_inference_graph\.pb"):
        require_kind(folder, Wanted.INFERENCE_GRAPH)


def test_the_frozen_graph_beside_a_saved_model_is_offered(tmp_path: Path) -> None:
    """As archives of the TF1 zoo have it."""
    folder = folder_of(tmp_path, ("frozen_inference_graph.pb", "saved_model/saved_model.pb"))
    graph = next(data for kind, _, data in FILES if kind is Kind.GRAPH)
    (folder / "frozen_inference_graph.pb").write_bytes(graph)
    for given in (folder / "saved_model", folder / "saved_model" / "saved_model.pb"):
        if given.is_file():
            given.write_bytes(next(data for kind, _, data in FILES if kind is Kind.SAVED_MODEL))
        with pytest.raises(ArtefactError, match=r"beside it: .*given/frozen_inference_graph\.pb"):
            require_kind(given, Wanted.INFERENCE_GRAPH)


def test_a_graph_of_any_name_beside_a_saved_model_is_not_offered(tmp_path: Path) -> None:
    """It may be anything; an empty file of the right name is none either."""
    folder = folder_of(tmp_path, ("other.pb", "saved_model/saved_model.pb"))
    (folder / "frozen_inference_graph.pb").touch()
    with pytest.raises(ArtefactError, match=r"a TensorFlow SavedModel") as error:
        require_kind(folder / "saved_model", Wanted.INFERENCE_GRAPH)
    assert "beside it: " not in str(error.value)


def test_part_of_a_file_is_called_one(tmp_path: Path) -> None:
    """With the bytes that are missing at the least."""
    path = tmp_path / "m.pb"
    path.write_bytes(GRAPH[:-5])
    with pytest.raises(
        ArtefactError, match=r"only part of a TensorFlow graph .*5 more are missing"
    ):
        require_kind(path, Wanted.INFERENCE_GRAPH)


def test_the_type_of_the_error_is_its_reader_s(tmp_path: Path) -> None:
    """So that a damaged config stays a config's error."""
    with pytest.raises(ConfigError, match=r"this is a folder \(ssd/pipeline\.config\)"):
        require_kind(tmp_path, Wanted.CONFIG, ConfigError, where="ssd/pipeline.config")
    found = recognise(folder_of(tmp_path, FOLDERS[0][1]))
    assert isinstance(refusal(found, Wanted.GRAPH, where="x"), ValidationError)


def test_the_file_that_was_compiled_for_the_edge_tpu_is_named(tmp_path: Path) -> None:
    """Not asked for as a .tflite, which it is."""
    path = tmp_path / "detect_edgetpu.tflite"
    path.write_bytes(next(data for kind, _, data in FILES if kind is Kind.EDGE_TPU))
    said = f"expected the .tflite that edgetpu_compiler was given; .*{tmp_path}/detect.tflite"
    with pytest.raises(ArtefactError, match=said):
        require_kind(path, Wanted.DETECTOR)
