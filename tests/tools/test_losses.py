"""Losses against the formulas of their papers, in NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from bundled.losses import (
    TargetTensors,
    box_loss,
    focal_loss,
    mined_softmax_loss,
    total_loss,
)
from bundled.recipes import ClassLoss, LossOptions

CLASSES = np.array([[0, 2, 0, 1], [0, 0, 0, 0]], np.int32)
ASKED = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], np.float32)
RANDOM = np.random.default_rng(5)
ENCODINGS = RANDOM.normal(0, 2, (2, 4, 4)).astype(np.float32)
BOXES = RANDOM.normal(0, 1, (2, 4, 4)).astype(np.float32)
LOGITS = RANDOM.normal(0, 2, (2, 4, 3)).astype(np.float32)


def evaluated(make) -> np.ndarray:
    """What a loss says of the arrays above."""
    with tf.Graph().as_default(), tf.Session() as session:
        targets = TargetTensors(*(tf.constant(each) for each in (BOXES, CLASSES, ASKED)))
        return session.run(make(tf.constant(ENCODINGS), tf.constant(LOGITS), targets))


@pytest.mark.parametrize("delta", [0.5, 1.0])
def test_box_loss_is_smooth_l1_of_matches(delta: float) -> None:
    """Quadratic near 0, linear beyond delta, nothing where no box is matched."""
    loss = evaluated(lambda encodings, _, targets: box_loss(encodings, targets, delta))
    error = np.abs(ENCODINGS - BOXES)
    expected = np.where(error < delta, error**2 / 2, delta * (error - delta / 2)).sum(axis=2)
    np.testing.assert_allclose(loss, expected * (CLASSES > 0), rtol=1e-5)
    assert (loss[CLASSES > 0] > 0).all()


def focal_by_hand() -> np.ndarray:
    wanted = np.zeros_like(LOGITS)
    wanted[0, 1, 2] = wanted[0, 3, 1] = 1
    right = 1 / (1 + np.exp(np.where(wanted == 1, -LOGITS, LOGITS)))
    weight = np.where(wanted == 1, 0.25, 0.75)
    return (-weight * (1 - right) ** 2 * np.log(right)).sum(axis=2) * ASKED


def test_focal_loss_by_hand() -> None:
    """Each class by itself; the background is all zeros; what is not asked is silent."""
    loss = evaluated(lambda _, logits, targets: focal_loss(logits, targets, alpha=0.25, gamma=2.0))
    np.testing.assert_allclose(loss, focal_by_hand(), rtol=1e-4)
    assert loss[0, 2] == 0


def test_mining_keeps_matches_and_the_hardest_negatives() -> None:
    """One negative a match here; three where an image has no match; none that is not asked."""
    loss = evaluated(lambda _, logits, targets: mined_softmax_loss(logits, targets, negatives=0.5))
    scores = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=2, keepdims=True)
    entropy = -np.log(np.take_along_axis(scores, CLASSES[..., None], axis=2)[..., 0])
    # The first image has one negative that is asked, the second has four.
    expected = entropy * ASKED
    expected[1, entropy[1].argmin()] = 0
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_total_is_a_mean_over_matches() -> None:
    """Both losses are divided by the two matches; the box loss has its weight."""
    options = LossOptions(box_weight=2.0)
    loss = evaluated(lambda *tensors: total_loss(*tensors, options))
    boxes = evaluated(lambda encodings, _, targets: box_loss(encodings, targets, 1.0))
    np.testing.assert_allclose(loss, (focal_by_hand().sum() + 2 * boxes.sum()) / 2, rtol=1e-4)


def test_total_takes_the_loss_that_is_asked_for() -> None:
    """Mined softmax in place of focal."""
    options = LossOptions(ClassLoss.MINED_SOFTMAX, box_weight=1.0)
    loss = evaluated(lambda *tensors: total_loss(*tensors, options))
    other = evaluated(
        lambda *tensors: total_loss(*tensors, dataclasses.replace(options, kind=ClassLoss.FOCAL))
    )
    assert np.isfinite(loss)
    assert loss > other


def test_a_batch_without_a_match_has_a_finite_loss() -> None:
    """No matches is no division by nothing."""
    with tf.Graph().as_default(), tf.Session() as session:
        targets = TargetTensors(tf.zeros([1, 4, 4]), tf.zeros([1, 4], tf.int32), tf.ones([1, 4]))
        loss = total_loss(tf.zeros([1, 4, 4]), tf.zeros([1, 4, 3]), targets, LossOptions())
        # Four anchors, three columns, 0.75 * 0.5^2 * ln 2 each.
        assert session.run(loss) == pytest.approx(12 * 0.75 * 0.25 * np.log(2), rel=1e-5)
