"""Whatever stands in a field, an annotation file is read whole or refused by name."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validation.coco.dataset import load_dataset
from validation.coco.evaluate import evaluate
from validation.errors import DatasetError
from validation.record.detections import Detections

_NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([2**63 - 1, -(2**63), 2**64, 10**30, -1, 0]),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text("0123456789 -+.e", max_size=4),
)
_VALUES = st.one_of(
    _NUMBERS,
    st.lists(_NUMBERS, max_size=5),
    st.text(max_size=12),
    st.sampled_from(["..", ".", "/", "\\", "../three.png", "C:/three.png", "a\0b", "\ud800"]),
    st.dictionaries(st.text(max_size=2), _NUMBERS, max_size=2),
)
_FIELDS = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore"),
    "categories": ("id", "name"),
}
_PLACES = st.one_of(
    st.tuples(st.just(part), st.integers(0, 2), st.sampled_from(fields))
    for part, fields in _FIELDS.items()
)


@given(changes=st.lists(st.tuples(_PLACES, _VALUES), min_size=1, max_size=3))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_value_in_any_field(
    make_coco: Callable[..., tuple[Path, Path]], changes: list[tuple[tuple[str, int, str], Any]]
) -> None:
    """What is read can be scored: every object is on an image and of a category."""

    def change(table: dict[str, Any]) -> None:
        for (part, index, key), value in changes:
            table[part][index][key] = value

    path, folder = make_coco(change)
    with contextlib.suppress(DatasetError):
        dataset = load_dataset(path, folder)
        json.dumps([notice.describe() for notice in dataset.notices])
        found = {image.id: Detections([(0, 0, 1, 1)], [0.5], [0]) for image in dataset.images}
        evaluate(dataset, found, category_ids={0: next(iter(dataset.categories))})
