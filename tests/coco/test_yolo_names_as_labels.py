"""The names of a data.yaml are the same as a data set's categories and as a label map."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.coco.yolo_config import read_yolo_config
from validation.labels.alignment import align
from validation.labels.reading import read_labels


@pytest.mark.parametrize(
    "names",
    [
        "names: ['dog', 'cat']",
        "names: [dog, cat]  # two",
        'names: ["dog",\n        "cat"]',
        "names:\n  0: dog\n  1: cat",
        "names:\n  0: 'dog'  # the first\n\n  1: \"cat\"",
        "names:\n- dog\n- cat",
        "names:\n  - dog\n  - 'cat'",
        "names: {0: dog, 1: cat}",
        "names: {0: 'dog', 1: 'cat'}",
        '"names": ["dog", "cat"]',
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_names_are_read_alike(tmp_path: Path, names: str, ends: str) -> None:
    """Whatever the spelling: class 0 of the data set is the model's class 1."""
    path = tmp_path / "data.yaml"
    text = f"train: images/train\nval: images/val\nnc: 2\n{names}\n"
    path.write_text(text.replace("\n", ends), newline="")
    as_categories = read_yolo_config(path).names
    as_labels = align(read_labels(path), 2).names
    assert {key + 1: name for key, name in as_categories.items()} == as_labels
    assert as_labels == {1: "dog", 2: "cat"}
