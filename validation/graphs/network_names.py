"""Which part of a network is another one, where names of variables differ and not shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from validation.errors import first_few
from validation.graphs.mismatch import Described, Mismatch, line_of
from validation.root_cause import FaultKind, RootCause

_EXTRACTOR = "FeatureExtractor"
_EXTRACTOR_TYPE = "model.ssd.feature_extractor.type"
_PREDICTOR = "model.ssd.box_predictor"


def other_network(
    missing: Sequence[str], unused: Sequence[str], config: Described
) -> list[Mismatch]:
    """The extractor, the heads, or what else has other names: one cause.

    Args:
        missing: Variables of the graph without a tensor, in its order.
        unused: Tensors without a variable.
        config: That the graph was built from.
    """
    if not missing and not unused:
        return []
    network = [name for name in (*missing, *unused) if _scope(name) == _EXTRACTOR]
    if network:
        where = line_of(config, _EXTRACTOR_TYPE)
        clause = (
            f"the feature extractor {config.extractor} has other variables"
            f"{f' ({where})' if where else ''}, first {network[0]}"
        )
        return [Mismatch(clause, RootCause(FaultKind.EXTRACTOR, where=where or network[0]))]
    where = line_of(config, _PREDICTOR)
    cause = RootCause(
        FaultKind.OPERATOR_EXCHANGED,
        where=where or [*missing, *unused][0],
        expected=_scopes(unused) or "nothing",
        got=_scopes(missing) or "nothing",
        next_step="take the box_predictor of the training",
    )
    return [Mismatch(f"the heads are others{f' ({where})' if where else ''}", cause)]


def _scope(name: str) -> str:
    return name.partition("/")[0]


def _scopes(names: Iterable[str]) -> str:
    return first_few(dict.fromkeys(map(_scope, names)))
