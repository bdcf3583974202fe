"""Versions of installed packages, whichever project of the package index they came from."""

from __future__ import annotations

import importlib.metadata
from functools import cache

# The same modules, built each night, under another name of the package index.
NIGHTLY = {
    "tensorflow": "tf-nightly",
    "tf-keras": "tf-keras-nightly",
    "ai-edge-litert": "ai-edge-litert-nightly",
}


@cache
def installed_version(package: str) -> str:
    """Version of an installed package, or of its nightly build, without importing it.

    Raises:
        importlib.metadata.PackageNotFoundError: Neither is installed.
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        if package not in NIGHTLY:
            raise
        return importlib.metadata.version(NIGHTLY[package])
