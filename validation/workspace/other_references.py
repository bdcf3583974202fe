"""References without a graph: detections of any system, and nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.coco.dataset import Dataset
from validation.coco.results_file import Results, read_results
from validation.coco.results_join import results_as_detections
from validation.errors import NotProvided
from validation.record.detection_files import write_detections
from validation.record.detections import Detections
from validation.record.results_facts import ResultsFacts
from validation.record.run import Evidence
from validation.record.types import REFERENCE, ModelKey
from validation.specs.contracts import SsdContract
from validation.specs.references import ReferenceKind
from validation.workspace.image_runs import ImageRuns, evidence_of
from validation.workspace.planned_run import PlannedRun
from validation.workspace.sides import Arrays


class WithoutContract:
    """What a reference that only detects cannot give."""

    _what = ""

    @property
    def planned(self) -> PlannedRun | None:
        """See `Reference`: nothing is run."""
        return None

    @property
    def contract(self) -> SsdContract:
        """See `Reference`.

        Raises:
            NotProvided: Always.
        """
        raise NotProvided(f"{self._what} states no anchors, attributes and preprocessing")

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `contract`."""
        raise NotProvided(f"{self._what} states no anchors")

    @property
    def only_image_size(self) -> tuple[int, int] | None:
        """See `Reference`."""
        return None

    def shared_size(self, own: tuple[int, int]) -> tuple[int, int] | None:
        """See `Reference`: of a network's size nothing is known, so the input's has to be its."""
        return own if own == self.only_image_size else None

    def raw_outputs(self, count: int) -> Arrays:  # noqa: ARG002
        """See `contract`."""
        raise NotProvided(
            f"{self._what} gives no raw outputs, so the body was not compared by itself",
            next_step="judge the file by an inference graph or another .tflite as well",
        )


class ResultsReference(WithoutContract):
    """Detections of any system in COCO's results format.

    Args:
        model: Name of the model.
        path: The file.
        runs: Where the file for the record is written.
        dataset: Says which image is which; None where there are no labelled images.
        categories: Category id of each class id of the file under test.
    """

    kind = ReferenceKind.DETECTIONS
    is_independent = True
    _what = "a list of detections"

    def __init__(
        self,
        model: str,
        path: Path,
        runs: ImageRuns,
        dataset: Dataset | None,
        categories: Callable[[], Mapping[int, int | None]],
    ) -> None:
        self._model = model
        self.path = path
        self._runs = runs
        self._dataset = dataset
        self._categories = categories

    @property
    def origin(self) -> str:
        """See `Reference`."""
        return f"{self.path.name}, detections in COCO's results format"

    @cached_property
    def _results(self) -> Results:
        return read_results(self.path)

    @cached_property
    def _joined(self) -> tuple[Mapping[str, Detections], ResultsFacts]:
        if self._dataset is None:
            raise NotProvided(
                "detections are of the images of a data set, and none was given",
                where=self.path.name,
                next_step="name it with --coco-annotations and --coco-images",
            )
        return results_as_detections(self._results, self._dataset, self._categories())

    @property
    def facts(self) -> ResultsFacts:
        """How the list was read."""
        return self._joined[1]

    def detections(self) -> Mapping[str, Detections]:
        """See `Reference`: of the data set's images, not of canaries."""
        return self._joined[0]

    def evidence(self) -> Evidence:
        """See `Reference`."""
        path = self._runs.scratch / f"{self._results.sha256[:20]}.npz"
        if not path.is_file():
            write_detections(path, self.detections())
        return evidence_of(ModelKey(self._model, REFERENCE), path, len(self.detections()))


class NoReference(WithoutContract):
    """Nothing says what is right but the labels."""

    kind = ReferenceKind.NONE
    is_independent = True
    origin = "none"
    _what = "no reference"

    @property
    def path(self) -> Path:
        """See `Reference`.

        Raises:
            NotProvided: Always.
        """
        raise _nothing()

    @property
    def contract(self) -> SsdContract:
        """See `path`."""
        raise _nothing()

    @property
    def anchors(self) -> NDArray[np.float32]:
        """See `path`."""
        raise _nothing()

    def raw_outputs(self, count: int) -> Arrays:  # noqa: ARG002
        """See `path`."""
        raise _nothing()

    def detections(self) -> Mapping[str, Detections]:
        """See `path`."""
        raise _nothing()

    def evidence(self) -> Evidence:
        """See `path`."""
        raise _nothing()


def _nothing() -> NotProvided:
    return NotProvided(
        "there is no reference",
        next_step="name one: validation judge FILE.tflite REFERENCE",
    )
