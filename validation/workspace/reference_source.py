"""From the path of --reference to what a session judges by."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from validation.coco.results_file import read_results
from validation.errors import UsageError, first_few
from validation.files.digest import file_sha256
from validation.kinds.kind import Kind, Recognised
from validation.kinds.reference import has_graph, recognise_reference
from validation.policy.load import Policy
from validation.record.run import Stage, Step
from validation.specs.references import ReferenceKind
from validation.workspace.groups import chosen_models
from validation.workspace.products import ProductCache, file_hashes, makers
from validation.workspace.settled import settle_process
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import CatalogueEntry, FolderSource, PypiSource
from validation.zoo.folders import entry_of
from validation.zoo.packed import file_names
from validation.zoo.unpack import unpack_tar

# A group of its own: neither the catalogue's nor the package's.
GROUP = "given"
_DETECTIONS = (Kind.COCO_RESULTS, Kind.COCO_ANNOTATIONS, Kind.JSON)
_GRAPH = "frozen_inference_graph.pb"
_EXPORTED = "tflite_graph.pb"
_CONFIG = "pipeline.config"
# What an archive without a graph of TensorFlow 1 is unpacked for.
_UNPACKED = ("saved_model.pb", "saved_model.pbtxt", "*.tflite")


@dataclass(frozen=True)
class ReferenceSource:
    """What a file is judged by.

    Args:
        kind: What it is.
        path: File or folder; None without a reference.
        entry: The archive that a graph is read from; None for every other kind.
        packed: The tar archive that was named, where `path` was unpacked from one.
    """

    kind: ReferenceKind
    path: Path | None = None
    entry: CatalogueEntry | None = None
    packed: Path | None = None


def reference_source(path: Path | None, model: str, work: ProductCache) -> ReferenceSource:
    """What a path is as a reference.

    Args:
        path: See `recognise_reference`; None: there is none.
        model: Name of the model where no archive has one.
        work: Keeps archives that are laid out here: of a lone graph, or of a SavedModel's; and
            what is unpacked of one without a graph of TensorFlow 1.

    Raises:
        ArtefactMissing, ArtefactError, UnsafeArchive: Nothing that a file can be judged by.
        DatasetError: JSON that holds no detections.
        UsageError: An archive of several models.
    """
    if path is None:
        return ReferenceSource(ReferenceKind.NONE)
    found = recognise_reference(path)
    if found.kind is Kind.TAR and not has_graph(names := file_names(found.path)):
        inside = _unpacked(found.path, names, model, work)
        if inside is not None:
            return dataclasses.replace(_source(inside, model, work), packed=found.path)
    return _source(found, model, work)


def read_first(path: Path, model: str, cache_dir: Path, policy: Policy) -> list[Step]:
    """Leave in the cache what `reference_source` makes of a path, and say how long it took.

    For another process, which TensorFlow may end.
    """
    settle_process(policy)
    steps: list[Step] = []
    reference_source(path, model, ProductCache(cache_dir / "work", steps.append))
    return steps


def takes_tensorflow(path: Path | None) -> bool:
    """True where `reference_source` reads the path by TensorFlow, unless the cache has it."""
    return path is not None and recognise_reference(path).kind in (Kind.SAVED_MODEL, Kind.TAR)


def _unpacked(
    archive: Path, names: Collection[str], model: str, work: ProductCache
) -> Recognised | None:
    """The SavedModel or the .tflite of an archive of TensorFlow 2; None where it has neither."""
    if not any(fnmatchcase(name, pattern) for name in names for pattern in _UNPACKED):
        return None

    def make(folder: Path) -> None:
        unpack_tar(archive, folder)

    made_from = {"archive": file_sha256(archive), **makers("zoo")}
    folder = work.product(model, Stage.LOAD, f"unpack {archive.name}", made_from, make)
    found = recognise_reference(folder)
    return found if found.kind in (Kind.SAVED_MODEL, Kind.TFLITE) else None


def _source(found: Recognised, model: str, work: ProductCache) -> ReferenceSource:
    if found.kind is Kind.TFLITE:
        return ReferenceSource(ReferenceKind.TFLITE, found.path)
    if found.kind in _DETECTIONS:
        if found.kind is not Kind.COCO_RESULTS:
            # Labels instead of a reference are refused before anything is run.
            read_results(found.path)
        return ReferenceSource(ReferenceKind.DETECTIONS, found.path)
    if found.kind is Kind.SAVED_MODEL:
        folder = _of_saved_model(found.path, model, work)
        if not (folder / _GRAPH).is_file():
            return ReferenceSource(ReferenceKind.SAVED_MODEL, found.path)
        return ReferenceSource(ReferenceKind.GRAPH, found.path, entry_of(model, folder, GROUP))
    if found.kind in (Kind.MODEL_FOLDER, Kind.TAR):
        return ReferenceSource(
            ReferenceKind.GRAPH, found.path, _only(chosen_models(str(found.path)))
        )
    files = _files(found)
    hashes = {name: file_sha256(path) for name, path in files.items()}
    folder = _laid_out(files, hashes, f"lay out {found.path.name}", model, work)
    known = _catalogued(hashes.get(_GRAPH, ""))
    if known is not None:
        entry = dataclasses.replace(known, source=FolderSource(folder), digest=None)
        return ReferenceSource(ReferenceKind.GRAPH, found.path, entry)
    return ReferenceSource(ReferenceKind.GRAPH, found.path, entry_of(model, folder, GROUP))


def _catalogued(sha256: str) -> CatalogueEntry | None:
    """The catalogue's entry of a graph that is known by its sha256: it has config and labels."""
    for entry in load_catalogue().entries:
        if isinstance(entry.source, PypiSource) and entry.source.member_sha256 == sha256:
            return entry
    return None


def _only(entries: Sequence[CatalogueEntry]) -> CatalogueEntry:
    if len(entries) > 1:
        raise UsageError(
            "the reference holds several models",
            expected="one",
            got=first_few(entry.name for entry in entries),
            next_step="name the folder of one of them",
        )
    return entries[0]


def _laid_out(
    files: Mapping[str, Path],
    hashes: Mapping[str, str],
    step: str,
    model: str,
    work: ProductCache,
) -> Path:
    """A folder as archives are laid out."""

    def make(folder: Path) -> None:
        for name, path in files.items():
            shutil.copyfile(path, folder / name)

    return work.product(model, Stage.LOAD, step, hashes, make)


def _files(found: Recognised) -> dict[str, Path]:
    """A graph or a checkpoint, and what lies beside it and belongs to it."""
    path = found.path
    beside = {_CONFIG: path.parent / _CONFIG} if (path.parent / _CONFIG).is_file() else {}
    beside |= {each.name: each for each in path.parent.glob("*label*.pbtxt")}
    if found.kind in (Kind.CHECKPOINT, Kind.META_GRAPH):
        prefix = path.name.removesuffix(".meta")
        return beside | {each.name: each for each in path.parent.glob(f"{prefix}.*")}
    name = _EXPORTED if found.kind is Kind.EXPORTED_GRAPH else _GRAPH
    return beside | {name: path}


def _of_saved_model(path: Path, model: str, work: ProductCache) -> Path:
    """A folder with the graph that the SavedModel holds; without one where it holds none."""
    beside = [path / _CONFIG, path.parent / _CONFIG]
    config = next((each for each in beside if each.is_file()), None)

    def make(folder: Path) -> None:
        from validation.export.saved_model import graph_of_saved_model

        graph = graph_of_saved_model(path)
        if graph is None:
            return
        (folder / _GRAPH).write_bytes(graph.SerializeToString(deterministic=True))
        if config is not None:
            shutil.copyfile(config, folder / _CONFIG)

    made_from = {
        "files": file_hashes(path),
        "config": None if config is None else file_sha256(config),
        **makers("export"),
    }
    return work.product(model, Stage.FREEZE, f"read {path.name}", made_from, make)
