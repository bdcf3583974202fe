"""Every way to a model's graph that its archive has, compared part by part."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from validation.comparison.moving_averages import with_averages
from validation.comparison.route_differences import route_differences
from validation.comparison.usual_values import unusual_values
from validation.comparison.witnesses import Witness
from validation.errors import ConfigError, ValidationError, read_from
from validation.export.exported import ExportedGraph
from validation.export.graph_parts import GraphParts
from validation.files.digest import file_sha256
from validation.isolation.freed_memory import pieces_mapped
from validation.record.diagnosis import Diagnosis, Place
from validation.record.run import Stage
from validation.workspace import reference
from validation.workspace.products import ProductCache, file_hashes, makers
from validation.zoo.archives import Archive

_SAVED_MODEL = "saved_model"


class Unconfirmed(enum.StrEnum):
    """What one file of an archive says alone; the value says it in words."""

    NO_CONFIG = (
        "no pipeline.config: nothing confirms the thresholds, anchors and layers of the graph"
    )
    NOT_BUILT = "no graph was built from pipeline.config"
    NO_GRAPH = "no graph of the training: nothing confirms how pipeline.config was read"
    NO_CHECKPOINT = "no checkpoint: nothing confirms the weights of the graph"
    NO_FROZEN_WEIGHTS = "no frozen graph: nothing confirms the weights of the checkpoint"


# Of these the weights; of the others layers, thresholds and anchors.
_OF_WEIGHTS = frozenset({Unconfirmed.NO_CHECKPOINT, Unconfirmed.NO_FROZEN_WEIGHTS})


@dataclass(frozen=True)
class RouteFindings:
    """What the ways to one graph have in common.

    Args:
        compared: Names of the files that were compared.
        diagnoses: Of parts that they do not state alike, without model and variant.
        missing: What could not be confirmed by a second file.
        unusual: Values that one file alone states and that no model of the zoo has; without model
            and variant.
        unreadable: Files that could not be compared, with the reason.
        config_error: Why no graph is built from the config; empty where one is, or none is there.
        config_is_unsupported: The error is the config's own: no fault of checkpoint or graph.
        uses_averages: A graph has the moving averages of the weights, which its .meta does not say.
    """

    compared: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...]
    missing: tuple[Unconfirmed, ...]
    unusual: tuple[Diagnosis, ...] = ()
    unreadable: tuple[str, ...] = ()
    config_error: str = ""
    config_is_unsupported: bool = False
    uses_averages: bool = False

    @property
    def routes(self) -> int:
        """2 where one file's word was compared with another's, else 1."""
        return min(2, max(1, len(self.compared)))

    @property
    def confirms_weights(self) -> bool:
        """Two files state the weights."""
        return not _OF_WEIGHTS.intersection(self.missing)

    @property
    def confirms_layers(self) -> bool:
        """Two files state layers, thresholds and anchors."""
        return not set(self.missing) - _OF_WEIGHTS

    def missing_in_words(self) -> tuple[str, ...]:
        """A clause for each part that one file says alone."""
        return tuple(
            f"{each.value}: {self.config_error}" if each is Unconfirmed.NOT_BUILT else each.value
            for each in self.missing
        )


def compare_routes(
    name: str,
    archive: Archive,
    built: Callable[[], ExportedGraph],
    rounding: float,
    work: ProductCache,
) -> RouteFindings:
    """Compare them, or read what was found before.

    Args:
        name: Of the model.
        archive: What there is.
        built: Gives the export that is built from pipeline.config; asked where there is one.
        rounding: Share of a number that is no difference.
        work: Keeps the findings.

    Raises:
        ValidationError: The graph that the model is judged by cannot be read.
    """
    saved_model = _folder(archive) / _SAVED_MODEL
    made_from = {
        "files": {path.name: file_sha256(path) for path in _files(archive)},
        "saved model": file_hashes(saved_model) if saved_model.is_dir() else None,
        "rounding": rounding,
        **makers("export", "graphs", "pipeline", "arrays", "comparison", "workspace"),
    }

    @pieces_mapped()
    def find(_: Path) -> RouteFindings:
        return _Routes(archive, built).findings(rounding)

    return work.facts(name, Stage.DESCRIBE, "compare routes", made_from, RouteFindings, find)


def second_route(
    name: str,
    archive: Archive,
    built: Callable[[], ExportedGraph],
    findings: RouteFindings,
    work: ProductCache,
) -> ExportedGraph | None:
    """The raw-outputs form that was made on another way than the converted one.

    From pipeline.config, else from the .meta with the checkpoint's values beside a frozen graph.

    Args:
        name: Of the model.
        archive: What there is.
        built: See `compare_routes`.
        findings: Of the archive.
        work: Keeps the export.

    Returns:
        The export; None where neither can be made.
    """
    if archive.pipeline_config is not None:
        return built() if reference.has_own_graph(archive) else None
    meta = archive.meta_graph
    is_read = meta is not None and meta.name in findings.compared
    if archive.frozen_graph is None or not is_read or findings.uses_averages:
        return None
    return reference.meta_export(name, archive, work)


class _Routes:
    """The files of an archive, each read once.

    Args:
        archive: What there is.
        built: See `compare_routes`.
    """

    def __init__(self, archive: Archive, built: Callable[[], ExportedGraph]) -> None:
        self._archive = archive
        self._built = built
        self._unreadable: list[str] = []
        self._config_error: ValidationError | None = None

    def findings(self, rounding: float) -> RouteFindings:
        """Read, compare, and say what is missing."""
        graphs, built = list(self._graphs()), list(self._from_config())
        states = [*graphs, *built]
        checkpoint = self._checkpoint({name for each in states for name in each.parts.variables})
        witnesses = with_averages([*map(_own, states)], checkpoint, self._averages(), rounding)
        found = route_differences(witnesses, rounding)
        if any(each.place is Place.ARCHIVE for each in found):
            # As many files for as against: the shipped graph's text may decide.
            found = route_differences([*witnesses, *self._text()], rounding)
        with_weights = [each.name for each in witnesses if each.parts.variables]
        with_layers = [each.name for each in states]
        is_compared = len(with_weights) > 1 or len(with_layers) > 1
        names = dict.fromkeys([*with_layers, *with_weights])
        return RouteFindings(
            tuple(names) if is_compared else (),
            found,
            tuple(self._missing(bool(graphs), bool(built), len(with_weights))),
            unusual_values(witnesses),
            tuple(self._unreadable),
            "" if self._config_error is None else str(self._config_error),
            isinstance(self._config_error, ConfigError),
            any(each.uses_averages for each in witnesses),
        )

    def _missing(self, has_graph: bool, has_built: bool, weights: int) -> Iterator[Unconfirmed]:
        if self._archive.pipeline_config is None:
            yield Unconfirmed.NO_CONFIG
        elif not has_built:
            yield Unconfirmed.NOT_BUILT
        if not has_graph:
            yield Unconfirmed.NO_GRAPH
        if weights < 2:
            has_checkpoint = self._archive.checkpoint_prefix is not None
            yield Unconfirmed.NO_FROZEN_WEIGHTS if has_checkpoint else Unconfirmed.NO_CHECKPOINT

    def _graphs(self) -> Iterator[Witness]:
        """Those of the trainer; the one that the model is judged by comes first."""
        from validation.export.parts_of_files import InferenceGraphs, parts_of_tflite_graph

        graphs = InferenceGraphs(with_classes=self._archive.tflite_graph is not None)
        archive, place = self._archive, Place.GRAPH
        if (frozen := archive.frozen_graph) is not None:
            with read_from(place):
                parts = graphs.of_frozen_graph(frozen)
            yield Witness(place, frozen.name, parts)
            place = Place.ARCHIVE
        meta, prefix = archive.meta_graph, archive.checkpoint_prefix
        if meta is not None and prefix is not None:
            read = partial(graphs.of_meta_graph, meta, prefix)
            yield from self._read(place, meta.name, read)
        if (shipped := archive.tflite_graph) is not None:
            read = partial(parts_of_tflite_graph, shipped)
            yield from self._read(Place.SHIPPED_GRAPH, shipped.name, read)
        if (saved_model := _folder(archive) / _SAVED_MODEL).is_dir():
            yield from self._read(
                Place.ARCHIVE, _SAVED_MODEL, partial(graphs.of_saved_model, saved_model)
            )

    def _from_config(self) -> Iterator[Witness]:
        """The graph that pipeline.config describes."""
        from validation.export.parts_of_files import parts_of_built_graph

        config = self._archive.pipeline_config
        if config is None:
            return
        try:
            parts = parts_of_built_graph(self._built())
        except ValidationError as error:
            self._config_error = error
        else:
            yield Witness(Place.CONFIG, config.name, parts)

    def _checkpoint(self, names: Collection[str]) -> Witness | None:
        from validation.export.parts_reading import weights_of_checkpoint

        prefix = self._archive.checkpoint_prefix
        if prefix is None:
            return None
        found = self._read(
            Place.CHECKPOINT, prefix.name, lambda: weights_of_checkpoint(prefix, names)
        )
        return next(iter(found), None)

    def _averages(self) -> tuple[str, bool] | None:
        """What the config says of moving averages."""
        from validation.pipeline.config import load_pipeline

        config = self._archive.pipeline_config
        try:
            return (
                None if config is None else (config.name, load_pipeline(config).use_moving_averages)
            )
        except ConfigError:
            return None

    def _text(self) -> Iterator[Witness]:
        """The shipped graph once more, as the exporter writes it for people; slow to read."""
        from validation.export.parts_of_files import parts_of_tflite_graph

        shipped = self._archive.tflite_graph
        text = None if shipped is None else shipped.with_suffix(".pbtxt")
        if text is not None and text.is_file():
            read = partial(parts_of_tflite_graph, text)
            yield from self._read(Place.ARCHIVE, text.name, read)

    def _read(
        self, place: Place, name: str, read: Callable[[], GraphParts | None]
    ) -> Iterator[Witness]:
        """What a file states; nothing where it cannot be read, which is noted."""
        try:
            parts = read()
        except ValidationError as error:
            self._unreadable.append(f"{name}: {error}")
            return
        if parts is not None:
            yield Witness(place, name, parts)


def _own(witness: Witness) -> Witness:
    """Without the weights that come from a checkpoint, which is a witness of its own."""
    if witness.place is Place.CONFIG or witness.name.endswith(".meta"):
        return dataclasses.replace(witness, parts=dataclasses.replace(witness.parts, variables={}))
    return witness


def _folder(archive: Archive) -> Path:
    """Where the model's own files lie; the config may be the catalogue's."""
    return _files(archive)[0].parent


def _files(archive: Archive) -> list[Path]:
    """Every file that states something of the graph."""
    prefix, shipped = archive.checkpoint_prefix, archive.tflite_graph
    single = [archive.frozen_graph, archive.meta_graph, shipped]
    text = None if shipped is None else shipped.with_suffix(".pbtxt")
    single += [text if text is not None and text.is_file() else None, archive.pipeline_config]
    files = [] if prefix is None else sorted(prefix.parent.glob(f"{prefix.name}.*"))
    return [*files, *(path for path in single if path is not None)]
