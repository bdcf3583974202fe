"""Both sides are weighted alike, whatever is missing, and in blocks of any size."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from drawn_matches import drawn_matches
from numpy.typing import NDArray

from validation.coco import bootstrap
from validation.coco.bootstrap import ap_differences, bias_corrected, image_weights
from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import weighted_precision
from validation.errors import DatasetError
from validation.record.ap_difference import Figure, images_needed


def test_weights_are_draws_with_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are images; the same for one seed, however many are drawn at a time."""
    weights = image_weights(50, 400, seed=3)
    assert (weights.sum(axis=0) == 50).all()
    # A multinomial count of mean 1: its variance is 1 - 1/50.
    assert weights.var() == pytest.approx(0.98, abs=0.03)
    assert not np.array_equal(weights, image_weights(50, 400, seed=4))
    monkeypatch.setattr(bootstrap, "_DRAWS", 130)
    np.testing.assert_array_equal(weights, image_weights(50, 400, seed=3))


def test_the_same_twice_differs_by_nothing() -> None:
    """In no replicate: both sides have the same weights."""
    for each in ap_differences(drawn_matches(1), drawn_matches(1), 50, seed=0):
        assert (each.value, each.low, each.high, each.standard_error) == (0, 0, 0, 0)


def test_every_figure_that_has_objects() -> None:
    """AP, AP50, each size, each category; the number of objects goes with each."""
    found = ap_differences(drawn_matches(1), drawn_matches(2, found=0.2), 200, seed=0)
    sizes = [Figure.SMALL, Figure.MEDIUM, Figure.LARGE]
    assert [each.figure for each in found[:5]] == [Figure.AP, Figure.AP50, *sizes]
    assert [each.category_id for each in found[5:]] == [1, 2, 3]
    assert sum(each.objects for each in found[5:]) == found[0].objects
    for each in found[:5]:
        assert each.low < each.value < each.high
        assert 0 < each.standard_error < each.high - each.low
    # Of the two categories with many objects; the third has three.
    assert [each.is_certain_loss for each in found[5:]] == [True, True, False]


def test_a_category_that_is_not_drawn_is_left_out() -> None:
    """Few objects on few images: some replicates have none of them."""
    found = ap_differences(drawn_matches(1), drawn_matches(2), 400, seed=0)
    rare = found[-1]
    images = np.count_nonzero(drawn_matches(1).categories[-1].objects[0])
    missing = (1 - images / 40) ** 40
    assert rare.replicates == pytest.approx(400 * (1 - missing), abs=20)
    assert rare.replicates < 400 == found[0].replicates


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by weighting some replicates at a time."""
    sides = drawn_matches(1), drawn_matches(2)
    whole = ap_differences(*sides, 60, seed=0)
    monkeypatch.setattr(bootstrap, "_BLOCK", 1000)
    monkeypatch.setattr(bootstrap, "_REPLICATES", {})
    parts = ap_differences(*sides, 60, seed=0)
    for one, other in zip(whole, parts, strict=True):
        assert dataclasses.astuple(one)[4:7] == pytest.approx(dataclasses.astuple(other)[4:7])


def test_reference_of_several_files_is_weighted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same figures; another seed, or one detection less, is another side."""
    weighted: list[int] = []
    own = weighted_precision

    def counted(category: CategoryMatches, ious: int, weights: NDArray[np.uint8]) -> Any:
        weighted.append(1)
        return own(category, ious, weights)

    def asked(reference: Matches, subject: Matches, seed: int) -> int:
        weighted.clear()
        ap_differences(reference, subject, 40, seed)
        return len(weighted)

    monkeypatch.setattr(bootstrap, "_REPLICATES", {})
    monkeypatch.setattr(bootstrap, "weighted_precision", counted)
    reference, other = drawn_matches(1), drawn_matches(2)
    one = len(reference.categories)
    assert asked(reference, other, seed=0) == 2 * one
    assert asked(drawn_matches(1), drawn_matches(3), seed=0) == one
    assert asked(reference, other, seed=1) == 2 * one
    for number, each in enumerate(reference.categories):
        less = each.rows(np.arange(len(each.images)) > 0)
        categories = (*reference.categories[:number], less, *reference.categories[number + 1 :])
        changed = dataclasses.replace(reference, categories=categories)
        assert asked(changed, other, seed=1) == one
    # One more image, with nothing on it: it is drawn too.
    ids = np.append(reference.image_ids, reference.image_ids.max() + 1)
    more = (dataclasses.replace(side, image_ids=ids) for side in (reference, other))
    assert asked(*more, seed=1) == 2 * one
    found = ap_differences(reference, other, 40, seed=0)
    monkeypatch.setattr(bootstrap, "_REPLICATES", {})
    assert ap_differences(reference, other, 40, seed=0) == found


def test_images_without_objects_have_no_figure() -> None:
    """There is nothing to find, and nothing to lose."""
    matches = drawn_matches(1)
    empty = dataclasses.replace(
        matches,
        categories=tuple(
            dataclasses.replace(each, objects=np.zeros_like(each.objects))
            for each in matches.categories
        ),
    )
    assert ap_differences(empty, empty, 10, seed=0) == ()


def test_other_data_is_refused() -> None:
    """A difference between data sets is none between models."""
    with pytest.raises(DatasetError, match="30 images"):
        ap_differences(drawn_matches(1), drawn_matches(1, images=30), 10, seed=0)


def test_percentiles_follow_the_estimate() -> None:
    """Where most replicates lie above it the interval reaches further down, and never less up."""
    drawn = np.linspace(-1, 1, 2001)
    assert bias_corrected(drawn, 0.0) == pytest.approx((-0.95, 0.95), abs=1e-3)
    low, high = bias_corrected(drawn, -0.2)
    assert low < -0.97
    assert high == pytest.approx(0.95, abs=1e-3)
    assert all(map(math.isnan, bias_corrected(np.empty(0), 0.0)))


def test_images_needed() -> None:
    """Half the width takes four times as many; at the limit itself none would do."""
    assert images_needed(100, 0.01, 0.0196) == 101
    assert images_needed(100, 0.01, -0.0098) == pytest.approx(400, abs=1)
    assert images_needed(100, 0.01, 0.0) is None
    assert images_needed(100, math.nan, 0.1) is None
