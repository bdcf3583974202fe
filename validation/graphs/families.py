"""The feature extractor types that can be built, and what is said about those that cannot.

Needs no TensorFlow: a config is judged by it before anything is built.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from validation.errors import ConfigError
from validation.files.structured import read_toml
from validation.root_cause import FaultKind, RootCause

# Type in the config -> module of the family.
FAMILIES: Mapping[str, str] = {
    kind: family
    for family, kinds in read_toml(
        Path(__file__).with_name("families.toml"), dict[str, tuple[str, ...]]
    ).items()
    for kind in kinds
}
# Types of the OD API for TensorFlow 1 that have no family here.
_MISSING = ("ssd_pnasnet",)
# The OD API's default of spaghettinet_arch_name.
_DEFAULT_SPAGHETTINET = "spaghettinet_edgetpu_m"
# So alike, a type is a known one misspelt; else somebody's own.
_MISSPELT = 0.9
_TF2_MARKS = ("_keras", "_bifpn", "efficientdet", "efficientnet")


def network_name(kind: str, spaghettinet: str) -> str:
    """The network that a config's type stands for.

    Args:
        kind: ``type`` of feature_extractor.
        spaghettinet: Its spaghettinet_arch_name, which names the network where the type is
            ssd_spaghettinet.
    """
    return (spaghettinet or _DEFAULT_SPAGHETTINET) if kind == "ssd_spaghettinet" else kind


def unknown_extractor(kind: str, where: str) -> ConfigError:
    """The error about a type that is not in the table.

    Args:
        kind: ``type`` of feature_extractor.
        where: Its place in the config.
    """
    if any(mark in kind for mark in _TF2_MARKS):
        return ConfigError(
            f"{kind} belongs to the TensorFlow 2 OD API",
            expected="a feature extractor of the TensorFlow 1 OD API",
            where=where,
            next_step="export it with the TensorFlow 2 OD API; its checkpoints name "
            "their variables otherwise",
            fault=FaultKind.UNSUPPORTED,
        )
    if kind in _MISSING:
        return ConfigError(
            f"the feature extractor {kind} is not supported",
            expected="one of " + ", ".join(sorted(FAMILIES)),
            where=where,
            next_step="give the archive's frozen_inference_graph.pb instead of its checkpoint",
            fault=FaultKind.UNSUPPORTED,
        )
    closest = difflib.get_close_matches(kind, FAMILIES, n=3, cutoff=0)
    known = "the closest known ones are " + ", ".join(closest)
    is_misspelt = bool(difflib.get_close_matches(kind, FAMILIES, n=1, cutoff=_MISSPELT))
    return ConfigError(
        f"unknown feature extractor {kind!r}",
        where=where,
        next_step=known,
        causes=[
            RootCause(
                FaultKind.EXTRACTOR if is_misspelt else FaultKind.UNSUPPORTED,
                expected="a known one",
                got=kind,
                next_step=known,
            )
        ],
    )
