"""The SSD families of the OD API as pipeline.config texts, written from the project's own table.

The zoo's configs say mostly how a model was trained. ``synthetic.toml`` keeps the values that
shape the inference graph; the text made of them reads as any pipeline.config does. Initialisers
and regularisers stand for the zoo's, which differ a little from model to model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format

from validation.errors import CatalogueError
from validation.files.structured import read_toml
from validation.pipeline.messages import TrainEvalPipelineConfig

SYNTHETIC_VERSION = 1
DEFAULT_SYNTHETIC = Path(__file__).with_name("synthetic.toml")

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


@dataclass(frozen=True)
class _Table:
    """Names of the parts that a model is made of, and what it says itself."""

    parts: tuple[str, ...] = ()
    ssd: dict[str, Any] | None = None
    graph_rewriter: dict[str, Any] | None = None
    eval_config: dict[str, Any] | None = None

    def values(self) -> Values:
        """The parts of a pipeline.config that it sets; ssd belongs inside ``model``."""
        sections = {
            "ssd": self.ssd,
            "graph_rewriter": self.graph_rewriter,
            "eval_config": self.eval_config,
        }
        return {name: values for name, values in sections.items() if values is not None}


@dataclass(frozen=True)
class _File:
    version: int
    common: _Table
    part: dict[str, _Table]
    model: dict[str, _Table]


def load_synthetic(path: Path = DEFAULT_SYNTHETIC) -> dict[str, SyntheticModel]:
    """Read the table of models.

    Args:
        path: TOML with ``common``, parts by name and models by name.

    Returns:
        Models by name, in file order.

    Raises:
        CatalogueError: Not TOML, another layout, or a part that is not there or needs itself.
    """
    file = read_toml(path, _File, SYNTHETIC_VERSION)
    common, tables = file.common.values(), {**file.part, **file.model}
    return {
        name: SyntheticModel(name, _overlaid(common, _values_of(name, tables, path.name)))
        for name in file.model
    }


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


def _values_of(
    name: str, tables: Mapping[str, _Table], where: str, users: tuple[str, ...] = ()
) -> Values:
    """The values of a table's parts, then its own; users are the tables that it is a part of."""
    if name not in tables or name in users:
        raise CatalogueError(
            f"the part {name!r} {'needs itself' if name in users else 'does not exist'}",
            where=f"{where}, {' > '.join(users)}",
        )
    values: Values = {}
    for part in tables[name].parts:
        values = _overlaid(values, _values_of(part, tables, where, (*users, name)))
    return _overlaid(values, tables[name].values())


def _overlaid(below: Values, above: Values) -> Values:
    """Tables are merged key by key; any other value, lists too, replaces what was there."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _overlaid(old, value)
        merged[key] = value
    return merged
