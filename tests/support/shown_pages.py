"""Which page of a run is of which kind."""

from __future__ import annotations

from pathlib import Path

from shown_runs import COMPARISON

__all__ = ["KINDS", "page_of"]

KINDS = ("index", "model", "matrix", "compare")


def page_of(run: Path, kind: str) -> Path:
    """The page of a kind; of the models that with the longest one."""
    if kind == "model":
        return max(run.glob("model-*.html"), key=lambda page: page.stat().st_size)
    return run / (COMPARISON if kind == "compare" else f"{kind}.html")
