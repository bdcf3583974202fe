"""Addresses within a model's page: the same from run to run, and no two alike on one page."""

from __future__ import annotations

import hashlib
import re

from validation.record.types import REFERENCE, ModelKey
from validation.specs.variants import VARIANTS

# Of the section with a model's diagnoses.
DIAGNOSIS_ANCHOR = "diagnosis"

# Longer names are cut and told apart by their hash.
_LONGEST = 60
_FILE_SUFFIX = ".tflite"


def subject_anchor(key: ModelKey) -> str:
    """Of a subject's section: ``int8``, or the name of a given file.

    What comes after the last hyphen of a file's anchor has a full stop, which no variant, section
    or check has: so a file may have any name.
    """
    if not key.file and (key.variant in VARIANTS or key.variant == REFERENCE):
        return key.variant
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", key.label)[:_LONGEST].strip("-")
    if key.file and name == key.file and name.endswith(_FILE_SUFFIX):
        return name
    return f"{name}.{_digest(key)}"


def check_anchor(key: ModelKey, check: str) -> str:
    """Of one check of a subject: ``int8-accuracy``, ``float-raw_parity``."""
    name = re.sub(r"[^a-z0-9_]+", "_", check)[:_LONGEST]
    anchor = f"{subject_anchor(key)}-{name}"
    if name == check and anchor not in VARIANTS:
        return anchor
    return f"{anchor}_{_digest(check)}"


def _digest(of: object) -> str:
    return hashlib.sha256(repr(of).encode("utf-8", "backslashreplace")).hexdigest()[:6]
