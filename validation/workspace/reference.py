"""The inference graph that a model is judged by, and the second route to the same model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from validation.errors import ArtefactMissing, read_from
from validation.export.exported import ExportedGraph, ExportOptions, load_export
from validation.files.digest import file_sha256
from validation.isolation.freed_memory import pieces_mapped
from validation.record.run import Stage
from validation.root_cause import Place
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.workspace.products import ProductCache, makers
from validation.workspace.third_witness import between_checkpoint_and_config
from validation.zoo.archives import Archive

_FROZEN = "frozen_inference_graph.pb"


def origin(archive: Archive) -> str:
    """Where the reference comes from, in words."""
    if archive.frozen_graph is not None:
        return "frozen_inference_graph.pb of the archive"
    if archive.meta_graph is not None and archive.checkpoint_prefix is not None:
        return f"{archive.meta_graph.name} of the archive with its checkpoint"
    if archive.checkpoint_prefix is not None and archive.pipeline_config is not None:
        return (
            "built from pipeline.config and the checkpoint: it shares this harness's reading "
            "of the config"
        )
    return (
        "tflite_graph.pb of the archive between this harness's own preprocessing and NMS: "
        "it shares the body that is converted"
    )


def is_independent(archive: Archive) -> bool:
    """True where who trained the model built the graph that it is judged by."""
    return archive.frozen_graph is not None or (
        archive.meta_graph is not None and archive.checkpoint_prefix is not None
    )


def place_of_export(archive: Archive) -> Place:
    """Which file the exported graph is cut out of, or built from."""
    if shipped_graph(archive) is not None:
        return Place.SHIPPED_GRAPH
    return Place.GRAPH if is_independent(archive) else Place.CONFIG


def shipped_graph(archive: Archive) -> Path | None:
    """The archive's tflite_graph.pb, where it has no inference graph that goes before it."""
    return archive.tflite_graph if archive.frozen_graph is None else None


def inference_graph(
    name: str, archive: Archive, shipped_export: Callable[[], ExportedGraph], work: ProductCache
) -> Path:
    """An inference graph from image_tensor to detections.

    The archive's own; else its .meta with the checkpoint's values, built by who trained the
    model; else one built from its pipeline.config and checkpoint; else its tflite_graph.pb,
    closed at both ends.

    Args:
        name: Of the model.
        archive: What there is.
        shipped_export: Gives the export of tflite_graph.pb; asked where all else is missing.
        work: Where what is made is kept.

    Raises:
        ArtefactMissing: Nothing of all this.
    """
    if archive.frozen_graph is not None:
        return archive.frozen_graph
    prefix, config = archive.checkpoint_prefix, archive.pipeline_config
    bare = prefix is None or (archive.meta_graph is None and config is None)
    if bare and shipped_graph(archive) is None:
        raise ArtefactMissing(
            "the archive has nothing to export from",
            expected="frozen_inference_graph.pb, a checkpoint with .meta or pipeline.config, "
            "or tflite_graph.pb",
            where=archive.root.name,
            place=Place.ARCHIVE,
        )

    @pieces_mapped()
    def make(folder: Path) -> None:
        from validation.export.checkpoint import open_checkpoint
        from validation.export.freezing import frozen_from_checkpoint
        from validation.export.from_checkpoint import inference_graph_from_checkpoint
        from validation.export.graph_io import read_export
        from validation.export.inference_graph import inference_graph_of_export
        from validation.pipeline.config import load_pipeline

        if prefix is None or bare:
            graph = inference_graph_of_export(read_export(shipped_export()))
        elif archive.meta_graph is not None:
            with read_from(Place.GRAPH):
                graph = frozen_from_checkpoint(archive.meta_graph, prefix, DETECTION_OUTPUTS)
        else:
            described = load_pipeline(config)  # type: ignore[arg-type]
            with between_checkpoint_and_config(archive):
                graph = inference_graph_from_checkpoint(described, prefix, open_checkpoint(prefix))
        (folder / _FROZEN).write_bytes(graph.SerializeToString(deterministic=True))

    made_from = {
        "graph": file_sha256(shipped_export().graph) if bare else None,
        **_checkpoint_hashes(archive),
        **makers("export", "graphs", "pipeline"),
    }
    return work.product(name, Stage.FREEZE, "freeze", made_from, make) / _FROZEN


def built_export(
    name: str, archive: Archive, reference_graph: Path, reference_sha256: str, work: ProductCache
) -> ExportedGraph:
    """The raw-outputs form, built from pipeline.config.

    Weights come from the checkpoint, or from the reference where there is none.

    Raises:
        ArtefactMissing: The archive has no pipeline.config.
    """
    config, prefix = archive.pipeline_config, archive.checkpoint_prefix
    if config is None:
        raise ArtefactMissing("the archive has no pipeline.config", where=archive.root.name)

    @pieces_mapped()
    def make(folder: Path) -> None:
        from validation.export.checkpoint import open_checkpoint
        from validation.export.from_checkpoint import (
            export_from_checkpoint,
            export_with_constants,
        )
        from validation.export.from_graph import without_postprocessing
        from validation.export.graph_io import read_graph, write_export
        from validation.export.score_reading import softmax_without_background
        from validation.export.ssd_reading import read_ssd
        from validation.pipeline.config import load_pipeline

        described = load_pipeline(config)
        if prefix is None:
            export = export_with_constants(described, read_graph(reference_graph))
        else:
            values = open_checkpoint(prefix)
            with between_checkpoint_and_config(archive):
                export = export_from_checkpoint(described, prefix, values, ExportOptions())
        export = without_postprocessing(export)
        if described.score_converter == "SOFTMAX":
            # The config does not say which release's softmax the model was trained with.
            scores = read_ssd(read_graph(reference_graph), reference_graph.name).scores
            if scores.steps:
                graph = softmax_without_background(export.graph)
                export = dataclasses.replace(export, graph=graph)
        write_export(folder, export, text=False)

    made_from = {
        "graph": reference_sha256,
        **_checkpoint_hashes(archive),
        **makers("export", "graphs", "pipeline"),
    }
    return load_export(
        work.product(name, Stage.EXPORT, "export from pipeline.config", made_from, make)
    )


def has_own_graph(archive: Archive) -> bool:
    """True where the archive has a graph of its own beside its config."""
    return is_independent(archive) or archive.tflite_graph is not None


def meta_export(name: str, archive: Archive, work: ProductCache) -> ExportedGraph:
    """The raw-outputs form of the graph beside the checkpoint.

    Raises:
        ArtefactMissing, CorruptGraph, NotSsdGraph, GraphError: The .meta is none of an inference
            graph, or the checkpoint is not its own.
    """
    prefix, meta = archive.checkpoint_prefix, archive.meta_graph
    if prefix is None or meta is None:
        raise ArtefactMissing("the archive has no .meta with a checkpoint", where=archive.root.name)

    @pieces_mapped()
    def make(folder: Path) -> None:
        from validation.export.checkpoint import open_checkpoint
        from validation.export.from_graph import export_from_graph
        from validation.export.graph_io import read_graph, write_export

        options = ExportOptions(add_postprocessing_op=False)
        values = open_checkpoint(prefix)
        export = export_from_graph(read_graph(meta), options, values=values, where=meta.name)
        write_export(folder, export, text=False)

    made_from = {
        "graph": file_sha256(meta),
        **_checkpoint_hashes(archive),
        **makers("export"),
    }
    return load_export(work.product(name, Stage.EXPORT, f"export of {meta.name}", made_from, make))


def _checkpoint_hashes(archive: Archive) -> dict[str, str]:
    prefix, config = archive.checkpoint_prefix, archive.pipeline_config
    files = [] if prefix is None else sorted(prefix.parent.glob(f"{prefix.name}.*"))
    files += [] if config is None else [config]
    return {path.name: file_sha256(path) for path in files}
