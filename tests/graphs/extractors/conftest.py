"""Extractors are built as `validation.graphs.ssd.build` builds them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from validation.graphs.hashes import identity_hashes
from validation.graphs.signatures import remembered_signatures


@pytest.fixture(autouse=True, scope="module")
def quickly_built() -> Iterator[None]:
    """As in `build`: half of the time of a large graph."""
    with identity_hashes(), remembered_signatures():
        yield
