"""A graph with another epsilon in every batch norm: what it costs is then measured."""

from __future__ import annotations

from typing import Any

from validation.export.body_reading import BATCH_NORMS


def with_epsilon(graph: Any, epsilon: float) -> Any | None:
    """A copy in which every fused batch norm adds this to the variance; None without one.

    Args:
        graph: A GraphDef.
        epsilon: In place of its own.
    """
    copied = type(graph)()
    copied.CopyFrom(graph)
    norms = [node for node in copied.node if node.op in BATCH_NORMS]
    for node in norms:
        node.attr["epsilon"].f = epsilon
    return copied if norms else None
