"""Group ``synthetic``: every family of the zoo at full size, weights seeded by name.

Structure, parity and speed of all of them are checked with no download; accuracy has no
meaning for weights that nobody trained, and stays UNKNOWN.
"""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from pathlib import Path

from validation.errors import UsageError
from validation.isolation.freed_memory import pieces_mapped
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.record.run import Stage
from validation.workspace.products import ProductCache, makers
from validation.zoo.archives import Archive, obtain
from validation.zoo.entry import CatalogueEntry, FolderSource

GROUP = "synthetic"

# SpaghettiNet has no golden figures: nothing says yet that what would be tried is the model.
_NOT_BUILT = ("spaghettinet*",)


def synthetic_entries(model_glob: str = "*") -> tuple[CatalogueEntry, ...]:
    """The models of the group; their archives are made when a test asks for them.

    Args:
        model_glob: Shell pattern that the model's name must match.

    Raises:
        UsageError: Nothing matches.
    """
    models = load_synthetic()
    known = [
        name
        for name in models
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in _NOT_BUILT)
    ]
    names = fnmatch.filter(known, model_glob)
    if not names:
        raise UsageError(
            f"no model of {GROUP} matches {model_glob!r}",
            expected=f"one of {', '.join(known)}",
            where="--model",
        )
    return tuple(
        CatalogueEntry(
            name=name,
            group=GROUP,
            source=FolderSource(Path(name)),
            quantised="graph_rewriter" in models[name].values,
            licence="Apache-2.0",
            origin="made by this harness: weights seeded by variable name",
        )
        for name in names
    )


def synthetic_archive(entry: CatalogueEntry, work: ProductCache, cache_dir: Path) -> Archive:
    """The archive of a synthetic model, made if it is not there.

    Args:
        entry: One of `synthetic_entries`.
        work: Where it is kept.
        cache_dir: See `obtain`.
    """
    model = load_synthetic()[entry.name]
    text = pipeline_text(model)

    @pieces_mapped()
    def make(folder: Path) -> None:
        from validation.export.archive_writer import write_archive
        from validation.export.detector_weights import detector_weights
        from validation.pipeline.config import parse_pipeline

        write_archive(folder, parse_pipeline(text, model.name), text, detector_weights)

    made_from = {"config": text, **makers("graphs", "export", "pipeline")}
    folder = work.product(entry.name, Stage.SYNTHESISE, "synthesise", made_from, make)
    return obtain(replace(entry, source=FolderSource(folder)), cache_dir, offline=True)
