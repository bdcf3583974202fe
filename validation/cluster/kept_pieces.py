"""Where pieces of a command lie until it has ended: the same command again makes only the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from validation.cluster.pieces import ClusterRun

_FOLDER = "cluster-pieces"
_DIGITS = 20


def kept_pieces(cache: Path, runs: Sequence[ClusterRun], hashes: Mapping[str, str]) -> Path:
    """The folder of a command, which depends on all that its pieces depend on.

    Args:
        cache: Folder of the cache.
        runs: Of the command.
        hashes: Of each image by its key.
    """
    parts = sorted(repr(_parts(run)) for run in runs)
    text = repr((parts, list(hashes.items())))
    return cache / _FOLDER / hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _parts(run: ClusterRun) -> tuple[object, ...]:
    facts = run.facts
    reading = None if run.labels is None else run.labels.reading
    return (facts.address, facts.model_sha256, sorted(facts.versions.items()), reading)
