"""The models that the harness knows: the catalogue's files, checked, and the choice among them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from validation.errors import CatalogueError, UsageError
from validation.zoo.entry import (
    PUBLISHED_FIGURES,
    CatalogueEntry,
    FolderSource,
    HttpsSource,
    PackageSource,
    PypiSource,
    Source,
)
from validation.zoo.folders import archives_at, entry_of
from validation.zoo.integrity import Digest, Sha384Digest
from validation.zoo.refusals import refuse
from validation.zoo.toml_table import PLAIN, Table, did_you_mean, read_toml

CATALOGUE_VERSION = 1
DEFAULT_CATALOGUES = tuple(
    Path(__file__).with_name(name) for name in ("bundled.toml", "catalogue.toml", "zoo_tf1.toml")
)

_TOP_KEYS = ("version", "label_sets", "model")
_MODEL_KEYS = (
    "name",
    "group",
    "description",
    "licence",
    "origin",
    "sha256",
    "sha384",
    "size_bytes",
    "trust_first_download",
    "subfolder",
    "unpacked_bytes",
    "quantised",
    "pipeline_config",
    "labels",
    "published",
    "traps",
    "source",
)
_SOURCE_KEYS = {
    "https": ("kind", "url"),
    "pypi": ("kind", "package", "version", "member", "member_sha256", "member_size_bytes"),
    "folder": ("kind", "folder"),
    "package": ("kind", "member"),
}
_HASH_KEYS = ("sha256", "sha384", "size_bytes", "trust_first_download")


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

    def select(self, zoo: str, model_glob: str = "*") -> tuple[CatalogueEntry, ...]:
        """The models to test.

        Args:
            zoo: A group of the catalogue, or a folder of archives, or one archive. A group
                goes before a folder of the same name; write ``./name`` for the folder.
            model_glob: Shell pattern that the model's name must match, case and all; or the
                whole name of its archive.

        Returns:
            At least one entry; a group in file order, a folder by name.

        Raises:
            UsageError: No such group or folder, nothing selected, or a model that is no SSD.
            ArtefactMissing: The folder cannot be listed.
        """
        known = {entry.name: entry for entry in self.entries if entry.group == zoo}
        archives = {} if known else self._archives(zoo)
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

    def _archives(self, zoo: str) -> dict[str, Path]:
        path = _existing(zoo)
        if path is None:
            refuse(zoo, "--zoo")
            raise UsageError(
                f"no group and no folder {zoo!r}",
                expected=f"{' | '.join(self.groups)} or a folder of zoo archives",
                where="--zoo",
                next_step=None if "/" in zoo else did_you_mean(zoo, self.groups),
            )
        archives = archives_at(path)
        if not archives:
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
        for entry in _entries(path):
            if entry.name in entries:
                raise CatalogueError(f"two models called {entry.name!r}", where=path.name)
            entries[entry.name] = entry
    return Catalogue(tuple(entries.values()))


def _entries(path: Path) -> list[CatalogueEntry]:
    top = read_toml(path, CATALOGUE_VERSION)
    top.refuse_unknown(_TOP_KEYS)
    if top.values.get("model") == []:
        # Said in so many words, unlike a list that was forgotten.
        return []
    label_sets = _label_sets(top, path)
    return [_entry(table, path.parent, label_sets) for table in top.tables("model")]


def label_set(name: str) -> Mapping[int, str]:
    """Class names by id of a label set that the shipped catalogues have, such as ``coco``.

    Raises:
        CatalogueError: None of that name.
    """
    for path in DEFAULT_CATALOGUES:
        sets = _label_sets(read_toml(path, CATALOGUE_VERSION), path)
        if name in sets:
            return sets[name]
    raise CatalogueError(f"unknown label set {name!r}")


def _label_sets(top: Table, path: Path) -> dict[str, dict[int, str]]:
    sets = top.table("label_sets") if "label_sets" in top else Table({}, path.name)
    return {name: _label_table(sets.table(name)) for name in sets.values}


def _entry(
    table: Table, folder: Path, label_sets: Mapping[str, Mapping[int, str]]
) -> CatalogueEntry:
    table.refuse_unknown(_MODEL_KEYS)
    source = _source(table.table("source"), folder)
    digest = _digest(table, source)
    return CatalogueEntry(
        name=table.plain("name"),
        group=table.plain("group"),
        source=source,
        digest=digest,
        trust_first_download=digest is None and isinstance(source, HttpsSource),
        subfolder=table.relative_path("subfolder") if "subfolder" in table else "",
        unpacked_bytes=table.positive("unpacked_bytes") if "unpacked_bytes" in table else None,
        quantised=table.flag("quantised") if "quantised" in table else False,
        pipeline_config=folder / table.relative_path("pipeline_config")
        if "pipeline_config" in table
        else None,
        licence=table.text("licence"),
        origin=table.text("origin"),
        labels=_labels(table, label_sets) if "labels" in table else {},
        description=table.text("description"),
        published=_published(table.table("published")) if "published" in table else {},
        traps=table.texts("traps") if "traps" in table else (),
    )


def _digest(table: Table, source: Source) -> Digest | Sha384Digest | None:
    """The one thing that says what the file must be; None where nothing here can."""
    stated = {key for key in _HASH_KEYS if key in table}
    if not stated and isinstance(source, FolderSource):
        # It is on this machine, and its digest goes into the record.
        return None
    if stated <= {"sha256", "size_bytes"}:
        return table.digest()
    if isinstance(source, HttpsSource):
        if stated == {"sha384", "size_bytes"}:
            return table.sha384_digest()
        if stated == {"trust_first_download"} and table.flag("trust_first_download"):
            return None
    raise CatalogueError(
        "one thing must say what the file is",
        expected="sha256 with size_bytes; or, for a URL, sha384 with size_bytes or "
        "trust_first_download = true",
        got=", ".join(sorted(stated)),
        where=table.where,
    )


def _labels(table: Table, label_sets: Mapping[str, Mapping[int, str]]) -> Mapping[int, str]:
    """Labels of the entry's own, or a set of the file by its name."""
    name = table.values["labels"]
    if not isinstance(name, str):
        return _label_table(table.table("labels"))
    if name not in label_sets:
        raise CatalogueError(
            f"unknown label set {name!r}",
            where=table.where,
            next_step=did_you_mean(name, label_sets),
        )
    return label_sets[name]


def _label_table(table: Table) -> dict[int, str]:
    labels: dict[int, str] = {}
    for key, name in table.values.items():
        if re.fullmatch("[1-9][0-9]{0,8}", key) is None or not isinstance(name, str) or not name:
            raise CatalogueError(
                "a label is an id from 1 up and a name",
                got=f"{key} = {name!r}",
                where=table.where,
            )
        labels[int(key)] = name
    return labels


def _published(table: Table) -> dict[str, float]:
    table.refuse_unknown(PUBLISHED_FIGURES)
    return {name: table.figure(name) for name in table.values}


def _source(table: Table, folder: Path) -> Source:
    kind = table.text("kind")
    if kind not in _SOURCE_KEYS:
        raise CatalogueError(
            f"unknown kind of source {kind!r}",
            expected=" | ".join(_SOURCE_KEYS),
            where=table.where,
            next_step=did_you_mean(kind, _SOURCE_KEYS),
        )
    table.refuse_unknown(_SOURCE_KEYS[kind])
    readers: dict[str, Callable[[], Source]] = {
        "https": lambda: HttpsSource(_url(table)),
        "pypi": lambda: PypiSource(
            table.plain("package"),
            table.plain("version"),
            table.relative_path("member"),
            table.digest("member_"),
        ),
        "folder": lambda: FolderSource((folder / table.relative_path("folder")).resolve()),
        "package": lambda: PackageSource(table.relative_path("member")),
    }
    return readers[kind]()


def _url(table: Table) -> str:
    url = table.text("url")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or PLAIN.fullmatch(HttpsSource(url).filename) is None:
        raise CatalogueError(
            "not the URL of a file", expected="https://host/path/file", got=url, where=table.where
        )
    return url
