"""Operating points: a user's own replace those of the same models."""

from __future__ import annotations

import pytest

from validation.errors import CatalogueError
from validation.policy.load import Policy, PolicyFiles, policy_from
from validation.policy.operating_points import OperatingPoint, points_with, replaced_points

_ALL = OperatingPoint(0.3, "apps")
_FACES = OperatingPoint(0.5, "faces", ("face*",))
_CARS = OperatingPoint(0.4, "cars", ("car*",))


def test_own_points_replace_those_of_the_same_models() -> None:
    """The others stay, and the own ones come last, so that they hold."""
    own = OperatingPoint(0.7, "ours", ("face*",))
    assert points_with((_ALL, _FACES, _CARS), (own,)) == (_ALL, _CARS, own)
    assert points_with((_FACES, _ALL, _CARS), ()) == (_FACES, _ALL, _CARS)


def test_what_an_own_point_replaces() -> None:
    """Those of the same models; of other models it is not known, and all may be meant."""
    own = OperatingPoint(0.7, "ours", ("car*",))
    assert replaced_points(own, (_ALL, _FACES, _CARS)) == (_CARS,)
    other = OperatingPoint(0.7, "ours", ("person",))
    assert replaced_points(other, (_ALL, _FACES)) == (_ALL, _FACES)


def _policy(required: str) -> Policy:
    text = f"version = 1\n\n[required]\nlatency = {required}\n"
    return policy_from(PolicyFiles(text.encode(), None), "", ("latency",))


@pytest.mark.parametrize("required", ['["float", 1]', '[1, "float"]', "1"])
def test_patterns_of_variants_are_texts(required: str) -> None:
    """Each of them."""
    with pytest.raises(CatalogueError):
        _policy(required)
    assert _policy('["float", "int8"]').required == {"latency": ("float", "int8")}
    assert _policy('"float"').required == {"latency": ("float",)}
