"""Files that were given to be judged: what they are called, and which model each belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ConversionError, UsageError, ValidationError, first_few
from validation.files.digest import file_sha256
from validation.files.names import short_names
from validation.inference.model_file import open_tflite, refusal_of
from validation.inference.other_models import seeming
from validation.inference.outputs import bind_outputs
from validation.metadata.unpacking import metadata_of
from validation.record.run import GivenFile, Stage, Step
from validation.record.types import ModelKey
from validation.specs.feeds import StatedFeed
from validation.specs.references import ReferenceKind
from validation.specs.variants import variant_of
from validation.tflite.custom_ops import EDGE_TPU, refusal
from validation.tflite.facts import TfliteFile, describe
from validation.tflite.model import read_model
from validation.workspace.given_subject import form_of
from validation.zoo.archives import obtain
from validation.zoo.entry import CatalogueEntry, FolderSource

_PATTERN = "*.tflite"
# References that state anchors and attributes, which a file that ends in raw outputs does not have.
_WITH_ANCHORS = (ReferenceKind.GRAPH, ReferenceKind.TFLITE)


@dataclass(frozen=True)
class Candidate:
    """One given file.

    Args:
        key: Model, form and name.
        path: The file.
        file: What it says of itself.
        reference: What it is judged by.
    """

    key: ModelKey
    path: Path
    file: TfliteFile
    reference: ReferenceKind

    def for_header(self, feed: StatedFeed) -> GivenFile:
        """As the record's header has it.

        Args:
            feed: What the user states of it.
        """
        key = self.key
        return GivenFile(
            key.model,
            key.variant,
            key.file,
            file_sha256(self.path),
            self.reference,
            feed or None,
        )


def candidate_of(model: str, path: Path, name: str, reference: ReferenceKind) -> Candidate:
    """A file with its form, which is read from it.

    Raises:
        ArtefactMissing: No such file, or raw outputs whose anchors neither the file's own export
            nor such a reference has.
        ConversionError: No .tflite, a damaged one, no detector, or one for the Edge TPU.
    """
    unpacked = read_model(path)
    if EDGE_TPU in unpacked.custom_ops:
        raise refusal(unpacked.custom_ops, path.name) or ConversionError("not to be run")
    file = describe(unpacked)
    try:
        bind_outputs(unpacked, file, metadata_of(unpacked))
    except ConversionError as error:
        # Outputs without names may be known by the shapes that the reference states.
        if not seeming(file.inputs, file.outputs).has_raw_outputs:
            error.where = error.where or path.name
            raise refusal_of(unpacked, error) or error from error
    key = ModelKey(model, form_of(file), name)
    if variant_of(key.variant).raw_variant == key.variant and reference not in _WITH_ANCHORS:
        open_tflite(path)
    return Candidate(key, path, file, reference)


def distinct(paths: Sequence[Path]) -> list[Path]:
    """The files that paths lead to.

    Raises:
        UsageError: One of them is named twice.
    """
    resolved = [path.resolve() for path in paths]
    if len(set(resolved)) < len(resolved):
        raise UsageError("a file is named twice", got=first_few(map(str, paths)))
    return resolved


def named_candidates(
    paths: Sequence[Path], entries: Sequence[CatalogueEntry]
) -> tuple[Candidate, ...]:
    """The files of --candidate in a session of archives.

    Args:
        paths: As they were named.
        entries: Models of the session; a file in a model's folder is that model's.

    Raises:
        UsageError: It is not known which of several models a file belongs to, or one file is
            named twice.
        ValidationError: A file that cannot be judged.
    """
    resolved = distinct(paths)
    names = short_names(resolved)
    return tuple(
        candidate_of(_model_of(path, entries), path, names[path], ReferenceKind.GRAPH)
        for path in resolved
    )


def _model_of(path: Path, entries: Sequence[CatalogueEntry]) -> str:
    around = [
        entry.name
        for entry in entries
        if isinstance(entry.source, FolderSource) and entry.source.path.resolve() in path.parents
    ]
    if around:
        return around[0]
    if len(entries) == 1:
        return entries[0].name
    raise UsageError(
        "it is not known which model the file belongs to",
        expected="one model, or a file in its archive's folder",
        got=first_few(entry.name for entry in entries),
        where=path.name,
        next_step="choose the model with --model",
    )


def packed_archives(entries: Sequence[CatalogueEntry]) -> tuple[Path, ...]:
    """Those of a folder that `found_candidates` unpacks; their models need that anyway."""
    sources = (entry.source for entry in entries)
    return tuple(
        source.path
        for source in sources
        if isinstance(source, FolderSource) and source.path.is_file()
    )


def found_candidates(
    entries: Sequence[CatalogueEntry],
    cache_dir: Path,
    named: Sequence[Candidate],
    on_step: Callable[[Step], None],
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The .tflite files that lie in the archives of a folder, and what is said of unusable ones.

    Args:
        entries: Models of the session; those that would have to be fetched are left out.
        cache_dir: Where packed archives are unpacked.
        named: Already chosen.
        on_step: Called for an archive that had changed in the cache and was unpacked again.
    """
    known = {each.path for each in named}
    found, said = [], []
    for entry in entries:
        paths = [path for path in _files_in(entry, cache_dir, on_step) if path not in known]
        taken = {each.key.file for each in named if each.key.model == entry.name}
        names = short_names(paths, taken)
        for path in paths:
            try:
                found.append(candidate_of(entry.name, path, names[path], ReferenceKind.GRAPH))
            # Files come from anywhere: one of them is no reason to judge none of the others.
            except Exception as error:
                kind = "" if isinstance(error, ValidationError) else f"{type(error).__name__}: "
                said.append(f"{path.name} of {entry.name} is not judged: {kind}{error}")
    return tuple(found), tuple(said)


def _files_in(
    entry: CatalogueEntry, cache_dir: Path, on_step: Callable[[Step], None]
) -> list[Path]:
    if not isinstance(entry.source, FolderSource):
        return []
    folder = entry.source.path
    try:
        if not folder.is_dir():
            archive = obtain(entry, cache_dir, offline=True, progress=False)
            folder = archive.root
            if archive.damaged:
                # The time it took is that of the step of looking for files.
                step = Step(entry.name, Stage.FETCH, "unpack", 0.0, False, damaged=archive.damaged)
                on_step(step)
        return sorted(path.resolve() for path in folder.rglob(_PATTERN) if path.is_file())
    # Files come from anywhere, as above.
    except Exception:
        return []  # the check of the archive says why
