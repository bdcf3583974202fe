"""Where a fault can be put into the chain: archive, export, file, feed, results, raw, time."""

from __future__ import annotations

import dataclasses
import math
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from validation.export.exported import ExportedGraph, ExportOptions
from validation.faults import file_edits as surgery
from validation.preprocess.prepare import prepare
from validation.record.detections import Detections
from validation.record.types import ModelKey, Timing
from validation.specs.contracts import Preprocessing
from validation.workspace.model_build import EVALUATION, ModelBuild
from validation.workspace.model_inference import Arrays, ModelInference
from validation.zoo.archives import Archive, obtain

Inject = Callable[[pytest.MonkeyPatch, Path], None]
Found = Mapping[str, Detections]
Change = Callable[[NDArray[Any]], NDArray[Any]]


def in_file(change: surgery.Change) -> Inject:
    """Every .tflite file of the model is changed."""

    def inject(patch: pytest.MonkeyPatch, folder: Path) -> None:
        original = ModelBuild.tflite

        def tflite(build: ModelBuild, variant: str, options: ExportOptions = EVALUATION) -> Path:
            path = original(build, variant, options)
            return surgery.rewrite(path, folder / path.parent.name / path.name, change)

        patch.setattr(ModelBuild, "tflite", tflite)

    return inject


def cut_file(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Every .tflite file loses its second half."""
    original = ModelBuild.tflite

    def tflite(build: ModelBuild, variant: str, options: ExportOptions = EVALUATION) -> Path:
        data = original(build, variant, options).read_bytes()
        target = folder / f"{variant}.tflite"
        target.write_bytes(data[: len(data) // 2])
        return target

    patch.setattr(ModelBuild, "tflite", tflite)


def in_export(change: Callable[[ExportedGraph, Path], ExportedGraph]) -> Inject:
    """What the exporter left is changed; what is converted from it changes with it."""

    def inject(patch: pytest.MonkeyPatch, folder: Path) -> None:
        original = ModelBuild.exported
        changed: dict[Path, ExportedGraph] = {}
        copying = threading.Lock()

        def exported(
            build: ModelBuild,
            options: ExportOptions = EVALUATION,
            *,
            add_postprocessing_op: bool = True,
        ) -> ExportedGraph:
            export = original(build, options, add_postprocessing_op=add_postprocessing_op)
            own = folder / f"{export.graph.parents[1].name}-{export.graph.parent.name}"
            # Once: whoever reads the changed files must not meet them while they are copied anew.
            with copying:
                if own not in changed:
                    shutil.copytree(export.graph.parent, own)
                    changed[own] = change(export, own)
                return changed[own]

        patch.setattr(ModelBuild, "exported", exported)

    return inject


def in_graph(edit: Callable[[Any], None]) -> Inject:
    """The nodes of the exported graph are changed."""

    def change(export: ExportedGraph, own: Path) -> ExportedGraph:
        from tensorflow.core.framework import graph_pb2

        graph = graph_pb2.GraphDef.FromString(export.graph.read_bytes())
        edit(graph)
        (own / export.graph.name).write_bytes(graph.SerializeToString(deterministic=True))
        return dataclasses.replace(export, graph=own / export.graph.name)

    return in_export(change)


def shift_anchors(export: ExportedGraph, own: Path) -> ExportedGraph:
    """A table of anchors a twentieth of the image too low."""
    anchors = np.load(export.anchors)
    anchors[:, 0] += 0.05
    np.save(own / export.anchors.name, anchors)
    return dataclasses.replace(export, anchors=own / export.anchors.name)


def in_feed(change: Callable[[NDArray[np.float32]], Any]) -> Inject:
    """What a .tflite file is fed is changed after it was prepared."""

    def inject(patch: pytest.MonkeyPatch, _: Path) -> None:
        def wrongly(image: NDArray[np.uint8], size: Preprocessing) -> NDArray[np.float32]:
            return np.ascontiguousarray(change(prepare(image, size)), np.float32)

        patch.setattr("validation.inference.input_cache.prepare", wrongly)

    return inject


def other_resize(patch: pytest.MonkeyPatch, _: Path) -> None:
    """The image is resized by Pillow, whose bilinear filter places its samples elsewhere."""

    def resized(image: NDArray[np.uint8], size: Preprocessing) -> NDArray[np.float32]:
        small = Image.fromarray(image).resize((size.width, size.height), Image.Resampling.BILINEAR)
        return prepare(np.asarray(small), size)

    patch.setattr("validation.inference.input_cache.prepare", resized)


def other_label_offset(patch: pytest.MonkeyPatch, _: Path) -> None:
    """Class numbers are taken for label ids as they are."""
    patch.setattr("validation.inference.tflite.LABEL_OFFSET", 0)


def in_results(change: Callable[[dict[str, Detections]], Mapping[str, Detections]]) -> Inject:
    """What the .tflite file finds is changed, as by a faulty app around it."""

    def inject(patch: pytest.MonkeyPatch, _: Path) -> None:
        original = ModelInference.candidate

        def candidate(
            inference: ModelInference, variant: str, options: ExportOptions = EVALUATION
        ) -> Found:
            return change(dict(original(inference, variant, options)))

        patch.setattr(ModelInference, "candidate", candidate)

    return inject


def both_blind(patch: pytest.MonkeyPatch, _: Path) -> None:
    """Neither the reference nor the file finds anything: two empty results agree."""
    nothing = Detections((), (), ())

    def none(inference: ModelInference, *_: object) -> Found:
        return {image.key: nothing for image in inference.runs.images}

    patch.setattr(ModelInference, "reference", none)
    patch.setattr(ModelInference, "candidate", none)
    patch.setattr(ModelInference, "seconds", lambda *_: 0.0)


def on_each(change: Callable[[Detections], Detections]) -> Inject:
    """The detections of every image are changed."""
    return in_results(lambda found: {key: change(each) for key, each in found.items()})


def on_one(change: Callable[[Detections], Detections]) -> Inject:
    """Only the detections of one image are changed: the last that has a clear one."""

    def one(found: dict[str, Detections]) -> Found:
        clear = [key for key, each in found.items() if len(each) and each.scores[0] > 0.4]
        return found | {clear[-1]: change(found[clear[-1]])}

    return in_results(one)


def scores(change: Change) -> Callable[[Detections], Detections]:
    """Change the scores [N]."""
    return lambda found: dataclasses.replace(found, scores=change(found.scores))


def classes(change: Change) -> Callable[[Detections], Detections]:
    """Change the classes [N]."""
    return lambda found: dataclasses.replace(found, classes=change(found.classes))


def boxes(change: Change) -> Callable[[Detections], Detections]:
    """Change the boxes [N, 4]."""
    return lambda found: dataclasses.replace(found, boxes=change(found.boxes))


def without_an_image(found: dict[str, Detections]) -> Found:
    """One image without a result."""
    # The last one: no canary, so that the check of canaries is not what sees it.
    found.popitem()
    return found


def one_image_late(found: dict[str, Detections]) -> Found:
    """An app that shows the last frame's boxes."""
    late = [*found.values()]
    return dict(zip(found, [late[-1], *late[:-1]], strict=True))


def doubled(found: Detections) -> Detections:
    """An NMS that lets its best detection through twice."""
    return found.take(np.array([0, *range(len(found))]))


def first_score_nan(found: Detections) -> Detections:
    """One score that is NaN."""
    return dataclasses.replace(found, scores=np.array([math.nan, *found.scores[1:]]))


def on_raw(change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Inject:
    """The raw outputs of the raw file are changed."""

    def inject(patch: pytest.MonkeyPatch, _: Path) -> None:
        original = ModelInference.raw_outputs

        def raw_outputs(inference: ModelInference, variant: str, count: int) -> Arrays:
            found = original(inference, variant, count)
            return {name: change(array) for name, array in found.items()}

        patch.setattr(ModelInference, "raw_outputs", raw_outputs)

    return inject


def noise(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """More than rounding, less than an eye sees."""
    noise = np.random.default_rng(3).normal(0, 2e-3, array.shape)
    return (array + noise).astype(np.float32)


def one_nan(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """One value in the middle that is NaN."""
    changed = array.copy()
    changed.flat[array.size // 2] = math.nan
    return changed


def roll_classes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each anchor's class filters move on by one: background, 1, 2 become 2, background, 1."""
    grouped = values.reshape(-1, 3, *values.shape[1:])
    return np.roll(grouped, 1, axis=1).reshape(values.shape)


def set_nan(values: NDArray[np.float32]) -> None:
    """The first value is NaN."""
    values.flat[0] = math.nan


def shift_rows(values: NDArray[np.float32]) -> None:
    """As `shift_anchors`, in place."""
    values[:, 0] += 0.05


def samples(milliseconds: float, count: int) -> Inject:
    """The stopwatch measures something else."""

    def inject(patch: pytest.MonkeyPatch, _: Path) -> None:
        def measured(_: object, __: object, key: ModelKey, runtime: str, plan: Any) -> Timing:
            times = (milliseconds,) * count
            return Timing(key.model, key.variant, runtime, plan.threads, plan.warmup, times)

        patch.setattr("validation.checks.latency.measure_latency", measured)

    return inject


def no_graph(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """The archive holds a pipeline.config and nothing to export from."""

    def archive(build: ModelBuild) -> Archive:
        return dataclasses.replace(obtain(build.entry, folder, offline=True), frozen_graph=None)

    patch.setattr(ModelBuild, "archive", property(archive))


def only_with_op(change: surgery.Change) -> surgery.Change:
    """Leave files of raw outputs as they are."""
    return lambda model: change(model) if len(model.subgraphs[0].outputs) == 4 else None


def only_raw(change: surgery.Change) -> surgery.Change:
    """Leave files with the op as they are."""
    return lambda model: change(model) if len(model.subgraphs[0].outputs) == 2 else None
