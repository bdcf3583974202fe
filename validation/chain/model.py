"""From catalogue entry to .tflite files: the products of one model.

Modules that import TensorFlow are imported where a product is made, so that a run
over cached products starts without it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from validation.chain.synthetic import GROUP, synthetic_archive
from validation.chain.work import Work, code_sha256, file_sha256, installed_version, timed
from validation.contracts import DETECTION_OUTPUTS, EXPORTER_DEFAULT_MAX_DETECTIONS, GraphSummary
from validation.errors import ArtefactMissing, ValidationError
from validation.export.exported import ExportedGraph, load_export
from validation.export.options import ExportOptions
from validation.plain import from_plain, to_plain
from validation.records import Step
from validation.zoo.archives import Archive, obtain
from validation.zoo.entry import CatalogueEntry

# As the OD API itself suppresses: for each class, and as many detections as its config says.
EVALUATION = ExportOptions()
# The same with the op's faster, class-agnostic suppression.
FAST_NMS = ExportOptions(use_regular_nms=False)
# What the guide's command line gives to whoever sets no flag.
GUIDE_DEFAULT = ExportOptions(
    max_detections=EXPORTER_DEFAULT_MAX_DETECTIONS,
    detections_per_class=100,
    use_regular_nms=False,
)

_WITH_OP = "with_postprocessing"
_RAW = "raw_outputs"
_FROZEN = "frozen_inference_graph.pb"


class ModelChain:
    """One model's archive, exports and conversions, each made when first asked for.

    Args:
        entry: From the catalogue or a folder.
        work: Where products are kept.
        cache_dir: Where downloads are kept.
        offline: Never touch the network.
        lock_file: See `obtain`.
        on_step: Told of every step that makes no product.
    """

    def __init__(
        self,
        entry: CatalogueEntry,
        work: Work,
        *,
        cache_dir: Path,
        offline: bool,
        lock_file: Path | None = None,
        on_step: Callable[[Step], None],
    ) -> None:
        self.entry = entry
        self.work = work
        self._cache_dir = cache_dir
        self._offline = offline
        self._lock_file = lock_file
        self.on_step = on_step
        self._not_obtained: ValidationError | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.entry.name

    @cached_property
    def archive(self) -> Archive:
        """The archive, fetched, verified and unpacked; tried once in a session."""
        if self._not_obtained is not None:
            raise self._not_obtained.with_traceback(None)
        try:
            if self.entry.group == GROUP:
                return synthetic_archive(self.entry, self.work, self._cache_dir)
            with timed(self.name, "fetch", self.on_step):
                return obtain(
                    self.entry,
                    self._cache_dir,
                    offline=self._offline,
                    lock_file=self._lock_file,
                )
        except ValidationError as error:
            self._not_obtained = error
            raise

    @property
    def reference_origin(self) -> str:
        """Where the reference comes from: the report says which witness was heard."""
        archive = self.archive
        if archive.frozen_graph is not None:
            return "frozen_inference_graph.pb of the archive"
        if self._has_meta_route():
            return f"{archive.meta_graph.name} of the archive with its checkpoint"  # type: ignore[union-attr]
        return (
            "built from pipeline.config and the checkpoint: it shares this harness's reading "
            "of the config"
        )

    def _has_meta_route(self) -> bool:
        return self.archive.meta_graph is not None and self.archive.checkpoint_prefix is not None

    @cached_property
    def reference_graph(self) -> Path:
        """An inference graph from image_tensor to detections.

        The archive's own; else its .meta with the checkpoint's values, built by who
        trained the model; else one built from its pipeline.config and checkpoint.
        """
        archive = self.archive
        if archive.frozen_graph is not None:
            return archive.frozen_graph
        prefix, config = archive.checkpoint_prefix, archive.pipeline_config
        if prefix is None or (archive.meta_graph is None and config is None):
            raise ArtefactMissing(
                "the archive has nothing to export from",
                expected="frozen_inference_graph.pb, or a checkpoint with .meta or pipeline.config",
                where=archive.root.name,
            )

        def make(folder: Path) -> None:
            from validation.export.freezing import frozen_from_checkpoint, open_checkpoint
            from validation.export.from_checkpoint import inference_graph_from_checkpoint
            from validation.pipeline.config import load_pipeline

            if archive.meta_graph is not None:
                graph = frozen_from_checkpoint(archive.meta_graph, prefix, DETECTION_OUTPUTS)
            else:
                described = load_pipeline(config)  # type: ignore[arg-type]
                values = open_checkpoint(prefix)
                graph = inference_graph_from_checkpoint(described, prefix, values)
            (folder / _FROZEN).write_bytes(graph.SerializeToString(deterministic=True))

        made_from = {**self._checkpoint_hashes(), **_makers("export", "graphs", "pipeline")}
        return self.work.product(self.name, "freeze", made_from, make) / _FROZEN

    def _checkpoint_hashes(self) -> dict[str, str]:
        prefix, config = self.archive.checkpoint_prefix, self.archive.pipeline_config
        files = [] if prefix is None else sorted(prefix.parent.glob(f"{prefix.name}.*"))
        files += [] if config is None else [config]
        return {path.name: file_sha256(path) for path in files}

    def built_export(self) -> ExportedGraph:
        """The raw-outputs form, built from pipeline.config: the second route to one model.

        Weights come from the checkpoint, or from the frozen graph where there is none.

        Raises:
            ArtefactMissing: The archive has no pipeline.config.
        """
        archive = self.archive
        config, prefix = archive.pipeline_config, archive.checkpoint_prefix
        if config is None:
            raise ArtefactMissing("the archive has no pipeline.config", where=archive.root.name)

        def make(folder: Path) -> None:
            from validation.export.freezing import open_checkpoint
            from validation.export.from_checkpoint import (
                export_from_checkpoint,
                export_with_constants,
            )
            from validation.export.from_graph import without_postprocessing
            from validation.export.graph_io import read_graph, write_export
            from validation.pipeline.config import load_pipeline

            described = load_pipeline(config)
            if prefix is None:
                export = export_with_constants(described, read_graph(self.reference_graph))
            else:
                values = open_checkpoint(prefix)
                export = export_from_checkpoint(described, prefix, values, EVALUATION)
            write_export(folder, without_postprocessing(export), text=False)

        made_from = {
            "graph": self.reference_sha256,
            **self._checkpoint_hashes(),
            **_makers("export", "graphs", "pipeline"),
        }
        place = self.work.product(self.name, "export from pipeline.config", made_from, make)
        return load_export(place)

    @cached_property
    def reference_sha256(self) -> str:
        """Hash of the inference graph."""
        return file_sha256(self.reference_graph)

    def exported(
        self, options: ExportOptions = EVALUATION, *, add_postprocessing_op: bool = True
    ) -> ExportedGraph:
        """The exported graph, in either of the exporter's two forms.

        Args:
            options: The exporter's flags; they only matter to the post-processing node.
            add_postprocessing_op: Which form.
        """
        if not add_postprocessing_op:
            return load_export(self._export() / _RAW)
        if options == EVALUATION:
            return load_export(self._export() / _WITH_OP)
        return load_export(self._export_with(options))

    def _export(self) -> Path:
        """Both forms of the evaluation's export."""
        config = self.archive.pipeline_config

        def make(folder: Path) -> None:
            from validation.export.from_graph import export_from_graph, without_postprocessing
            from validation.export.graph_io import read_graph, write_export
            from validation.pipeline.config import load_pipeline

            export = export_from_graph(
                read_graph(self.reference_graph),
                EVALUATION,
                config=None if config is None else load_pipeline(config),
                where=self.reference_graph.name,
            )
            write_export(folder / _WITH_OP, export, text=False)
            write_export(folder / _RAW, without_postprocessing(export), text=False)

        made_from = {
            "graph": self.reference_sha256,
            "config": None if config is None else file_sha256(config),
            "options": dataclasses.asdict(EVALUATION),
            **_makers("export", "pipeline"),
        }
        return self.work.product(self.name, "export", made_from, make)

    def _export_with(self, options: ExportOptions) -> Path:
        """The evaluation's export with other flags in its post-processing node."""
        base = self.exported()

        def make(folder: Path) -> None:
            from validation.export.from_graph import with_options
            from validation.export.graph_io import read_export, write_export

            write_export(folder, with_options(read_export(base), options), text=False)

        made_from = {
            "graph": file_sha256(base.graph),
            "options": dataclasses.asdict(options),
            **_makers("export"),
        }
        return self.work.product(self.name, f"export{told(options)}", made_from, make)

    def summary(self, *, add_postprocessing_op: bool) -> GraphSummary:
        """What stands in an exported graph, read back from its file."""
        graph = self.exported(add_postprocessing_op=add_postprocessing_op).graph

        def make(folder: Path) -> None:
            from validation.export.describe import describe_graph

            (folder / "summary.json").write_text(json.dumps(to_plain(describe_graph(graph))))

        made_from = {"graph": file_sha256(graph), **_makers("export")}
        folder = self.work.product(self.name, "describe", made_from, make)
        summary: GraphSummary = from_plain(
            GraphSummary, json.loads((folder / "summary.json").read_text())
        )
        return summary

    def tflite(self, variant: str, options: ExportOptions = EVALUATION) -> Path:
        """The converted file of a variant."""
        raw = variant.endswith("raw")
        export = self.exported(options, add_postprocessing_op=not raw)
        file_name = f"{self.name}-{variant}.tflite"

        def make(folder: Path) -> None:
            from validation.convert.tflite import conversion_of, convert

            convert(export.graph, conversion_of(variant), folder / file_name)

        made_from = {
            "graph": file_sha256(export.graph),
            "variant": variant,
            "name": file_name,
            **_makers("convert"),
        }
        step = f"convert {variant}{told(options)}"
        return self.work.product(self.name, step, made_from, make) / file_name


def _makers(*rooms: str) -> dict[str, str]:
    """The versions and the code that make a product."""
    return {"tensorflow": installed_version("tensorflow"), "code": code_sha256(*rooms)}


def told(options: ExportOptions) -> str:
    """What sets these options apart, for the list of steps."""
    names = {EVALUATION: "", FAST_NMS: ", fast NMS", GUIDE_DEFAULT: ", guide's defaults"}
    return names.get(options, f", {options}")
