"""Extractors are built as `validation.graphs.ssd.build` builds them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from validation.graphs.hashes import identity_hashes
from validation.graphs.layer_classes import layer_classes_chosen_once


@pytest.fixture(autouse=True, scope="module")
def built_fast() -> Iterator[None]:
    """As in `build`: half of the time of a large graph."""
    with identity_hashes(), layer_classes_chosen_once():
        yield
