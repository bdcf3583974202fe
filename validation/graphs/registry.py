"""Feature extractors by their type in the config.

A family is a module of `validation.graphs.extractors` with a table ENTRIES; it is imported
when one of its types is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from validation.graphs.extractor import ExtractorEntry
from validation.graphs.families import FAMILIES, unknown_extractor


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
        raise unknown_extractor(kind, where)
    family = importlib.import_module(f"validation.graphs.extractors.{FAMILIES[kind]}")
    entries: Mapping[str, ExtractorEntry] = family.ENTRIES
    return entries[kind]
