"""A miniature goes from its archive to .tflite files, each step once."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from miniature_cases import MODEL, MiniatureFiles, make_case
from numpy.typing import NDArray
from zoo_archives import entries_at

from validation.errors import ArtefactMissing, CorruptGraph, DatasetError, GraphConfigMismatch
from validation.export.exported import ExportOptions
from validation.faults.graph_edits import change_constants, rewrite_graph
from validation.files.digest import file_sha256
from validation.labels.reading import labels_by_id, parse_labels
from validation.record.run import Step
from validation.specs.contracts import POSTPROCESS_NAME
from validation.tflite.facts import read_tflite
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import EVALUATION, FAST_NMS, GUIDE_DEFAULT, ModelBuild
from validation.workspace.products import ProductCache


def _build(zoo: Path, cache: Path, steps: list[Step] | None = None) -> ModelBuild:
    told: list[Step] = [] if steps is None else steps
    (entry,) = entries_at(zoo)
    return ModelBuild(
        entry,
        ProductCache(cache / "work", told.append),
        cache_dir=cache,
        offline=True,
        on_step=told.append,
    )


def _copied(miniature: MiniatureFiles, folder: Path) -> Path:
    """An archive of its own, to be changed."""
    zoo = folder / "zoo"
    shutil.copytree(miniature.archive, zoo / MODEL)
    return zoo


def test_archive_is_described(miniature: MiniatureFiles) -> None:
    """The folder is used in place, and obtaining it is a step."""
    steps: list[Step] = []
    build = make_case(miniature, steps=steps).build
    assert build.archive.root == miniature.archive
    assert build.archive.labels is not None
    assert build.archive.labels.by_number == {1: "square", 2: "disc"}
    assert build.reference_graph == miniature.archive / "frozen_inference_graph.pb"
    assert [(step.model, step.step) for step in steps] == [(MODEL, "fetch")]


def test_both_forms_of_the_export(miniature: MiniatureFiles) -> None:
    """With and without the post-processing op, one contract."""
    build = make_case(miniature).build
    with_op, raw = build.exported(), build.exported(add_postprocessing_op=False)
    assert with_op.add_postprocessing_op
    assert not raw.add_postprocessing_op
    assert with_op.contract == raw.contract
    assert with_op.graph.is_file()
    assert with_op.graph != raw.graph
    assert with_op.contract.postprocess.max_detections == 20
    assert with_op.contract.postprocess.use_regular_nms


@pytest.mark.parametrize(
    ("options", "most", "regular"),
    [(EVALUATION, 20, True), (FAST_NMS, 20, False), (GUIDE_DEFAULT, 10, False)],
)
def test_flags_reach_the_file(
    miniature: MiniatureFiles, options: ExportOptions, most: int, regular: bool
) -> None:
    """What was asked of the exporter stands in the .tflite file."""
    build = make_case(miniature).build
    found = read_tflite(build.tflite("float", options)).postprocess
    assert found is not None
    assert (found.max_detections, found.use_regular_nms) == (most, regular)
    assert found == build.exported(options).contract.postprocess


def test_summary_speaks_of_the_file(miniature: MiniatureFiles) -> None:
    """It is read back from the exported graph, in either form."""
    build = make_case(miniature).build
    assert build.summary(add_postprocessing_op=True).outputs == (POSTPROCESS_NAME,)
    raw = build.summary(add_postprocessing_op=False)
    assert raw.postprocess is None
    assert len(raw.outputs) == 2


def test_files_are_named_by_model_and_variant(miniature: MiniatureFiles) -> None:
    """Whoever takes a file out of the cache knows what it is."""
    build = make_case(miniature).build
    assert build.tflite("float").name == f"{MODEL}-float.tflite"
    assert build.tflite("raw").name == f"{MODEL}-raw.tflite"


def test_second_session_makes_nothing(miniature: MiniatureFiles) -> None:
    """Over a filled cache every product is found, to the same bytes."""
    steps: list[Step] = []
    build = make_case(miniature, steps=steps).build
    paths = [build.tflite(variant) for variant in ("float", "raw")]
    build.summary(add_postprocessing_op=True)
    made = [step.step for step in steps if not step.cached]
    assert made == ["fetch"]
    again = make_case(miniature).build
    assert [again.tflite(variant) for variant in ("float", "raw")] == paths


def test_changed_graph_is_another_product(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """One changed constant of the archive, and nothing of the cache holds any more."""
    from tensorflow.core.framework import graph_pb2

    zoo = _copied(miniature, tmp_path)
    path = zoo / MODEL / "frozen_inference_graph.pb"
    graph = graph_pb2.GraphDef.FromString(path.read_bytes())
    (offset,) = [node for node in graph.node if node.name == "add/y"]
    offset.attr["value"].tensor.float_val[0] = 2.0
    path.write_bytes(graph.SerializeToString())
    steps: list[Step] = []
    changed = _build(zoo, miniature.cache, steps).exported().graph
    assert changed != make_case(miniature).build.exported().graph
    assert [step.cached for step in steps if step.step == "export"] == [False]


def test_config_that_disagrees_is_refused(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """pipeline.config takes part in the export: a wrong one stops it."""
    zoo = _copied(miniature, tmp_path)
    config = zoo / MODEL / "pipeline.config"
    config.write_text(config.read_text().replace("num_classes: 2", "num_classes: 3"))
    with pytest.raises(GraphConfigMismatch, match="num_classes: graph 2, config 3"):
        _build(zoo, tmp_path / "cache").exported()


def test_truncated_graph_is_refused(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """A cut file is told as such, and leaves no product."""
    zoo = _copied(miniature, tmp_path)
    path = zoo / MODEL / "frozen_inference_graph.pb"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CorruptGraph, match=r"frozen_inference_graph.pb"):
        _build(zoo, tmp_path / "cache").tflite("float")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.suffix != ".lock"] == [
        tmp_path / "cache" / "work",
        tmp_path / "cache" / "work" / "export",
    ]


def test_archive_without_graph(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """A config alone has no weights, so there is nothing to export."""
    zoo = _copied(miniature, tmp_path)
    (zoo / MODEL / "frozen_inference_graph.pb").unlink()
    with pytest.raises(ArtefactMissing, match=r"nothing to export from .*a checkpoint with"):
        _build(zoo, tmp_path / "cache").exported()


def test_checkpoint_stands_in_for_the_frozen_graph(tmp_path: Path) -> None:
    """A .meta with its values becomes the reference, and finds what the frozen graph finds."""
    import miniatures

    frozen, checkpoint = tmp_path / "frozen", tmp_path / "checkpoint"
    miniatures.write_archive(frozen / MODEL)
    miniatures.write_archive(checkpoint / MODEL, frozen=False, checkpoint=True)
    cache = tmp_path / "cache"
    steps: list[Step] = []
    from_checkpoint = _build(checkpoint, cache, steps)
    assert from_checkpoint.reference_graph.parent.parent == cache / "work" / "freeze"
    assert from_checkpoint.exported().contract == _build(frozen, cache).exported().contract
    assert [step.step for step in steps] == ["fetch", "freeze", "export"]
    # Another shard is another graph.
    (index,) = (checkpoint / MODEL).glob("*.index")
    before = from_checkpoint.reference_graph
    index.with_name("model.ckpt.more").write_text("x")
    assert _build(checkpoint, cache).reference_graph != before


def test_case_knows_its_part(miniature: MiniatureFiles) -> None:
    """The first variant speaks for the model; raw variants end in raw outputs."""
    context = make_case(miniature, "float")
    raw = make_case(miniature, "raw")
    assert (context.is_first, context.is_raw) == (True, False)
    assert (raw.is_first, raw.is_raw) == (False, True)
    assert context.class_names().names == {1: "square", 2: "disc"}
    own = dataclasses.replace(context, labels=labels_by_id({1: "dog"}, "mine"))
    assert own.class_names().describe() == "1 name for 2 classes; 1 unnamed: 2"
    three = dataclasses.replace(context, labels=parse_labels("dog\ncat\ncow", "mine"))
    with pytest.raises(DatasetError, match=r"does not fit the model's classes .mine."):
        three.class_names()


def test_images_of_a_session(miniature: MiniatureFiles) -> None:
    """Canaries first, then the data set by id; keys are unique."""
    context: CheckContext = make_case(miniature)
    files = image_files(context.dataset, context.canaries)
    canaries = [canary.path.name for canary in context.canaries]
    assert [file.key for file in files] == [*canaries, *(str(number) for number in range(1, 7))]
    assert [file.key for file in image_files(None, context.canaries)] == canaries
    assert all(file.path.is_file() for file in files)


def test_products_say_what_they_came_from(miniature: MiniatureFiles) -> None:
    """Beside each product lies what it was made from, so that a cache can be audited."""
    build = make_case(miniature).build
    about = json.loads((build.tflite("float").parent / "made_from.json").read_text())
    assert about["graph"] == file_sha256(build.exported().graph)
    assert about["variant"] == "float"
    assert set(about) >= {"tensorflow", "code"}


def test_another_preprocessing_is_another_product(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """Two archives whose graphs differ before the exported graph begins share no contract."""
    exports = []
    for number, factor in enumerate((1.0, 0.5)):
        zoo = _copied(miniature, tmp_path / str(number))
        graph = zoo / MODEL / "frozen_inference_graph.pb"
        rewrite_graph(graph, change_constants(_is_pixel_scale, _times(factor)))
        build = _build(zoo, tmp_path / "cache")
        exports.append((build.exported(), build.exported(FAST_NMS)))
    (first, first_fast), (second, second_fast) = exports
    assert first.contract.preprocessing == first_fast.contract.preprocessing
    assert second.contract.preprocessing == second_fast.contract.preprocessing
    assert first.contract.preprocessing != second.contract.preprocessing


def _is_pixel_scale(name: str, shape: tuple[int, ...]) -> bool:
    return name.startswith("Preprocessor/") and name.endswith("mul/x") and not shape


def _times(factor: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    return lambda values: values * np.asarray(factor, values.dtype)
