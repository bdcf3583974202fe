"""Extractors are built as `validation.graphs.ssd.build` builds them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from validation.graphs.hashes import identity_hashes


@pytest.fixture(autouse=True, scope="module")
def hashed_by_identity() -> Iterator[None]:
    """As in `build`: two of five seconds of a large graph."""
    with identity_hashes():
        yield
