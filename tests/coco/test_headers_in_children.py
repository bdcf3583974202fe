"""Headers of a large data set are read in children of the process, and tell the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

# A process of its own: this one has threads.
_PROGRAM = """
import sys
from pathlib import Path
from validation.coco import image_files
from validation.coco.dataset import load_dataset
from validation.errors import DatasetError

forked = []
in_forks = image_files.in_forks

def counted(*arguments, **named):
    forked.append(named["workers"])
    return in_forks(*arguments, **named)

image_files.in_forks = counted
image_files.fork_workers = lambda: 2
folder = Path(sys.argv[1])

def loaded():
    try:
        return load_dataset(folder / "set.json", folder)
    except DatasetError as error:
        return str(error)

image_files._MANY = 1
by_children = loaded()
assert forked == [2]
image_files._MANY = 10**6
assert loaded() == by_children
assert forked == [2]
print(by_children if isinstance(by_children, str) else by_children.describe())
"""
_COUNT = 40


def _make(folder: Path) -> list[dict[str, Any]]:
    """Images in one folder, every fifth of them unusual in some way."""
    turned = Image.Exif()
    turned[0x0112] = 6
    entries = []
    for key in range(1, _COUNT + 1):
        name = f"{key}.jpg"
        image = Image.new("RGB", (40, 30))
        if key % 20 == 5:
            image.save(folder / name, exif=turned)
        elif key % 20 == 10:
            image.save(folder / name, "PNG")
        elif key % 20 == 15:
            image.save(folder / name.upper())
        else:
            image.save(folder / name)
        entries.append({"id": key, "file_name": name, "width": 40, "height": 30})
    return entries


def _run(folder: Path, entries: list[dict[str, Any]]) -> str:
    table = {"images": entries, "annotations": [], "categories": [{"id": 1, "name": "ball"}]}
    (folder / "set.json").write_text(json.dumps(table))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # Threads of NumPy would end with a fork.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_data_set_is_the_same(tmp_path: Path) -> None:
    """Its images, which of them are turned, and what was noticed."""
    assert "40 images" in _run(tmp_path, _make(tmp_path))


def test_faults_are_the_same(tmp_path: Path) -> None:
    """Of images that are missing, and of those that have another size or are none."""
    entries = _make(tmp_path)
    entries[7]["width"] = 41
    (tmp_path / "30.jpg").write_bytes(b"\xff\xd8\xff")
    assert "2 of 40 images are not as annotated" in _run(tmp_path, entries)
    (tmp_path / "3.jpg").unlink()
    assert "1 of 40 images are missing" in _run(tmp_path, entries)
