"""Every model that can be named: groups of the catalogue, the synthetic group, and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from validation.errors import UsageError, did_you_mean
from validation.workspace.synthetic import GROUP, synthetic_entries
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import CatalogueEntry
from validation.zoo.refusals import refuse


def group_names() -> tuple[str, ...]:
    """What --zoo takes beside a folder."""
    return (*load_catalogue().groups, GROUP)


def chosen_models(zoo: str, model_globs: Sequence[str] = ("*",)) -> tuple[CatalogueEntry, ...]:
    """The models that --zoo and --model choose, each once.

    Args:
        zoo: A group, ``synthetic`` among them, or a folder of archives, or one archive.
        model_globs: Shell patterns, of which a model's name must match one.

    Raises:
        UsageError: No such group or folder, a pattern without a model, or a model that is no SSD.
        ArtefactMissing: The folder cannot be listed.
    """
    chosen: dict[str, CatalogueEntry] = {}
    for glob in model_globs:
        if zoo == GROUP:
            matching = synthetic_entries(glob)
        else:
            matching = load_catalogue().select(zoo, glob, group_names())
        chosen |= {entry.name: entry for entry in matching}
    return tuple(chosen.values())


def every_model() -> tuple[CatalogueEntry, ...]:
    """The models of all groups, the synthetic ones last."""
    return (*load_catalogue().entries, *synthetic_entries())


def named_models(patterns: Sequence[str], zoo: str | None = None) -> tuple[CatalogueEntry, ...]:
    """The models that some names or shell patterns stand for, each once.

    Args:
        patterns: Names of models or of archives, or patterns as --model takes them.
        zoo: Where to look, as --zoo names it. None: in the catalogue, whose names are unique;
            synthetic models share their names with the models that they stand for.

    Raises:
        UsageError: A pattern without a model; says what comes closest.
    """
    known = load_catalogue().entries if zoo is None else chosen_models(zoo)
    named: dict[str, CatalogueEntry] = {}
    for pattern in patterns:
        matching = [entry for entry in known if entry.is_called(pattern)]
        if not matching:
            refuse(pattern)
            if "/" in pattern and Path(pattern).exists():
                raise UsageError(
                    "this is a path, not the name of a model",
                    where=pattern,
                    next_step=f"python -m validation zoo show {pattern} says what it holds",
                )
            raise UsageError(
                f"no model of {zoo or 'the catalogue'} matches {pattern!r}",
                next_step=f"{did_you_mean(pattern, [entry.name for entry in known])} "
                "python -m validation zoo list names all",
            )
        named |= {entry.name: entry for entry in matching}
    return tuple(named.values())
