"""TOML tables read strictly: every complaint says which key of which entry, and what is right."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from validation.errors import CatalogueError
from validation.zoo.integrity import Digest, Sha384Digest

# Names go into file names, test ids and the command line of pip, so they are plain.
PLAIN = re.compile("[A-Za-z0-9][A-Za-z0-9._+-]*")
_HEXADECIMAL = re.compile("[0-9a-f]+")


@dataclass(frozen=True)
class Table:
    """One TOML table, and where it stands.

    Every method that reads a value raises CatalogueError where the key is missing or its value
    is not of the kind asked for.

    Args:
        values: The table as tomllib gives it.
        where: File and entry.
    """

    values: Mapping[str, Any]
    where: str

    def __post_init__(self) -> None:
        """A table, whatever stood in its place."""
        if not isinstance(self.values, Mapping):
            raise CatalogueError("not a table", got=repr(self.values), where=self.where)

    def __contains__(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.values

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise for a key that nothing would read."""
        for key in self.values:
            if key not in known:
                raise CatalogueError(
                    f"unknown key {key!r}", where=self.where, next_step=did_you_mean(key, known)
                )

    def table(self, key: str) -> Table:
        """A table inside this one."""
        return Table(self._value(key), f"{self.where}, {key}")

    def tables(self, key: str) -> tuple[Table, ...]:
        """An array of at least one table; each is called by its name, else by its number."""
        values = self.values.get(key)
        if not isinstance(values, list) or not values:
            raise CatalogueError(f"no [[{key}]]", where=self.where)
        return tuple(
            Table(each, f"{self.where}, {key} {_called(each, number)}")
            for number, each in enumerate(values, 1)
        )

    def text(self, key: str) -> str:
        """A text that is not blank."""
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, none of them blank."""
        value = self._value(key)
        if not isinstance(value, list) or not all(
            isinstance(each, str) and each.strip() for each in value
        ):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def plain(self, key: str) -> str:
        """A text that can stand in a file name."""
        if PLAIN.fullmatch(self.text(key)) is None:
            raise self.wrong(key, "letters, digits and . _ + -, a letter or digit first")
        return self.text(key)

    def relative_path(self, key: str) -> str:
        """A path that leads nowhere but down."""
        text = self.text(key)
        path = PurePosixPath(text)
        odd = "\\" in text or not text.isprintable()
        if odd or path.is_absolute() or ".." in path.parts or not path.name:
            raise self.wrong(key, "a path downwards from where it starts, with slashes")
        return str(path)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def positive(self, key: str) -> int:
        """A whole number above 0."""
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise self.wrong(key, "a whole number above 0")
        return value

    def figure(self, key: str) -> float:
        """A finite number above 0."""
        value = self._value(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong(key, "a number above 0")
        if not math.isfinite(value) or value <= 0:
            raise self.wrong(key, "a number above 0")
        return value

    def digest(self, prefix: str = "") -> Digest:
        """The keys sha256 and size_bytes, both behind a prefix."""
        digits = self._hexadecimal(f"{prefix}sha256", 64)
        return Digest(digits, self.positive(f"{prefix}size_bytes"))

    def sha384_digest(self) -> Sha384Digest:
        """The keys sha384 and size_bytes."""
        return Sha384Digest(self._hexadecimal("sha384", 96), self.positive("size_bytes"))

    def wrong(self, key: str, expected: str) -> CatalogueError:
        """The error for a value that is there and not right."""
        got = repr(self.values[key])
        return CatalogueError(f"{key} is wrong", expected=expected, got=got, where=self.where)

    def _hexadecimal(self, key: str, count: int) -> str:
        text = self.text(key)
        if len(text) != count or _HEXADECIMAL.fullmatch(text) is None:
            raise self.wrong(key, f"{count} lower-case hexadecimal digits")
        return text

    def _value(self, key: str) -> Any:
        if key not in self.values:
            raise CatalogueError(f"the key {key!r} is missing", where=self.where)
        return self.values[key]


def read_toml(path: Path, version: int) -> Table:
    """The top table of a data file of the layout that this code reads.

    Raises:
        CatalogueError: It cannot be read, is no TOML, or has another version.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError("the catalogue cannot be read", got=error, where=path.name) from error
    if values.get("version") != version:
        raise CatalogueError(
            "the catalogue has another layout",
            expected=f"version = {version}",
            got=values.get("version"),
            where=path.name,
        )
    return Table(values, path.name)


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Advice that names the known word nearest to this one; None if none is known."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0)
    return f"did you mean {close[0]!r}?" if close else None


def _called(values: Any, number: int) -> str:
    name = values.get("name") if isinstance(values, Mapping) else None
    return repr(name) if name else str(number)
