"""The models that the harness knows: the catalogue's files, checked, and the choice among them."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import CatalogueError, UsageError, did_you_mean
from validation.files.structured import read_toml, structure_table
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.labels.label_list import LabelList
from validation.labels.reading import labels_by_id
from validation.zoo.catalogue_file import (
    SOURCE_KINDS,
    CatalogueFile,
    FolderTable,
    ModelTable,
)
from validation.zoo.entry import (
    CatalogueEntry,
    FolderSource,
    HttpsSource,
    Source,
)
from validation.zoo.folders import archives_at, entry_of
from validation.zoo.integrity import Digest, Sha384Digest
from validation.zoo.refusals import refuse

CATALOGUE_VERSION = 1
# Where names are from, for people.
_SOURCE = "the catalogue"
_HASH_KEYS = ("sha256", "sha384", "size_bytes", "trust_first_download")
DEFAULT_CATALOGUES = tuple(
    Path(__file__).with_name(name) for name in ("bundled.toml", "catalogue.toml", "zoo_tf1.toml")
)


@dataclass(frozen=True)
class Catalogue:
    """Every model that the harness knows by name.

    Args:
        entries: In file order, names unique.
    """

    entries: tuple[CatalogueEntry, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in file order."""
        return tuple(dict.fromkeys(entry.group for entry in self.entries))

    def select(
        self, zoo: str, model_glob: str = "*", groups: Sequence[str] = ()
    ) -> tuple[CatalogueEntry, ...]:
        """The models to test.

        Args:
            zoo: A group of the catalogue, or a folder of archives, or one archive. A group
                goes before a folder of the same name; write ``./name`` for the folder.
            model_glob: Shell pattern that the model's name must match, case and all; or the
                whole name of its archive.
            groups: For the message about an unknown one; without them, the catalogue's.

        Returns:
            At least one entry; a group in file order, a folder by name.

        Raises:
            UsageError: No such group or folder, nothing selected, or a model that is not an SSD.
            ArtefactMissing: The folder cannot be listed.
        """
        known = {entry.name: entry for entry in self.entries if entry.group == zoo}
        archives = {} if known else self._archives(zoo, groups or self.groups)
        names = tuple(known or archives)
        chosen = [name for name, entry in known.items() if entry.is_called(model_glob)]
        chosen += [name for name in archives if fnmatch.fnmatchcase(name, model_glob)]
        if not chosen:
            refuse(model_glob, "--model")
            raise UsageError(
                f"no model of {zoo} matches {model_glob!r}",
                expected=f"one of {', '.join(names)}",
                where="--model",
            )
        where = str(Path(zoo).expanduser().resolve()) if archives else ""
        return tuple(known.get(name) or entry_of(name, archives[name], where) for name in chosen)

    def _archives(self, zoo: str, groups: Sequence[str]) -> dict[str, Path]:
        path = _existing(zoo)
        if path is None:
            refuse(zoo, "--zoo")
            raise UsageError(
                f"no group and no folder {zoo!r}",
                expected=f"{' | '.join(groups)} or a folder of zoo archives",
                where="--zoo",
                next_step=None if "/" in zoo else did_you_mean(zoo, groups),
            )
        archives = archives_at(path)
        if not archives:
            require_kind(path, Wanted.ARCHIVE, UsageError)
            inside = sorted(each.name for each in path.iterdir()) if path.is_dir() else [path.name]
            raise UsageError(
                "no archive found",
                expected="sub-folders with a frozen graph, checkpoint or pipeline.config, "
                "or .tar.gz files",
                got=", ".join(inside[:8]) or "an empty folder",
                where=path,
                next_step="name the folder above the archives",
            )
        return archives


def _existing(zoo: str) -> Path | None:
    """The path that the option names; None also for what cannot be a path at all."""
    try:
        path = Path(zoo).expanduser()
        return path if zoo and path.exists() else None
    except (OSError, RuntimeError):
        return None


def load_catalogue(*paths: Path) -> Catalogue:
    """Read and check a catalogue.

    Args:
        paths: Its files, in the order of their entries; none: those that are shipped.

    Raises:
        CatalogueError: Not TOML, or an entry with unknown, missing or wrong keys, or two
            entries of one name.
    """
    entries: dict[str, CatalogueEntry] = {}
    for path in paths or DEFAULT_CATALOGUES:
        file = _read(path)
        for entry in (_entry(model, path, file.label_sets) for model in file.model):
            if entry.name in entries:
                raise CatalogueError(f"two models called {entry.name!r}", where=path.name)
            entries[entry.name] = entry
    return Catalogue(tuple(entries.values()))


def _read(path: Path) -> CatalogueFile:
    return read_toml(path, CatalogueFile, CATALOGUE_VERSION)


def label_set(name: str) -> Mapping[int, str]:
    """Class names by id of a label set that the shipped catalogues have, such as ``coco``.

    Raises:
        CatalogueError: None of that name.
    """
    for path in DEFAULT_CATALOGUES:
        sets = _read(path).label_sets
        if name in sets:
            return sets[name]
    raise CatalogueError(f"unknown label set {name!r}")


def _entry(
    model: ModelTable, path: Path, label_sets: Mapping[str, Mapping[int, str]]
) -> CatalogueEntry:
    where = f"{path.name}, model {model.name!r}"
    source = _source(model.source, path.parent, f"{where}, source")
    digest = _digest(model, source, where)
    return CatalogueEntry(
        name=model.name,
        group=model.group,
        source=source,
        digest=digest,
        trust_first_download=digest is None and isinstance(source, HttpsSource),
        subfolder=model.subfolder,
        unpacked_bytes=model.unpacked_bytes,
        quantised=model.quantised,
        pipeline_config=path.parent / model.pipeline_config if model.pipeline_config else None,
        licence=model.licence,
        origin=model.origin,
        labels=_labels(model.labels, label_sets, where),
        description=model.description,
        published={str(name): value for name, value in model.published.items()},
        traps=model.traps,
    )


def _digest(model: ModelTable, source: Source, where: str) -> Digest | Sha384Digest | None:
    """The one thing that says what the file must be; None where nothing here can."""
    stated = {key for key in _HASH_KEYS if getattr(model, key) is not None}
    if not stated and isinstance(source, FolderSource):
        # It is on this machine, and its digest goes into the record.
        return None
    if stated <= {"sha256", "size_bytes"}:
        if model.sha256 is None or model.size_bytes is None:
            missing = "sha256" if model.sha256 is None else "size_bytes"
            raise CatalogueError(f"the key {missing!r} is missing", where=where)
        return Digest(model.sha256, model.size_bytes)
    if isinstance(source, HttpsSource):
        if model.sha384 and model.size_bytes and stated == {"sha384", "size_bytes"}:
            return Sha384Digest(model.sha384, model.size_bytes)
        if stated == {"trust_first_download"} and model.trust_first_download:
            return None
    raise CatalogueError(
        "one thing must say what the file is",
        expected="sha256 with size_bytes; or, for a URL, sha384 with size_bytes or "
        "trust_first_download = true",
        got=", ".join(sorted(stated)),
        where=where,
    )


def _labels(
    labels: object, label_sets: Mapping[str, Mapping[int, str]], where: str
) -> LabelList | None:
    """Labels of the entry's own, or a set of the file by its name."""
    if isinstance(labels, dict) and labels:
        return labels_by_id(labels, _SOURCE)
    if not isinstance(labels, str):
        return None
    if labels not in label_sets:
        raise CatalogueError(
            f"unknown label set {labels!r}",
            where=where,
            next_step=did_you_mean(labels, label_sets),
        )
    return labels_by_id(label_sets[labels], _SOURCE)


def _source(values: Mapping[str, Any], folder: Path, where: str) -> Source:
    kind = str(values.get("kind", ""))
    if kind not in SOURCE_KINDS:
        raise CatalogueError(
            f"unknown kind of source {kind!r}" if kind else "the key 'kind' is missing",
            expected=" | ".join(SOURCE_KINDS),
            where=where,
            next_step=did_you_mean(kind, SOURCE_KINDS),
        )
    rest = {key: value for key, value in values.items() if key != "kind"}
    source = structure_table(SOURCE_KINDS[kind], rest, where=where)
    if isinstance(source, FolderTable):
        return FolderSource((folder / source.folder).resolve())
    return source
