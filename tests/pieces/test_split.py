"""Shares of a run have all images of all subjects, each once, and about equal work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.errors import UsageError
from validation.record.shares import Share, parse_share, split
from validation.record.types import ModelKey

_WEIGHTS = st.lists(st.integers(1, 3), min_size=1, max_size=9).map(
    lambda weights: [(ModelKey(f"m{at}", "float"), weight) for at, weight in enumerate(weights)]
)


@given(weights=_WEIGHTS, images=st.integers(1, 60), count=st.integers(1, 20))
def test_shares_tile_the_images_of_each_subject(
    weights: list[tuple[ModelKey, int]], images: int, count: int
) -> None:
    """Side by side they cover every image of every subject, without a gap and without overlap."""
    seen: dict[ModelKey, list[int]] = {key: [] for key, _ in weights}
    for number in range(1, count + 1):
        for part in split(weights, images, Share(number, count)):
            assert part.first < part.last
            seen[part.key] += range(part.first, part.last)
    assert all(places == list(range(images)) for places in seen.values())


@given(weights=_WEIGHTS, images=st.integers(100, 200), count=st.integers(1, 8))
def test_shares_are_of_about_equal_work(
    weights: list[tuple[ModelKey, int]], images: int, count: int
) -> None:
    """None is more than an image of each subject, and the rounding, away from the mean."""
    weight_of = dict(weights)
    mean = images * sum(weight_of.values()) / count
    for number in range(1, count + 1):
        parts = split(weights, images, Share(number, count))
        work = sum(weight_of[part.key] * (part.last - part.first) for part in parts)
        assert abs(work - mean) <= 2 * max(weight_of.values()) + 1


def test_a_share_has_few_models() -> None:
    """Eight shares of eight models have one each: no machine converts them all."""
    weights = [
        (ModelKey(f"m{model}", variant), 2 if variant == "float" else 1)
        for model in range(8)
        for variant in ("float", "raw", "int8")
    ]
    for number in range(1, 9):
        parts = split(weights, 100, Share(number, 8))
        assert {part.model for part in parts} == {f"m{number - 1}"}


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "a/b", "3/8/1", "-1/8", "1/0", "1.0/2"])
def test_other_shares_are_refused(text: str) -> None:
    """By what a share looks like."""
    with pytest.raises(UsageError, match="I/N"):
        parse_share(text)


def test_a_share_is_read() -> None:
    """As it is typed."""
    assert parse_share("3/8") == Share(3, 8)
    assert str(Share(3, 8)) == "3/8"
