"""Hashing by identity ends with the block that asked for it."""

from __future__ import annotations

import pytest
import tensorflow as tf

from validation.graphs.hashes import identity_hashes


def _by_value() -> bool:
    return isinstance(tf.constant(1) == tf.constant(1), tf.Tensor)


def test_tensors_are_compared_by_identity_inside() -> None:
    """As TensorFlow 1 did; afterwards as TensorFlow 2 does."""
    assert _by_value()
    with identity_hashes():
        assert not _by_value()
        with identity_hashes():
            assert not _by_value()
        assert not _by_value()
    assert _by_value()


def test_an_error_leaves_nothing_behind() -> None:
    """A refused config is no reason for another arithmetic."""
    with pytest.raises(ZeroDivisionError), identity_hashes():
        raise ZeroDivisionError
    assert _by_value()
