"""What a cluster of this machine leaves behind."""

from __future__ import annotations

import os

import pytest

from validation.cluster.address import parse_cluster
from validation.cluster.connection import connected

pytest.importorskip("distributed")


def test_a_local_cluster_leaves_no_variables() -> None:
    """Dask sets some for its workers, which children of this process would inherit."""
    before = dict(os.environ)
    with connected(parse_cluster("local:1"), wait_seconds=60, say=print) as connection:
        assert connection.threads() == 1
        assert dict(os.environ) == before
    assert dict(os.environ) == before
