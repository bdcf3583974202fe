"""The models of the TF1 detection zoo that are no SSD: known by name, and refused by name."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from validation.errors import UsageError
from validation.zoo.toml_table import Table, read_toml

REFUSALS_VERSION = 1
DEFAULT_REFUSALS = Path(__file__).with_name("refusals.toml")

_KEYS = ("name", "archive", "architecture", "instead")


@dataclass(frozen=True)
class Refusal:
    """A model that this harness cannot take.

    Args:
        name: On the zoo's page.
        archive: Name of its archive, without .tar.gz.
        architecture: What it is, with its article, for example ``a Faster R-CNN``.
        instead: An SSD of the zoo that comes nearest.
    """

    name: str
    archive: str
    architecture: str
    instead: str

    def error(self, where: str | None = None) -> UsageError:
        """The error that says so."""
        return UsageError(
            f"{self.name} is {self.architecture}",
            expected="an SSD, as the OD API's exporter to TFLite takes",
            where=where,
            next_step=f"use an SSD such as {self.instead}",
        )


def load_refusals(path: Path = DEFAULT_REFUSALS) -> tuple[Refusal, ...]:
    """Read and check a list of refusals.

    Raises:
        CatalogueError: Not TOML, or an entry with unknown, missing or wrong keys.
    """
    top = read_toml(path, REFUSALS_VERSION)
    top.refuse_unknown(("version", "refused"))
    return tuple(_refusal(table) for table in top.tables("refused"))


def _refusal(table: Table) -> Refusal:
    table.refuse_unknown(_KEYS)
    return Refusal(
        table.plain("name"),
        table.plain("archive"),
        table.text("architecture"),
        table.plain("instead"),
    )


def refuse(name: str, where: str | None = None) -> None:
    """Return unless the name is that of a refused model or of its archive.

    Args:
        name: Of a model.
        where: The option that it was given by.

    Raises:
        UsageError: It is no SSD; says what it is and what to use instead.
    """
    for refusal in _shipped():
        if name in (refusal.name, refusal.archive):
            raise refusal.error(where)


@functools.cache
def _shipped() -> tuple[Refusal, ...]:
    return load_refusals()
