"""Catalogues as text: entries with every field, and what loads them."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from validation.zoo.catalogue import Catalogue, load_catalogue

Values = dict[str, Any]

SOURCES: dict[str, Values] = {
    "https": {"kind": "https", "url": "https://files.example/models/ssd_tiny.tar.gz"},
    "pypi": {
        "kind": "pypi",
        "package": "some-package",
        "version": "1.0",
        "member": "some_package/frozen_inference_graph.pb",
        "member_sha256": "b" * 64,
        "member_size_bytes": 7,
    },
    "folder": {"kind": "folder", "folder": "bundled/ssd_tiny"},
    "package": {"kind": "package", "member": "more/ssd_tiny.tar.gz"},
}


def listed(kind: str = "https", **changes: object) -> Values:
    """A model with every key that an entry can have, but for the changes."""
    model: Values = {
        "name": "ssd_tiny",
        "group": "tiny",
        "description": "a small one",
        "licence": "MIT",
        "origin": "nowhere",
        "sha256": "a" * 64,
        "size_bytes": 5,
        "unpacked_bytes": 50,
        "subfolder": "fp32",
        "labels": {"1": "person", "3": "car"},
        "published": {"coco_map_minival": 21, "speed_ms_titanx": 30.5},
        "traps": ["The first.", "The second."],
        "source": dict(SOURCES[kind]),
    }
    return {**model, **changes}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()
            )
            + "}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value)


def document(*models: object, head: str = "version = 1") -> str:
    """A catalogue of some models, as TOML."""
    return f"{head}\nmodel = [{', '.join(_toml(model) for model in models)}]\n"


def load(text: str) -> Catalogue:
    """Read it from a file called ``catalogue.toml``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.toml"
        path.write_text(text, encoding="utf-8")
        return load_catalogue(path)
