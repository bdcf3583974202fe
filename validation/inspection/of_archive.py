"""What a model's archive holds, how a .tflite can be made from it, and what is known of it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import (
    ArtefactMissing,
    ConfigError,
    DatasetError,
    NotSsdConfig,
    ValidationError,
)
from validation.inspection.graph_promise import kept_promises
from validation.inspection.of_config import ConfigFacts, config_facts
from validation.inspection.preprocessing import usual_preprocessing
from validation.labels.alignment import align, align_uncounted
from validation.labels.label_list import LabelList
from validation.pipeline.config import load_pipeline
from validation.specs.input_stats import default_stats
from validation.zoo.archives import Archive
from validation.zoo.entry import CatalogueEntry
from validation.zoo.layout import find_model_files

# Detections of the OD API's own evaluation, where no config says another number.
_EVALUATED = 100


@dataclass(frozen=True)
class ArchiveFile:
    """One file of an archive.

    Args:
        name: Path below the archive's folder, with slashes.
        size_bytes: Of the file.
        part: What it is of the model; empty: nothing here reads it.
    """

    name: str
    size_bytes: int
    part: str


@dataclass(frozen=True, kw_only=True)
class ArchiveFacts:
    """One model's archive.

    Args:
        name: Of the model.
        group: Of the catalogue, or the folder that it lies in.
        description: One line.
        licence: SPDX name, or empty.
        origin: Text or URL.
        presence: Where it is, in words.
        folder: Of the model's files; empty where it is not on this machine.
        files: Every file below the archive's folder.
        routes: Ways to an exported graph, the one that the suites take first.
        no_route: Why there is none; empty where there is one.
        config: What its pipeline.config says, None without one that can be read.
        config_problem: What is wrong with it; empty where nothing is.
        config_from_catalogue: The archive has none, and the catalogue knows one for it.
        quantised: It was trained with quantisation.
        labels: Class names by id, where they fit the classes of its config.
        labels_described: How many names for how many classes; what is wrong where they do not
            fit; empty without names.
        published: What its publisher measured, by the names of `PUBLISHED_FIGURES`.
        traps: What is odd about it.
        unusable: What is said of checkpoints where none can be used.
        next_steps: Command lines.
    """

    name: str
    group: str
    description: str
    licence: str
    origin: str
    presence: str
    folder: str = ""
    files: tuple[ArchiveFile, ...] = ()
    routes: tuple[str, ...] = ()
    no_route: str
    config: ConfigFacts | None
    config_problem: str
    config_from_catalogue: bool
    quantised: bool
    labels: Mapping[int, str]
    labels_described: str
    published: Mapping[str, float]
    traps: tuple[str, ...]
    unusable: tuple[str, ...] = ()
    next_steps: tuple[str, ...]


def entry_facts(entry: CatalogueEntry, presence: str) -> ArchiveFacts:
    """What the catalogue alone knows of a model that is not on this machine."""
    config, problem = _config(entry.pipeline_config)
    return ArchiveFacts(
        name=entry.name,
        group=entry.group,
        description=entry.description,
        licence=entry.licence,
        origin=entry.origin,
        presence=presence,
        no_route="the archive is not on this machine",
        config=config,
        config_problem="" if problem is None else str(problem),
        config_from_catalogue=entry.pipeline_config is not None,
        quantised=entry.quantised,
        **_labels(entry.labels, config),
        published=entry.published,
        traps=entry.traps,
        next_steps=(f"python -m validation zoo fetch {shlex.quote(entry.name)}",),
    )


def archive_facts(archive: Archive, presence: str) -> ArchiveFacts:
    """What an archive on this machine holds.

    Args:
        archive: As `obtain` gives it.
        presence: Where it is, in words.

    Raises:
        ArtefactError: The folder cannot be read.
    """
    entry = archive.entry
    config, problem = _config(archive.pipeline_config)
    folder = find_model_files(archive.root, entry.subfolder).folder
    usable, broken = kept_promises(archive)
    unusable = (*broken, *archive.unusable)
    routes = tuple(_routes(usable))
    no_route = ""
    if isinstance(problem, NotSsdConfig):
        routes, no_route = (), str(problem)
    elif not routes:
        no_route = "; ".join(
            unusable or ("neither a graph nor a checkpoint that one can be built for",)
        )
    quantised = entry.quantised or (config is not None and config.quantised is not None)
    steps = _next_steps(usable, config, quantised=quantised)
    return dataclasses.replace(
        entry_facts(entry, presence),
        folder=str(folder),
        files=tuple(_files(archive)),
        routes=routes,
        no_route=no_route,
        config=config,
        config_problem="" if problem is None else str(problem),
        config_from_catalogue=archive.pipeline_config is not None
        and archive.pipeline_config == entry.pipeline_config,
        quantised=quantised,
        **_labels(archive.labels, config),
        unusable=unusable,
        next_steps=tuple(steps) if routes else (),
    )


def _labels(labels: LabelList | None, config: ConfigFacts | None) -> dict[str, Any]:
    """The two facts about class names."""
    if labels is None:
        return {"labels": {}, "labels_described": ""}
    count = None if config is None else config.num_classes
    try:
        names = align(labels, count) if count else align_uncounted(labels)
    except DatasetError as error:
        return {"labels": {}, "labels_described": str(error)}
    return {"labels": names.names, "labels_described": f"{names.describe()} ({names.source})"}


def _config(path: Path | None) -> tuple[ConfigFacts | None, ValidationError | None]:
    """What a config says, or why it cannot be read."""
    if path is None:
        return None, None
    try:
        return config_facts(load_pipeline(path)), None
    except (ConfigError, ArtefactMissing) as error:
        return None, error


def _files(archive: Archive) -> Iterator[ArchiveFile]:
    prefix = archive.checkpoint_prefix
    parts = {
        archive.frozen_graph: "inference graph",
        archive.meta_graph: "graph of the checkpoint",
        archive.pipeline_config: "configuration",
        archive.tflite_graph: "graph exported for TFLite",
        archive.label_map: "label map",
    }
    try:
        for path in sorted(archive.root.rglob("*")):
            if not path.is_file():
                continue
            part = parts.get(path, "")
            if prefix is not None and path.parent == prefix.parent and not part:
                rest = path.name.removeprefix(prefix.name)
                part = "checkpoint" if rest.startswith((".index", ".data-")) else ""
            name = path.relative_to(archive.root).as_posix()
            yield ArchiveFile(name, path.stat().st_size, part)
    except OSError as error:
        raise ArtefactMissing(
            "the archive cannot be listed", got=error.strerror, where=archive.root
        ) from error


def _routes(archive: Archive) -> Iterator[str]:
    """In the order in which `validation.workspace` tries them."""
    prefix = archive.checkpoint_prefix
    if archive.frozen_graph is not None:
        yield f"cut out of {archive.frozen_graph.name}"
    if archive.tflite_graph is not None:
        yield f"{archive.tflite_graph.name}, converted as it is"
    if archive.meta_graph is not None and prefix is not None:
        yield f"cut out of {archive.meta_graph.name}, with the values of {prefix.name}"
    if prefix is not None and archive.pipeline_config is not None:
        yield f"built from {archive.pipeline_config.name}, with the values of {prefix.name}"


def _stats(config: ConfigFacts | None, quantised: bool) -> str:
    """The flags without which a shipped quantised graph is not converted."""
    if not quantised:
        return ""
    extractor = "" if config is None else config.extractor
    stats = default_stats(usual_preprocessing(extractor, 1, 1))
    return f" --mean_values={stats.mean:g} --std_dev_values={stats.std:g}"


def _next_steps(archive: Archive, config: ConfigFacts | None, *, quantised: bool) -> Iterator[str]:
    quoted = shlex.quote
    if archive.frozen_graph is None and archive.tflite_graph is not None:
        yield (
            f"python -m validation convert --graph_def_file={quoted(str(archive.tflite_graph))} "
            f"--output_file={quoted(archive.entry.name)}.tflite{_stats(config, quantised)}"
        )
    else:
        source = (
            f"--frozen_graph={quoted(str(archive.frozen_graph))}"
            if archive.frozen_graph is not None
            else f"--trained_checkpoint_prefix={quoted(str(archive.checkpoint_prefix))}"
        )
        path = archive.pipeline_config
        described = "" if path is None else f" --pipeline_config_path={quoted(str(path))}"
        most = config.max_total_detections if config is not None else _EVALUATED
        yield (
            f"python -m validation export {source}{described} --output_directory=out "
            f"--use_regular_nms=true --max_detections={most}"
        )
    zoo = archive.entry.group
    yield f"python -m validation run --zoo {quoted(zoo)} --model {quoted(archive.entry.name)}"
