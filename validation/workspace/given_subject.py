"""A .tflite that was converted elsewhere: opened, fed and read by what it says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.errors import NotProvided
from validation.files.atomic import write_bytes_atomic
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.inference.file_notices import FileNotice
from validation.inference.known_model import KnownModel
from validation.inference.model_file import TfliteModel, open_tflite
from validation.inference.op_anchors import OpAnchors, op_anchors
from validation.inference.outputs import Ending
from validation.inference.score_notices import score_notices
from validation.inference.tflite import feed_of, run_each
from validation.labels.label_list import LabelList
from validation.pieces.plans import FilePlan
from validation.preprocess.feed import FeedWay, prepared_for
from validation.record.detections import Detections
from validation.record.run import Evidence, Stage
from validation.record.types import REFERENCE, ModelKey
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    RAW_OUTPUTS,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)
from validation.specs.feeds import NOTHING_STATED, StatedFeed
from validation.specs.references import ReferenceKind
from validation.specs.variants import Variant, variant_of
from validation.tflite.facts import TfliteFile
from validation.tflite.model import read_model
from validation.tflite.number_scheme import number_scheme
from validation.tflite.rewriting import exposing_heads, head_names
from validation.workspace.image_runs import ImageRuns, Run
from validation.workspace.planned_run import PlannedRun
from validation.workspace.sides import Arrays, Reference


def form_of(file: TfliteFile) -> str:
    """The variant that a file has the form of: its scheme, and whether it ends in raw outputs."""
    variant = variant_of(number_scheme(file))
    ends_raw = file.postprocess is None and len(file.outputs) == len(RAW_OUTPUTS)
    return variant.raw_variant if ends_raw else variant.name


class GivenSubject:
    """One given file.

    Args:
        key: Model, form and name.
        path: The file.
        file: What it says of itself.
        runs: Images of the session, and where what it finds is kept.
        reference: What the file does not say of itself is taken from it, and said.
        stated: What the user states of its feed.
    """

    def __init__(
        self,
        key: ModelKey,
        path: Path,
        file: TfliteFile,
        runs: ImageRuns,
        reference: Reference | None = None,
        stated: StatedFeed = NOTHING_STATED,
    ) -> None:
        self.key = key
        self.path = path
        self.file = file
        self.runs = runs
        self.stated = stated
        self._reference = reference

    @property
    def variant(self) -> Variant:
        """See `Subject`."""
        return variant_of(self.key.variant)

    @cached_property
    def opened(self) -> TfliteModel:
        """The file with what it is fed and how it is read, and what was assumed.

        Raises:
            ConversionError: No SSD, or it cannot be fed.
        """
        return open_tflite(self.path, stated=self.stated, known=self.known)

    @cached_property
    def known(self) -> KnownModel | None:
        """What the reference states of the model; None where it states nothing."""
        if self._reference is None:
            return None
        try:
            return KnownModel(self._reference.contract, self._reference.anchors)
        except NotProvided:
            return None

    @property
    def notices(self) -> tuple[FileNotice, ...]:
        """What was assumed, ignored or found wrong in the file and in what it detects."""
        return (*self.opened.notices, *score_notices(self.detections().values()))

    @property
    def labels(self) -> LabelList | None:
        """Of its own metadata."""
        return self.opened.labels

    @property
    def preprocessing(self) -> Preprocessing:
        """See `Subject`."""
        return self.opened.preprocessing

    @property
    def way(self) -> FeedWay:
        """See `Subject`."""
        return self.opened.feeding.way

    @cached_property
    def shared_size(self) -> tuple[int, int] | None:
        """See `Subject`."""
        if self._reference is None:
            return None
        own = self.preprocessing
        return self._reference.shared_size((own.height, own.width))

    @property
    def num_classes(self) -> int:
        """See `Subject`."""
        known = self.opened.num_classes
        if known is None and self._reference is not None:
            known = self._reference.contract.num_classes
        if known is None:
            raise NotProvided(
                "the file does not say how many classes it has",
                where=self.path.name,
                next_step="judge it by a reference that says it, or give --label-map",
            )
        return known

    @property
    def postprocess(self) -> PostprocessAttributes:
        """See `Subject`."""
        own = self.file.postprocess
        if own is not None:
            return own
        if self.opened.binding.ending is Ending.RAW and self.opened.contract is not None:
            return self.opened.contract.postprocess
        raise NotProvided(
            "the file has no post-processing op, so its attributes are not known",
            where=self.path.name,
        )

    @cached_property
    def op_anchors(self) -> OpAnchors:
        """See `Subject`."""
        return op_anchors(self.path)

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `Subject`."""
        if self.file.postprocess is not None:
            return self.op_anchors.values
        if self.opened.anchors is not None:
            return self.opened.anchors
        raise NotProvided("the file has no anchors", where=self.path.name)

    @property
    def contract(self) -> SsdContract:
        """All of it together, as an export would state it; the score converter is not stated."""
        anchors = self.anchors
        return SsdContract(self.preprocessing, len(anchors), self.num_classes, "", self.postprocess)

    @property
    def planned(self) -> PlannedRun:
        """The file on the session's images."""
        return PlannedRun(
            self.key,
            Stage.RUN,
            f"run {self.key.label}",
            self._made_from(self.shared_size),
            self.path,
            self._sha256,
            lambda: FilePlan(self.opened, self.shared_size),
        )

    @cached_property
    def _run(self) -> Run:
        return self.runs.detected(self.planned)

    def detections(self) -> Mapping[str, Detections]:
        """See `Subject`."""
        return self._run.detections

    def seconds(self) -> float:
        """See `Subject`."""
        return self._run.seconds

    def evidence(self) -> Evidence:
        """See `Subject`."""
        return self._run.evidence()

    @cached_property
    def heads(self) -> tuple[Path, tuple[str, str]]:
        """A file that ends in box encodings and class predictions, and their names.

        Raises:
            NotProvided: What the op reads cannot be had.
        """
        if self.opened.binding.ending is Ending.RAW:
            boxes, scores = self.opened.binding.names
            return self.path, (boxes, scores)
        model = read_model(self.path)
        names = head_names(model)
        path = self.runs.scratch / f"{self._sha256[:20]}-heads.tflite"
        if not path.is_file():
            write_bytes_atomic(path, exposing_heads(model))
        return path, names

    def raw_outputs(self, count: int, size: tuple[int, int] | None = None) -> Arrays:
        """See `Subject`: of the op's own inputs, where the file ends in the op.

        Args:
            count: The first images.
            size: Instead of `shared_size`, where that is None.
        """
        size = self.shared_size or size
        return self.runs.raw_outputs(
            self.runs.runs,
            self.key.model,
            Stage.RUN,
            f"raw outputs of {self.key.label}",
            self._made_from(size),
            count,
            lambda: self._raw_outputs(self._stacked(count, size)),
            file=self.path,
        )

    def _raw_outputs(self, feeds: NDArray[np.float32]) -> Iterator[Arrays]:
        path, names = self.heads
        with TfliteRuntime(path) as runtime:
            for out in run_each(runtime, feeds, self.way):
                boxes, scores = (out[name] for name in names)
                # Exporters leave an axis of one between anchors and coordinates.
                boxes = boxes.reshape(*boxes.shape[:1], -1, 4)
                yield {BOX_ENCODINGS_NAME: boxes, CLASS_PREDICTIONS_NAME: scores}
                del out, boxes, scores

    @cached_property
    def _sha256(self) -> str:
        return file_sha256(self.path)

    def _made_from(self, size: tuple[int, int] | None) -> dict[str, object]:
        return {
            "file": self._sha256,
            "name": str(self.key),
            "feed": unstructure(self.preprocessing),
            "way": self.way.value,
            "shared_size": size,
        }

    def _stacked(self, count: int, size: tuple[int, int] | None) -> NDArray[np.float32]:
        prepared = prepared_for(self.preprocessing, self.way)
        return self.runs.feeds.stacked(self.runs.images[:count], prepared, size)

    def timed_call(self, threads: int, path: Path | None = None) -> Callable[[], object]:
        """See `Subject`."""
        runtime = TfliteRuntime(path or self.path, threads)
        (spec,) = runtime.inputs
        feed = feed_of(spec, self._stacked(1, self.shared_size)[0], self.way)
        return lambda: runtime.run(feed)


class TfliteReference:
    """Another .tflite, asked as the file under test is.

    Args:
        subject: The file, read and fed as one that is given.
    """

    kind = ReferenceKind.TFLITE
    is_independent = True

    def __init__(self, subject: GivenSubject) -> None:
        self.subject = subject

    @property
    def origin(self) -> str:
        """See `Reference`."""
        return f"{self.path.name}, another .tflite"

    @property
    def path(self) -> Path:
        """See `Reference`."""
        return self.subject.path

    @property
    def contract(self) -> SsdContract:
        """See `Reference`."""
        return self.subject.contract

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `Reference`."""
        return self.subject.anchors

    @property
    def only_image_size(self) -> tuple[int, int] | None:
        """See `Reference`: it is fed as the file under test is, by this harness."""
        return None

    def shared_size(self, own: tuple[int, int]) -> tuple[int, int] | None:  # noqa: ARG002
        """See `only_image_size`."""
        return None

    @property
    def planned(self) -> PlannedRun:
        """See `Reference`."""
        return self.subject.planned

    def detections(self) -> Mapping[str, Detections]:
        """See `Reference`."""
        return self.subject.detections()

    def evidence(self) -> Evidence:
        """See `Reference`."""
        found = self.subject.evidence()
        return dataclasses.replace(found, variant=REFERENCE, file="")

    def raw_outputs(self, count: int) -> Arrays:
        """See `Reference`."""
        return self.subject.raw_outputs(count)
