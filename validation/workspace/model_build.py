"""From catalogue entry to .tflite files: the products of one model.

Modules that import TensorFlow are imported where a product is made, so that a run
over cached products starts without it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from validation.calibration.images import CalibrationImages
from validation.errors import UsageError, ValidationError, read_from
from validation.export.exported import ExportedGraph, ExportOptions, load_export
from validation.export.fake_quant_facts import FakeQuantFacts
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.isolation.freed_memory import pieces_mapped
from validation.record.run import Stage, Step
from validation.specs.contracts import (
    EXPORTER_DEFAULT_MAX_DETECTIONS,
    KERNEL_DEFAULTS,
    GraphSummary,
    PostprocessAttributes,
)
from validation.specs.input_stats import InputStats, default_stats
from validation.specs.tensors import OnlyImageSize, takes_only
from validation.specs.variants import Scheme, variant_of
from validation.tflite.facts import TfliteFile, read_tflite
from validation.workspace import reference
from validation.workspace.fakequant_model import fakequant_entry
from validation.workspace.planned_conversion import Convert, PlannedConversion, convert_here
from validation.workspace.products import ProductCache, makers
from validation.workspace.routes import RouteFindings, compare_routes
from validation.workspace.synthetic import GROUP, synthetic_archive
from validation.workspace.third_witness import between_graph_and_config, place_of
from validation.zoo.archives import Archive, obtain
from validation.zoo.entry import CatalogueEntry

# As the OD API itself suppresses: for each class, and as many detections as its config says.
EVALUATION = ExportOptions()
# The same with the op's faster, class-agnostic suppression.
FAST_NMS = ExportOptions(use_regular_nms=False)
# What the guide's command line gives to a user who sets no flag.
GUIDE_DEFAULT = ExportOptions(
    max_detections=EXPORTER_DEFAULT_MAX_DETECTIONS,
    detections_per_class=100,
    use_regular_nms=False,
)

_WITH_OP = "with_postprocessing"
_RAW = "raw_outputs"

_Facts = TypeVar("_Facts")


@dataclass(eq=False)
class ModelBuild:
    """One model's archive, exports and conversions, each made when first asked for.

    Args:
        entry: From the catalogue or a folder.
        work: Where products are kept.
        cache_dir: Where downloads are kept.
        offline: Never touch the network.
        on_step: Called with every step that makes no product.
        lock_file: See `obtain`.
        representative: Images to calibrate with, None where there are none.
        input_stats: Of a uint8 input; None: those that follow from the extractor's preprocessing.
        convert: Fills the folder of a conversion that is not in the cache.
    """

    entry: CatalogueEntry
    work: ProductCache
    cache_dir: Path
    offline: bool
    on_step: Callable[[Step], None]
    lock_file: Path | None = None
    representative: CalibrationImages | None = None
    input_stats: InputStats | None = None
    convert: Convert = convert_here
    _not_obtained: ValidationError | None = field(default=None, init=False)
    _files: dict[tuple[str, ExportOptions], Path] = field(default_factory=dict, init=False)
    _read: dict[str, TfliteFile] = field(default_factory=dict, init=False)
    _routes: dict[float, RouteFindings] = field(default_factory=dict, init=False)

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
                return synthetic_archive(self.entry, self.work, self.cache_dir)
            started = time.perf_counter()
            archive = obtain(
                self.entry,
                self.cache_dir,
                offline=self.offline,
                lock_file=self.lock_file,
            )
            seconds = time.perf_counter() - started
            self.on_step(
                Step(self.name, Stage.FETCH, "fetch", seconds, False, damaged=archive.damaged)
            )
            return archive
        except ValidationError as error:
            self._not_obtained = error
            raise

    @property
    def reference_origin(self) -> str:
        """Where the reference comes from and what it takes, for the report."""
        text, sides = reference.origin(self.archive), self.only_image_size
        return text if sides is None else f"{text}; {takes_only(sides)}"

    @property
    def reference_is_independent(self) -> bool:
        """False where the reference shares this harness's reading of the archive."""
        return reference.is_independent(self.archive)

    def shipped_attributes(self) -> PostprocessAttributes | None:
        """The flags of the archive's own tflite_graph.pb; None where that is not converted."""
        shipped = reference.shipped_graph(self.archive)
        if shipped is None:
            return None

        def read(graph: Path) -> GraphSummary:
            from validation.export.describe import summary_of
            from validation.export.graph_io import read_graph

            return summary_of(read_graph(graph), graph.name, KERNEL_DEFAULTS)

        return self._read_back(Stage.DESCRIBE, GraphSummary, shipped, read).postprocess

    @cached_property
    def options(self) -> ExportOptions:
        """The exporter's flags of the files under test: a shipped graph's are its own."""
        shipped = self.shipped_attributes()
        if shipped is None or shipped == self.exported().contract.postprocess:
            return EVALUATION
        return ExportOptions.of(shipped)

    @cached_property
    def only_image_size(self) -> tuple[int, int] | None:
        """Height and width of the only images that the reference graph takes.

        None where it takes any. Files of the network's input size get images resized to it in
        whole numbers too, so that both sides see the same pixels.
        """

        def read(graph: Path) -> OnlyImageSize:
            from validation.export.graph_io import read_graph
            from validation.export.processing_reading import only_image_size

            return OnlyImageSize(only_image_size(read_graph(graph)))

        return self._read_back(Stage.DESCRIBE, OnlyImageSize, self.reference_graph, read).sides

    @cached_property
    def reference_graph(self) -> Path:
        """An inference graph from image_tensor to detections, see `workspace.reference`."""
        return reference.inference_graph(self.name, self.archive, self.exported, self.work)

    def built_export(self) -> ExportedGraph:
        """The raw-outputs form, built from pipeline.config: the second route to one model.

        Raises:
            ArtefactMissing: The archive has no pipeline.config.
        """
        return reference.built_export(
            self.name, self.archive, self.reference_graph, self.reference_sha256, self.work
        )

    def routes(self, rounding: float) -> RouteFindings:
        """What the files of the archive that describe the model's graph have in common.

        Args:
            rounding: Share of a number that is no difference.
        """
        if rounding not in self._routes:
            self._routes[rounding] = compare_routes(
                self.name, self.archive, self.built_export, rounding, self.work
            )
        return self._routes[rounding]

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
            return load_export(self._export / _RAW)
        if options == EVALUATION:
            return load_export(self._export / _WITH_OP)
        return load_export(self._export_with(options))

    @cached_property
    def _export(self) -> Path:
        """Both forms of the evaluation's export."""
        config = self.archive.pipeline_config
        shipped = reference.shipped_graph(self.archive)
        source = shipped or self.reference_graph

        @pieces_mapped()
        def make(folder: Path) -> None:
            from validation.export.from_graph import export_from_graph, without_postprocessing
            from validation.export.graph_io import read_graph, write_export
            from validation.export.shipped_graph import export_shipped
            from validation.pipeline.config import load_pipeline

            take = export_from_graph if shipped is None else export_shipped
            described = None if config is None else load_pipeline(config)
            of_meta = partial(reference.meta_export, self.name, self.archive, self.work)
            third = between_graph_and_config(self.archive, source, described, of_meta)
            with read_from(place_of(source, self.archive)), third:
                export = take(read_graph(source), EVALUATION, config=described, where=source.name)
            write_export(folder / _WITH_OP, export, text=False)
            write_export(folder / _RAW, without_postprocessing(export), text=False)

        made_from = {
            "graph": file_sha256(source),
            "shipped": shipped is not None,
            "config": None if config is None else file_sha256(config),
            "options": dataclasses.asdict(EVALUATION),
            **makers("export", "pipeline"),
        }
        return self.work.product(self.name, Stage.EXPORT, "export", made_from, make, file=source)

    def _export_with(self, options: ExportOptions) -> Path:
        """The evaluation's export with other flags in its post-processing node."""
        base = self.exported()

        @pieces_mapped()
        def make(folder: Path) -> None:
            from validation.export.from_graph import with_options
            from validation.export.graph_io import read_export, write_export

            write_export(folder, with_options(read_export(base), options), text=False)

        made_from = {
            "graph": file_sha256(base.graph),
            "contract": unstructure(base.contract),
            "options": dataclasses.asdict(options),
            **makers("export"),
        }
        step = f"export{describe_flags(options)}"
        return self.work.product(self.name, Stage.EXPORT, step, made_from, make)

    def summary(self, *, add_postprocessing_op: bool) -> GraphSummary:
        """The contents of an exported graph, read back from its file."""

        def described(graph: Path) -> GraphSummary:
            from validation.export.describe import describe_graph

            return describe_graph(graph)

        graph = self.exported(self.options, add_postprocessing_op=add_postprocessing_op).graph
        return self._read_back(Stage.DESCRIBE, GraphSummary, graph, described)

    def fake_quant_facts(self) -> FakeQuantFacts:
        """What the FakeQuant nodes of the graph of uint8 say, read back from its file."""

        def read(graph: Path) -> FakeQuantFacts:
            from validation.export.fake_quant_reading import read_fake_quant

            return read_fake_quant(graph)

        graph = self.source_of("uint8").exported(add_postprocessing_op=False).graph
        return self._read_back(Stage.LINT, FakeQuantFacts, graph, read)

    def _read_back(
        self, step: Stage, kind: type[_Facts], graph: Path, read: Callable[[Path], _Facts]
    ) -> _Facts:
        """What a reader finds in an exported graph, kept as JSON beside the other products."""
        made_from = {"graph": file_sha256(graph), **makers("export")}
        with read_from(place_of(graph, self.archive)):
            find = pieces_mapped()(lambda _: read(graph))
            return self.work.facts(self.name, step, step, made_from, kind, find)

    def tflite(self, variant: str, options: ExportOptions | None = None) -> Path:
        """The converted file of a variant.

        Args:
            variant: Its name.
            options: The exporter's flags; None takes those of the file under test.
        """
        options = options or self.source_of(variant).options
        key = (variant, options)
        if key not in self._files:
            self._files[key] = self._converted(variant, options)
        return self._files[key]

    def _converted(self, variant: str, options: ExportOptions) -> Path:
        planned = self.planned_conversion(variant, options)
        folder = self.work.product(
            self.name,
            Stage.CONVERT,
            planned.step,
            planned.made_from,
            partial(self.convert, planned),
            file=planned.graph,
        )
        return folder / planned.file_name

    def planned_conversion(self, variant: str, options: ExportOptions) -> PlannedConversion:
        """The conversion of a variant, its graph exported; see `tflite`."""
        with_op = variant_of(variant).add_postprocessing_op
        export = self.source_of(variant).exported(options, add_postprocessing_op=with_op)
        return PlannedConversion(
            self.name,
            variant,
            f"convert {variant}{describe_flags(options)}",
            export.graph,
            export.contract.preprocessing,
            self.stats_of(variant),
            self._calibrating() if variant_of(variant).scheme is Scheme.INT8 else None,
        )

    def tflite_file(self, variant: str) -> TfliteFile:
        """The contents of a variant's file, read once."""
        if variant not in self._read:
            self._read[variant] = read_tflite(self.tflite(variant))
        return self._read[variant]

    def stats_of(self, variant: str) -> InputStats | None:
        """Mean and std that a variant is converted with; None where it needs none.

        Raises:
            ConversionError: None are stated, and none follow from the preprocessing.
        """
        if variant_of(variant).scheme is not Scheme.UINT8:
            return None
        contract = self.source_of(variant).exported(add_postprocessing_op=False).contract
        return self.input_stats or default_stats(contract.preprocessing)

    def source_of(self, variant: str) -> ModelBuild:
        """The build whose exported graph a variant is made from.

        The uint8 variants of a float model come from its fake-quant model.
        """
        needs_ranges = variant_of(variant).scheme is Scheme.UINT8
        return self._fakequant_build if needs_ranges and not self.entry.quantised else self

    @cached_property
    def _fakequant_build(self) -> ModelBuild:
        entry = fakequant_entry(
            self.name,
            self.archive,
            lambda: self.reference_graph,
            self._calibrating(),
            self.work,
        )
        return ModelBuild(
            entry, self.work, cache_dir=self.cache_dir, offline=True, on_step=self.on_step
        )

    def _calibrating(self) -> CalibrationImages:
        if self.representative is None:
            raise UsageError(
                "8-bit ranges of a float model need representative images",
                expected="--representative-images DIR, or labelled images",
                where=self.name,
            )
        return self.representative


def describe_flags(options: ExportOptions) -> str:
    """What sets these options apart, for the list of steps."""
    names = {EVALUATION: "", FAST_NMS: ", fast NMS", GUIDE_DEFAULT: ", guide's defaults"}
    nms = "regular NMS" if options.use_regular_nms else "fast NMS"
    return names.get(options, f", {nms} and {options.max_detections} detections as shipped")
