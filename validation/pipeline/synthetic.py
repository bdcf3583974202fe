"""The SSD families of the OD API as pipeline.config texts, written from the project's own table.

The zoo's configs say mostly how a model was trained. ``synthetic.toml`` keeps the values that
shape the inference graph; the text made of them reads as any pipeline.config does. Initialisers
and regularisers stand for the zoo's, which differ a little from model to model.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format

from validation.errors import CatalogueError
from validation.pipeline.messages import TrainEvalPipelineConfig

SYNTHETIC_VERSION = 1
DEFAULT_SYNTHETIC = Path(__file__).with_name("synthetic.toml")

_TABLES = ("common", "part", "model")
# Parts of a pipeline.config that a model may set; ssd stands inside ``model``.
_SECTIONS = ("ssd", "graph_rewriter", "eval_config")

Values = Mapping[str, Any]


@dataclass(frozen=True)
class SyntheticModel:
    """The configuration of one model, without weights.

    Args:
        name: As the zoo calls its sample config or its archive.
        values: Fields of ssd, graph_rewriter and eval_config, by their names in the messages.
    """

    name: str
    values: Values = field(hash=False)


def load_synthetic(path: Path = DEFAULT_SYNTHETIC) -> dict[str, SyntheticModel]:
    """Read the table of models.

    Args:
        path: TOML with ``common``, parts by name and models by name.

    Returns:
        Models by name, in file order.

    Raises:
        CatalogueError: Not TOML, another layout, or a part that is not there or needs itself.
    """
    try:
        top = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(
            "the table of models cannot be read", got=error, where=path.name
        ) from error
    good = all(isinstance(top.get(key), Mapping) for key in _TABLES)
    if top.get("version") != SYNTHETIC_VERSION or set(top) != {"version", *_TABLES} or not good:
        raise CatalogueError(
            "the table of models has another layout",
            expected=f"version = {SYNTHETIC_VERSION} and the tables common, part and model",
            got=", ".join(f"{key} = {value}"[:40] for key, value in top.items()),
            where=path.name,
        )
    tables = _Tables(top["common"], {**top["part"], **top["model"]}, path.name)
    return {name: SyntheticModel(name, tables.merged(name)) for name in top["model"]}


def pipeline_text(model: SyntheticModel) -> str:
    """The text of a pipeline.config with a model's values, the same for the same values.

    Args:
        model: What to write.

    Raises:
        CatalogueError: A field that no message has, a value of another type, or two of the
            fields that exclude each other.
    """
    values = dict(model.values)
    values["model"] = {"ssd": values.pop("ssd", {})}
    message = TrainEvalPipelineConfig()
    try:
        json_format.ParseDict(values, message)
    except json_format.ParseError as error:
        raise CatalogueError(
            "the values make no pipeline.config", got=error, where=f"model {model.name!r}"
        ) from error
    return str(text_format.MessageToString(message))


@dataclass(frozen=True)
class _Tables:
    """The tables of the file, and how they add up."""

    common: Values
    by_name: Mapping[str, Values]
    where: str

    def merged(self, name: str) -> Values:
        """Common values, then those of the parts, then the model's own."""
        return _overlaid(self.common, self._own(name, ()))

    def _own(self, name: str, users: tuple[str, ...]) -> Values:
        if name not in self.by_name or name in users:
            raise CatalogueError(
                f"the part {name!r} {'needs itself' if name in users else 'is not there'}",
                where=f"{self.where}, {' > '.join(users)}",
            )
        table = self.by_name[name]
        parts = table.get("parts", []) if isinstance(table, Mapping) else None
        if not isinstance(parts, list) or not set(table) <= {"parts", *_SECTIONS}:
            raise CatalogueError(
                "no table of a model",
                expected=f"a list parts, and {', '.join(_SECTIONS)}",
                got=", ".join(table) if isinstance(table, Mapping) else repr(table),
                where=f"{self.where}, {name}",
            )
        values: Values = {}
        for part in parts:
            values = _overlaid(values, self._own(part, (*users, name)))
        return _overlaid(values, {key: table[key] for key in _SECTIONS if key in table})


def _overlaid(below: Values, above: Values) -> Values:
    """Tables are merged key by key; any other value, lists too, replaces what was there."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _overlaid(old, value)
        merged[key] = value
    return merged
