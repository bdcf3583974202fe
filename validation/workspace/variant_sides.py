"""The sides of a model that is converted here: a variant's file, and the archive's graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.export.exported import read_anchors
from validation.inference.feeding import way_by_contract
from validation.inference.op_anchors import OpAnchors, op_anchors
from validation.preprocess.feed import FeedWay
from validation.record.detections import Detections
from validation.record.run import Evidence
from validation.record.types import REFERENCE
from validation.specs.contracts import PostprocessAttributes, Preprocessing, SsdContract
from validation.specs.references import ReferenceKind
from validation.specs.variants import Variant, variant_of
from validation.tflite.facts import TfliteFile
from validation.workspace.model_build import EVALUATION, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.planned_run import PlannedRun
from validation.workspace.sides import Arrays


class VariantSubject:
    """A file that this session converted.

    Args:
        build: Makes it.
        inference: Runs it.
        name: Of the variant.
    """

    def __init__(self, build: ModelBuild, inference: ModelInference, name: str) -> None:
        self._build = build
        self._inference = inference
        self._name = name

    @property
    def variant(self) -> Variant:
        """See `Subject`."""
        return variant_of(self._name)

    @property
    def path(self) -> Path:
        """See `Subject`."""
        return self._build.tflite(self._name)

    @property
    def file(self) -> TfliteFile:
        """See `Subject`."""
        return self._build.tflite_file(self._name)

    @property
    def _contract(self) -> SsdContract:
        """With the flags of the file itself; what has no op is closed as it is evaluated."""
        flags = self._build.options if self.variant.add_postprocessing_op else EVALUATION
        return self._build.exported(flags).contract

    @property
    def preprocessing(self) -> Preprocessing:
        """See `Subject`."""
        return self._contract.preprocessing

    @property
    def way(self) -> FeedWay:
        """See `Subject`."""
        return way_by_contract(self.file.inputs[0], self.preprocessing)

    @property
    def shared_size(self) -> tuple[int, int] | None:
        """See `Subject`: a variant has the size of its graph."""
        return self._build.only_image_size

    @property
    def num_classes(self) -> int:
        """See `Subject`."""
        return self._contract.num_classes

    @property
    def postprocess(self) -> PostprocessAttributes:
        """See `Subject`."""
        return self._contract.postprocess

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `Subject`."""
        return read_anchors(self._build.exported())

    @property
    def op_anchors(self) -> OpAnchors:
        """See `Subject`."""
        return op_anchors(self.path)

    @property
    def planned(self) -> PlannedRun:
        """See `Subject`."""
        return self._inference.planned_candidate(self._name)

    def detections(self) -> Mapping[str, Detections]:
        """See `Subject`."""
        return self._inference.candidate(self._name)

    def seconds(self) -> float:
        """See `Subject`."""
        return self._inference.seconds(self._name)

    def evidence(self) -> Evidence:
        """See `Subject`."""
        return self._inference.evidence(self._name)

    def raw_outputs(self, count: int) -> Arrays:
        """Of the variant's raw form, which has the same body."""
        return self._inference.raw_outputs(self.variant.raw_variant, count)

    def timed_call(self, threads: int, path: Path | None = None) -> Callable[[], object]:
        """See `Subject`."""
        return self._inference.timed_call(self._name, threads, path)


class GraphReference:
    """The archive's own graph, or the one that is used instead.

    Args:
        build: Has it.
        inference: Runs it.
    """

    kind = ReferenceKind.GRAPH

    def __init__(self, build: ModelBuild, inference: ModelInference) -> None:
        self._build = build
        self._inference = inference

    @property
    def origin(self) -> str:
        """See `Reference`."""
        return self._build.reference_origin

    @property
    def path(self) -> Path:
        """See `Reference`."""
        return self._build.reference_graph

    @property
    def is_independent(self) -> bool:
        """See `Reference`."""
        return self._build.reference_is_independent

    @property
    def contract(self) -> SsdContract:
        """As its evaluation's export states it."""
        return self._build.exported().contract

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `Reference`."""
        return read_anchors(self._build.exported())

    @property
    def only_image_size(self) -> tuple[int, int] | None:
        """See `Reference`."""
        return self._build.only_image_size

    def shared_size(self, own: tuple[int, int]) -> tuple[int, int] | None:
        """See `Reference`: whatever the graph resizes images to is its network's size."""
        only = self.only_image_size
        if only is None:
            return None
        network = self.contract.preprocessing
        return only if own == (network.height, network.width) else None

    @property
    def planned(self) -> PlannedRun:
        """See `Reference`."""
        return self._inference.planned_reference

    def detections(self) -> Mapping[str, Detections]:
        """See `Reference`."""
        return self._inference.reference()

    def evidence(self) -> Evidence:
        """See `Reference`."""
        return self._inference.evidence(REFERENCE)

    def raw_outputs(self, count: int) -> Arrays:
        """In a TensorFlow session."""
        return self._inference.session_raw_outputs(count)
