"""Workers of other versions are refused by name."""

from __future__ import annotations

import pytest

from validation.cluster.versions import HARNESS, own_versions, refuse_mixed
from validation.errors import ClusterError

_OWN = {HARNESS: "1.0 (abc)", "numpy": "2.1", "pillow": "12.0"}


def test_what_computes_is_among_the_versions() -> None:
    """The harness with its code, and the packages whose arithmetic is in the figures."""
    assert set(own_versions()) == {HARNESS, "numpy", "pillow", "ai-edge-litert", "tensorflow"}


def test_equal_versions_pass() -> None:
    """On any number of workers."""
    refuse_mixed(_OWN, {"tcp://a:1": dict(_OWN), "tcp://b:1": dict(_OWN)})


def test_mixed_versions_name_package_and_workers() -> None:
    """What is expected, what there is, and where."""
    found = {"tcp://a:1": dict(_OWN), "tcp://b:1": {**_OWN, "numpy": "1.26"}}
    with pytest.raises(ClusterError) as refused:
        refuse_mixed(_OWN, found)
    text = str(refused.value)
    assert "expected numpy 2.1" in text
    assert "got numpy 1.26 on tcp://b:1" in text
    assert "tcp://a:1" not in text
    assert "pillow" not in text


def test_package_that_a_worker_lacks() -> None:
    """It is another version too."""
    with pytest.raises(ClusterError, match="pillow not installed on tcp://a:1"):
        refuse_mixed(_OWN, {"tcp://a:1": {HARNESS: "1.0 (abc)", "numpy": "2.1"}})
