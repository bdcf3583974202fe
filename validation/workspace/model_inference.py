"""What the reference and the files under test say about images.

The reference's answers are cached by content: it is the fixed point of a run. The
files under test are run anew in every session, once for each file, by whichever of the
session's processes comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.export.exported import ExportedGraph, ExportOptions, read_anchors
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.inference.feeding import way_by_contract
from validation.inference.tflite import feed_of, run_each
from validation.pieces.plans import ExportedPlan, GraphPlan
from validation.preprocess.feed import FeedWay, prepared_for
from validation.record.detections import Detections
from validation.record.installed import installed_version
from validation.record.run import Evidence, Stage
from validation.record.types import REFERENCE, ModelKey
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import RAW_OUTPUTS, Preprocessing
from validation.specs.variants import variant_of
from validation.workspace.image_runs import ImageRuns, Run
from validation.workspace.memory import threads_of_an_op
from validation.workspace.model_build import ModelBuild, describe_flags
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import makers
from validation.workspace.sides import Arrays

# Scores of one image, 80 MB: NMS by class needs them several times over.
_LARGE_SCORES = 20_000_000


class ModelInference:
    """Detections and raw outputs of one model on the images of a session.

    Args:
        build: Makes the model's files.
        runs: Images of the session, and where what is found on them is kept.
    """

    def __init__(self, build: ModelBuild, runs: ImageRuns) -> None:
        self.build = build
        self.runs = runs
        self._planned: dict[tuple[str, ExportOptions], PlannedRun] = {}
        self._ran: dict[PlannedRun, Run] = {}

    def reference(self) -> Mapping[str, Detections]:
        """Detections of the archive's inference graph, by image."""
        return self._reference_run.detections

    @property
    def planned_reference(self) -> PlannedRun:
        """The archive's inference graph on the session's images."""
        made_from = {
            "graph": self.build.reference_sha256,
            # Decoders of JPEG differ by a step here and there.
            "pillow": installed_version("pillow"),
            "threads": threads_of_an_op(),
            **makers("inference", "runtimes", "preprocess"),
        }
        return PlannedRun(
            ModelKey(self.build.name, REFERENCE),
            Stage.REFERENCE,
            REFERENCE,
            made_from,
            self.build.reference_graph,
            self.build.reference_sha256,
            GraphPlan,
            is_kept=True,
            one_by_one=self._has_large_scores,
        )

    @cached_property
    def _reference_run(self) -> Run:
        return self.runs.detected(self.planned_reference)

    def candidate(
        self, variant: str, options: ExportOptions | None = None
    ) -> Mapping[str, Detections]:
        """Detections of a .tflite file, by image; run once in a session.

        Args:
            variant: Raw variants are closed by the NumPy port of the op.
            options: Of the export that the file was made from; None: of the file under test.
        """
        return self._candidate_run(variant, options).detections

    def planned_candidate(self, variant: str, options: ExportOptions | None = None) -> PlannedRun:
        """A .tflite file on the session's images; see `candidate`."""
        chosen = options or self.build.source_of(variant).options
        if (variant, chosen) not in self._planned:
            self._planned[variant, chosen] = self._plan_candidate(variant, chosen)
        return self._planned[variant, chosen]

    def _plan_candidate(self, variant: str, chosen: ExportOptions) -> PlannedRun:
        path = self.build.tflite(variant, chosen)
        sha256 = file_sha256(path)
        made_from = {
            "model": self.build.name,
            "variant": variant,
            "options": unstructure(chosen),
            "file": sha256,
            "shared_size": self.build.only_image_size,
        }
        return PlannedRun(
            ModelKey(self.build.name, variant),
            Stage.RUN,
            f"run {variant}{describe_flags(chosen)}",
            made_from,
            path,
            sha256,
            lambda: self._plan(variant, chosen),
            one_by_one=self._has_large_scores,
        )

    def _candidate_run(self, variant: str, options: ExportOptions | None = None) -> Run:
        planned = self.planned_candidate(variant, options)
        if planned not in self._ran:
            self._ran[planned] = self.runs.detected(planned)
        return self._ran[planned]

    def evidence(self, variant: str) -> Evidence:
        """The file of what `candidate` detected, or `reference` for `REFERENCE`."""
        is_reference = variant == REFERENCE
        return (self._reference_run if is_reference else self._candidate_run(variant)).evidence()

    def seconds(self, variant: str, options: ExportOptions | None = None) -> float:
        """Wall time that `candidate` took."""
        return self._candidate_run(variant, options).seconds

    def session_raw_outputs(self, count: int, export: ExportedGraph | None = None) -> Arrays:
        """Raw outputs of an exported graph in a TensorFlow session, [I, 1, N, ...].

        Args:
            count: The first images.
            export: In the raw-outputs form; None takes the one that is converted.
        """
        export = export or self.build.exported(add_postprocessing_op=False)
        graph = export.graph

        def run() -> Iterator[Arrays]:
            from validation.runtimes.session import SessionRuntime

            with SessionRuntime(graph, RAW_OUTPUTS) as runtime:
                yield from run_each(runtime, self.feeds(count))

        made_from = {
            "graph": file_sha256(graph),
            # The graph begins after it, so its hash says nothing of it.
            "preprocessing": unstructure(export.contract.preprocessing),
            "shared_size": self.build.only_image_size,
            "pillow": installed_version("pillow"),
            "threads": threads_of_an_op(),
            **makers("inference", "runtimes", "preprocess"),
        }
        return self.runs.raw_outputs(
            self.runs.work,
            self.build.name,
            Stage.SESSION,
            "session",
            made_from,
            count,
            run,
            file=graph,
        )

    def raw_outputs(self, variant: str, count: int) -> Arrays:
        """Raw outputs of a raw .tflite on the first images, [I, 1, N, ...]."""
        path = self.build.tflite(variant)

        def run() -> Iterator[Arrays]:
            with TfliteRuntime(path) as runtime:
                way, prepared = self._way(runtime)
                yield from run_each(runtime, self._stacked(count, prepared), way)

        made_from = {
            "model": self.build.name,
            "file": file_sha256(path),
            "shared_size": self.build.only_image_size,
        }
        return self.runs.raw_outputs(
            self.runs.runs,
            self.build.name,
            Stage.RUN,
            f"raw outputs of {variant}",
            made_from,
            count,
            run,
            file=path,
        )

    def feeds(self, count: int) -> NDArray[np.float32]:
        """The first images as the model is fed them, [I, 1, H, W, 3]."""
        return self._stacked(count, self.build.exported().contract.preprocessing)

    def _stacked(self, count: int, prepared: Preprocessing) -> NDArray[np.float32]:
        size = self.build.only_image_size
        return self.runs.feeds.stacked(self.runs.images[:count], prepared, size)

    def timed_call(
        self, variant: str, threads: int, path: Path | None = None
    ) -> Callable[[], object]:
        """One inference of a variant on the first image, its feed made beforehand.

        Args:
            variant: Whose file is run.
            threads: Of the interpreter.
            path: Another file to run instead, which is fed alike.
        """
        runtime = TfliteRuntime(path or self.build.tflite(variant), threads)
        (spec,) = runtime.inputs
        way, prepared = self._way(runtime)
        feed = feed_of(spec, self._stacked(1, prepared)[0], way)
        return lambda: runtime.run(feed)

    def _has_large_scores(self) -> bool:
        contract = self.build.exported().contract
        return contract.num_anchors * contract.num_classes > _LARGE_SCORES

    def _plan(self, variant: str, options: ExportOptions) -> ExportedPlan:
        with_op = variant_of(variant).add_postprocessing_op
        export = self.build.exported(options, add_postprocessing_op=with_op)
        return ExportedPlan(
            export.contract,
            self.build.exported().contract.preprocessing,
            None if with_op else read_anchors(export),
            self.build.only_image_size,
        )

    def _way(self, runtime: TfliteRuntime) -> tuple[FeedWay, Preprocessing]:
        """How a file is fed, as an app does it, and how its images are prepared for that."""
        known = self.build.exported().contract.preprocessing
        way = way_by_contract(runtime.inputs[0], known)
        return way, prepared_for(known, way)
