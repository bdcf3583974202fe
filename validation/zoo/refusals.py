"""The models of the TF1 detection zoo that are not SSDs, refused by name."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from validation.errors import UsageError
from validation.files.structured import Text, read_toml
from validation.zoo.catalogue_file import PlainName

REFUSALS_VERSION = 1
DEFAULT_REFUSALS = Path(__file__).with_name("refusals.toml")


@dataclass(frozen=True)
class Refusal:
    """A model that this harness cannot take.

    Args:
        name: On the zoo's page.
        archive: Name of its archive, without .tar.gz.
        architecture: What it is, with its article, for example ``a Faster R-CNN``.
        instead: An SSD of the zoo that comes nearest.
    """

    name: PlainName
    archive: PlainName
    architecture: Text
    instead: PlainName

    def error(self, where: str | None = None) -> UsageError:
        """The error that says so."""
        return UsageError(
            f"{self.name} is {self.architecture}",
            expected="an SSD, as the OD API's exporter to TFLite takes",
            where=where,
            next_step=f"use an SSD such as {self.instead}",
        )


@dataclass(frozen=True)
class _RefusalFile:
    version: int
    refused: tuple[Refusal, ...]


@functools.cache
def load_refusals(path: Path = DEFAULT_REFUSALS) -> tuple[Refusal, ...]:
    """Read and check a list of refusals.

    Raises:
        CatalogueError: Not TOML, or an entry with unknown, missing or wrong keys.
    """
    return read_toml(path, _RefusalFile, REFUSALS_VERSION).refused


def refuse(name: str, where: str | None = None) -> None:
    """Return unless the name is that of a refused model or of its archive.

    Args:
        name: Of a model.
        where: The option that it was given by.

    Raises:
        UsageError: It is not an SSD; says what it is and what to use instead.
    """
    for refusal in load_refusals():
        if name in (refusal.name, refusal.archive):
            raise refusal.error(where)
