"""What an archive must hold before anything is made of it."""

from __future__ import annotations

from validation.policy.limits import Limit
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult, Measure, ModelKey
from validation.zoo.archives import Archive


def missing_parts(archive: Archive, key: ModelKey) -> list[Diagnosis]:
    """A checkpoint of which a file is missing, whatever else the archive has.

    Args:
        archive: Obtained and unpacked.
        key: Model and variant.
    """
    return [
        Diagnosis(
            key.model,
            key.variant,
            FaultKind.MISSING_FILE,
            Place.CHECKPOINT,
            DiagnosedBy.ERROR,
            where=each,
            file=key.file,
        )
        for each in archive.lacking
    ]


def check_archive(archive: Archive, key: ModelKey) -> CheckResult:
    """The archive holds a graph to export from and a reference to compare with.

    That size and sha256 are the catalogue's was settled before it was opened; here the
    contents are judged.

    Args:
        archive: Obtained and unpacked.
        key: Model and variant.
    """
    frozen = archive.frozen_graph is not None
    described = archive.meta_graph is not None or archive.pipeline_config is not None
    from_checkpoint = described and archive.checkpoint_prefix is not None
    exportable = frozen or from_checkpoint or archive.tflite_graph is not None
    lacking = (
        "the archive lacks frozen_inference_graph.pb, a checkpoint with model.ckpt.meta or "
        "pipeline.config, or tflite_graph.pb"
    )
    problems = [] if exportable else [lacking]
    measures = (
        Measure(
            "exportable",
            exportable,
            Limit("equal", True, "a graph to convert, or what one is built from"),
        ),
        Measure("pinned_by_catalogue", archive.entry.digest is not None),
        Measure("sha256", archive.source.sha256),
        Measure("size_bytes", archive.source.size_bytes),
        Measure("pipeline_config", archive.pipeline_config is not None),
        Measure("checkpoint", archive.checkpoint_prefix is not None),
    )
    return CheckResult.judged(
        "archive",
        key,
        measures,
        where=str(archive.root.name),
        message="; ".join([*problems, *archive.unusable]),
    )
