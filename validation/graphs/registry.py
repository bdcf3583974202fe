"""The table of feature extractor types, and what is said about types that are not in it.

A family is a module of `validation.graphs.extractors` with a table ENTRIES; it is imported
when one of its types is asked for.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry

# Type in the config -> module of the family.
FAMILIES: Mapping[str, str] = {
    "embedded_ssd_mobilenet_v1": "embedded",
    "ssd_inception_v2": "inception_v2",
    "ssd_inception_v3": "inception_v3",
    "ssd_mobiledet_cpu": "mobiledet",
    "ssd_mobiledet_dsp": "mobiledet",
    "ssd_mobiledet_edgetpu": "mobiledet",
    "ssd_mobiledet_gpu": "mobiledet",
    "ssd_mobilenet_edgetpu": "mobilenet_v3",
    "ssd_mobilenet_v1": "mobilenet_v1",
    "ssd_mobilenet_v1_fpn": "mobilenet_fpn",
    "ssd_mobilenet_v1_ppn": "ppn",
    "ssd_mobilenet_v2": "mobilenet_v2",
    "ssd_mobilenet_v2_fpn": "mobilenet_fpn",
    "ssd_mobilenet_v2_mnasfpn": "mnasfpn",
    "ssd_mobilenet_v3_large": "mobilenet_v3",
    "ssd_mobilenet_v3_small": "mobilenet_v3",
    "ssd_resnet50_v1_fpn": "resnet_fpn",
    "ssd_resnet101_v1_fpn": "resnet_fpn",
    "ssd_resnet152_v1_fpn": "resnet_fpn",
    "ssd_resnet50_v1_ppn": "ppn",
    "ssd_resnet101_v1_ppn": "ppn",
    "ssd_resnet152_v1_ppn": "ppn",
    # ssd_spaghettinet by its spaghettinet_arch_name, see `network_name`.
    "spaghettinet_edgetpu_s": "spaghettinet",
    "spaghettinet_edgetpu_m": "spaghettinet",
    "spaghettinet_edgetpu_l": "spaghettinet",
}
# Types of the OD API for TensorFlow 1 that have no family here.
_MISSING = ("ssd_pnasnet",)
# The OD API's default of spaghettinet_arch_name.
_DEFAULT_SPAGHETTINET = "spaghettinet_edgetpu_m"
_TF2_MARKS = ("_keras", "_bifpn", "efficientdet", "efficientnet")


def network_name(kind: str, spaghettinet: str) -> str:
    """The network that a config's type stands for.

    Args:
        kind: ``type`` of feature_extractor.
        spaghettinet: Its spaghettinet_arch_name, which names the network where the type is
            ssd_spaghettinet.
    """
    return (spaghettinet or _DEFAULT_SPAGHETTINET) if kind == "ssd_spaghettinet" else kind


def extractor_entry(
    kind: str, where: str, extractors: Mapping[str, ExtractorEntry] | None = None
) -> ExtractorEntry:
    """The feature extractor of one type.

    Args:
        kind: ``type`` of feature_extractor.
        where: Its place in the config, for messages.
        extractors: Types that are not in the table; they come before it.

    Raises:
        ConfigError: There is no such extractor.
    """
    if extractors is not None and kind in extractors:
        return extractors[kind]
    if kind not in FAMILIES:
        raise _refusal(kind, where)
    family = importlib.import_module(f"validation.graphs.extractors.{FAMILIES[kind]}")
    entries: Mapping[str, ExtractorEntry] = family.ENTRIES
    return entries[kind]


def _refusal(kind: str, where: str) -> ConfigError:
    if any(mark in kind for mark in _TF2_MARKS):
        return ConfigError(
            f"{kind} belongs to the TensorFlow 2 OD API",
            expected="a feature extractor of the TensorFlow 1 OD API",
            where=where,
            next_step="export it with the TensorFlow 2 OD API; its checkpoints name "
            "their variables otherwise",
        )
    if kind in _MISSING:
        return ConfigError(
            f"the feature extractor {kind} is not supported",
            expected="one of " + ", ".join(sorted(FAMILIES)),
            where=where,
            next_step="give the archive's frozen_inference_graph.pb instead of its checkpoint",
        )
    closest = difflib.get_close_matches(kind, FAMILIES, n=3, cutoff=0)
    return ConfigError(
        f"unknown feature extractor {kind!r}",
        where=where,
        next_step="the closest known ones are " + ", ".join(closest),
    )
