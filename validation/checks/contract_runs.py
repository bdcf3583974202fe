"""A given file run anew with something put right: detections on all images of the session."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.checks.contract_costs import AS_IT_IS, Repair
from validation.comparison.reference_differences import renumbered
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.files.temporary import scratch
from validation.inference.base import DetectFile, on_files
from validation.inference.input_cache import InputCache
from validation.inference.outputs import bind_outputs
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.metadata.unpacking import metadata_of
from validation.preprocess.feed import FeedWay, takes_bytes
from validation.record.detections import Detections
from validation.record.installed import installed_version
from validation.record.run import Stage
from validation.record.types import ModelKey
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import SsdContract
from validation.tflite.facts import describe
from validation.tflite.model import read_model
from validation.tflite.rewriting import with_anchors, with_attributes
from validation.workspace.image_runs import ImageRuns
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import makers
from validation.workspace.sides import Subject

_COPY = "copy.tflite"


def detections_with(
    repair: Repair, subject: Subject, runs: ImageRuns, key: ModelKey
) -> Mapping[str, Detections]:
    """What a file detects with a repair; cached like other scores.

    Args:
        repair: What is put right.
        subject: The file.
        runs: Images of the session; keeps the detections.
        key: Of the file.
    """
    found = _run(repair, subject, runs, key) if repair.changes_the_run else subject.detections()
    return found if repair.classes is None else renumbered(found, repair.classes)


def _run(
    repair: Repair, subject: Subject, runs: ImageRuns, key: ModelKey
) -> Mapping[str, Detections]:
    preprocessing = repair.preprocessing or subject.preprocessing
    sha256 = file_sha256(subject.path)
    made_from = {
        "file": sha256,
        "attributes": dict(repair.attributes),
        "anchors": None if repair.anchors is None else repair.anchors.tolist(),
        "preprocessing": unstructure(preprocessing),
        "way": _way(subject, repair).value,
        "shared_size": subject.shared_size,
        "pillow": installed_version("pillow"),
        "runtime": installed_version("ai-edge-litert"),
        **makers("inference", "runtimes", "preprocess", "postprocess", "tflite"),
    }
    planned = PlannedRun(
        key,
        Stage.RUN,
        f"run {subject.path.name}, put right",
        made_from,
        subject.path,
        sha256,
        lambda: _RepairPlan(repair, subject),
        is_kept=True,
        is_shared=False,
    )
    return runs.detected(planned).detections


@dataclass(frozen=True, eq=False)
class _RepairPlan:
    """A file with a repair; of this process alone.

    Args:
        repair: What is put right.
        subject: The file.
    """

    repair: Repair
    subject: Subject

    @contextlib.contextmanager
    def opened(self, path: Path, feeds: InputCache) -> Iterator[Callable[[], DetectFile]]:  # noqa: ARG002
        """See `DetectorPlan`."""
        repair, subject = self.repair, self.subject
        with scratch() as folder:
            changed = _put_right(repair, subject, folder / _COPY)
            yield lambda: on_files(file_detector(changed, subject, repair), subject.shared_size)


def _put_right(repair: Repair, subject: Subject, target: Path) -> Path:
    """The file, or a copy whose post-processing op has what the repair puts right."""
    path, own = subject.path, subject.file.postprocess
    if own is None:  # a raw file: attributes and anchors are those of its detector
        return path
    if repair.attributes:
        attributes = dataclasses.replace(own, **repair.attributes)
        target.write_bytes(with_attributes(read_model(path), attributes))
        path = target
    if repair.anchors is not None:
        target.write_bytes(with_anchors(read_model(path), repair.anchors))
        path = target
    return path


def _way(subject: Subject, repair: Repair) -> FeedWay:
    """Bytes say nothing of real values: an input of 8 bits gets those by scale and zero point."""
    if repair.preprocessing is not None and takes_bytes(subject.file.inputs[0]):
        return FeedWay.QUANTISED
    return subject.way


def file_detector(
    path: Path, subject: Subject, repair: Repair = AS_IT_IS
) -> TfliteDetector | RawTfliteDetector:
    """A detector of a file, or of a copy of it, fed and read as the subject with a repair is.

    Args:
        path: The file.
        subject: Says how it is fed and what its raw outputs are closed with.
        repair: See `detections_with`.
    """
    model = read_model(path)
    file = describe(model)
    preprocessing = repair.preprocessing or subject.preprocessing
    way = _way(subject, repair)
    if file.postprocess is not None:
        names = bind_outputs(model, file, metadata_of(model)).names
        return TfliteDetector(TfliteRuntime(path), preprocessing, names, way)
    attributes = dataclasses.replace(subject.postprocess, **repair.attributes)
    anchors = subject.anchors if repair.anchors is None else repair.anchors
    contract = SsdContract(preprocessing, len(anchors), subject.num_classes, "", attributes)
    names = bind_outputs(model, file, metadata_of(model), contract).names
    return RawTfliteDetector(TfliteRuntime(path), contract, anchors, names, way)
