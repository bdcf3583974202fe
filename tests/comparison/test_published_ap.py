"""AP beside what is known of a model."""

from __future__ import annotations

import pytest

from validation.comparison.detection_sense import detection_sense
from validation.comparison.plausibility import KnownAp, Sense, check_plausibility
from validation.comparison.published_ap import published_ap
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.zoo.bundled_files import recorded_ap

_FIGURES = {"coco_map_minival": 22.0, "coco_map_minival_uint8": 20.0, "speed_ms_titanx": 30.0}


def test_what_was_published_holds_for_all_of_coco() -> None:
    """As a share; of the form of the file, and only where every category is scored."""
    assert published_ap(_FIGURES, 80, 0, in_8_bits=False) == pytest.approx(0.22)
    assert published_ap(_FIGURES, 80, 0, in_8_bits=True) == pytest.approx(0.2)
    assert published_ap(_FIGURES, 79, 0, in_8_bits=False) is None
    assert published_ap(_FIGURES, 80, 1, in_8_bits=False) is None
    assert published_ap({"speed_ms_titanx": 30.0}, 80, 0, in_8_bits=False) is None


def test_bundled_models_have_a_record() -> None:
    """Which is that of their training."""
    assert recorded_ap("ssd_mobilenet_v1") == pytest.approx(0.689, abs=0.001)
    assert recorded_ap("nobody") is None


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (KnownAp(0.66, 0.689, recorded=True), Status.PASS),
        (KnownAp(0.55, 0.689, recorded=True), Status.WARN),
        (KnownAp(0.12, 0.689, recorded=True), Status.FAIL),
        (KnownAp(0.3, 0.22, recorded=False), Status.PASS),
        (KnownAp(0.1, 0.22, recorded=False), Status.WARN),
    ],
)
def test_ap_far_below_what_is_known_is_seen(known: KnownAp, status: Status) -> None:
    """A fault that both sides share leaves them equal, and far below."""
    sense = Sense(detection_sense({}, 0.3, 0), None, None, True, 0.3, known)
    result = check_plausibility(sense, load_policy(), ModelKey("m", "float"))
    assert result.status is status
    assert bool(result.message) is (status is not Status.PASS)
