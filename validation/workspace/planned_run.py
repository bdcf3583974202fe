"""A model file that is to be run on every image of a session, and what its pieces are of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from validation.pieces.piece import RunFacts
from validation.pieces.plans import DetectorPlan
from validation.record.installed import installed_version
from validation.record.run import Stage
from validation.record.types import ModelKey
from validation.workspace.memory import threads_of_an_op
from validation.workspace.products import code_sha256

# What decodes an image, prepares, runs and closes: pieces of one run agree in it.
_PACKAGES = ("ai-edge-litert", "numpy", "pillow", "tensorflow")
_ROOMS = ("inference", "preprocess", "postprocess", "runtimes", "specs", "tflite")


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """A model file that is to be run on every image of a session.

    Args:
        key: Of what is run; the variant of what judges is ``reference``.
        stage: For the step's report.
        step: Alike, without the number of images.
        made_from: What the detections depend on besides the images.
        path: The file, or the folder of a SavedModel.
        model_sha256: Of the file; of a SavedModel, over the hashes of its files.
        plan: Says how it is run; called where it is run.
        is_kept: Later sessions find the detections again.
        is_shared: Other machines may make pieces of it.
        one_by_one: Asked where it is run: one image at a time.
    """

    key: ModelKey
    stage: Stage
    step: str
    made_from: Mapping[str, object]
    path: Path
    model_sha256: str
    plan: Callable[[], DetectorPlan]
    is_kept: bool = False
    is_shared: bool = True
    one_by_one: Callable[[], bool] = bool

    @cached_property
    def facts(self) -> RunFacts:
        """What its pieces are of."""
        whole = {"key": str(self.key), "stage": self.stage, **self.made_from}
        text = json.dumps(whole, sort_keys=True)
        return RunFacts(
            self.key,
            self.step,
            hashlib.sha256(text.encode()).hexdigest(),
            self.model_sha256,
            {name: installed_version(name) for name in _PACKAGES}
            | {
                "threads of an op": threads_of_an_op(),
                "code of the harness": code_sha256(*_ROOMS),
            },
        )
