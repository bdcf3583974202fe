"""Archives for tests: the zoo's own, which are not part of this repository, and any folder's."""

import json
import os
from pathlib import Path

import pytest

from validation.zoo.entry import CatalogueEntry
from validation.zoo.folders import archives_at, entry_of

# The files of a quantised archive, by name.
QUANTISED_LAYOUT = (
    "checkpoint",
    "model.ckpt.data-00000-of-00001",
    "model.ckpt.index",
    "model.ckpt.meta",
    "pipeline.config",
    "tflite_graph.pb",
    "tflite_graph.pbtxt",
)
_BESIDE = Path(__file__).parents[3] / "shared" / "zoo" / "archives"


def zoo_archive(name: str, file: str = "vars.tsv") -> Path:
    """The folder of a real archive that holds the file; the test is skipped where it is not."""
    folder = Path(os.environ.get("VALIDATION_ZOO_ARCHIVES") or _BESIDE) / name
    if not (folder / file).is_file():
        pytest.skip(f"no {folder / file}: name the zoo archives' folder in VALIDATION_ZOO_ARCHIVES")
    return folder


def archive_variables(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes in the checkpoint of a real archive."""
    lines = (zoo_archive(name) / "vars.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    return {row[0]: tuple(json.loads(row[1])) for row in rows}


def entries_at(path: Path) -> tuple[CatalogueEntry, ...]:
    """The entry of each archive at a path."""
    return tuple(entry_of(name, each, str(path)) for name, each in archives_at(path).items())
