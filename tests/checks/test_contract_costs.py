"""What each difference costs is AP with that one thing put right, and of all of them together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from validation.checks.contract_costs import Repair, repair_of, with_costs
from validation.comparison.contract_differences import SideFacts, contract_differences
from validation.comparison.difference_rules import DifferenceRules
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.difference_facts import DifferenceKind
from validation.record.reference_differences import ReferenceDifferences
from validation.specs.contracts import UNIT_RANGE, PostprocessAttributes, Preprocessing
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec

_REFERENCE = SideFacts(
    preprocessing=Preprocessing(300, 300, *UNIT_RANGE),
    num_classes=2,
    attributes=PostprocessAttributes(100, 1, 0.0, 0.6, 2, 10.0, 10.0, 5.0, 5.0, 50, True),
    anchors=np.full((3, 4), 0.25, np.float32),
    outputs=("boxes", "classes", "scores", "count"),
)
_FILE = SideFacts(
    preprocessing=Preprocessing(320, 320, (1 / 255,) * 3, (0.0,) * 3),
    input=TensorSpec("image", "uint8", (1, 320, 320, 3), 1 / 128, 128),
    takes_bytes=True,
    num_classes=3,
    attributes=PostprocessAttributes(10, 1, 0.0, 0.6, 3, 10.0, 10.0, 4.0, 4.0, 100, False),
    anchors=np.full((3, 4), 0.5, np.float32),
    outputs=("scores", "boxes", "count", "classes"),
)


def _found(reference: SideFacts, file: SideFacts) -> ReferenceDifferences:
    compared = contract_differences(reference, file, DifferenceRules.of(load_policy()))
    return ReferenceDifferences(
        "m", "uint8", ReferenceKind.GRAPH, compared.differences, compared.kinds
    )


def _repairs(reference: SideFacts, file: SideFacts) -> dict[DifferenceKind, Repair]:
    differences = _found(reference, file).differences
    repairs = {each.kind: repair_of(each, reference, file) for each in differences}
    return {kind: repair for kind, repair in repairs.items() if repair is not None}


class _Runs:
    """Notes what was run; each thing that is put right is worth 0.1."""

    def __init__(self) -> None:
        self.repairs: list[Repair] = []

    def run(self, repair: Repair) -> Mapping[str, Detections]:
        """One detection for each thing."""
        self.repairs.append(repair)
        parts = (repair.attributes, repair.anchors is not None, repair.preprocessing)
        count = sum(map(bool, parts))
        return {"a": Detections([(0, 0, 1, 1)] * count, [0.5] * count, [1] * count)}

    def score(self, found: Mapping[str, Detections], _: str) -> float:
        """By their number."""
        return 0.3 + 0.1 * len(found["a"])


def test_what_can_be_put_right_and_what_cannot() -> None:
    """Size, number of classes and order of outputs take another conversion."""
    repairs = _repairs(_REFERENCE, _FILE)
    assert repairs.keys() == {
        DifferenceKind.GUIDE_DEFAULTS,
        DifferenceKind.SCALES,
        DifferenceKind.ANCHORS,
        DifferenceKind.FEED,
        DifferenceKind.STATED_FEED,
    }
    # NMS for each class comes with the reference's own number of detections of a class.
    assert repairs[DifferenceKind.GUIDE_DEFAULTS].attributes == {
        "max_detections": 100,
        "use_regular_nms": True,
        "detections_per_class": 50,
    }
    feed = repairs[DifferenceKind.FEED].preprocessing
    assert feed == Preprocessing(320, 320, *UNIT_RANGE)
    assert repairs[DifferenceKind.STATED_FEED].preprocessing == _FILE.preprocessing


def test_prices_and_the_price_of_all() -> None:
    """What the file's own metadata states is priced, and is not what the reference has."""
    runs, repairs = _Runs(), _repairs(_REFERENCE, _FILE)
    priced = with_costs(_found(_REFERENCE, _FILE), repairs, runs.run, runs.score, 80)
    assert (priced.ap, priced.images) == (0.3, 80)
    assert priced.ap_of_all == 0.3 + 0.1 * 3
    assert {each.kind for each in priced.differences if each.ap is not None} == repairs.keys()
    *_, everything = runs.repairs
    assert len(runs.repairs) == len(repairs) + 2
    assert everything.preprocessing == Preprocessing(320, 320, *UNIT_RANGE)
    assert everything.attributes.keys() > {"h_scale", "max_detections"}


def test_one_thing_alone_is_run_once() -> None:
    """With all of it put right it is the same file."""
    runs = _Runs()
    file = SideFacts(anchors=_FILE.anchors)
    reference = SideFacts(anchors=_REFERENCE.anchors)
    repairs = _repairs(reference, file)
    priced = with_costs(_found(reference, file), repairs, runs.run, runs.score, 1)
    assert len(runs.repairs) == 2
    assert priced.ap_of_all == priced.differences[0].ap == 0.4


def test_nothing_can_be_put_right() -> None:
    """Nothing is run for it, and it is said."""
    runs = _Runs()
    file, reference = SideFacts(num_classes=3), SideFacts(num_classes=2)
    priced = with_costs(_found(reference, file), {}, runs.run, runs.score, 1)
    assert runs.repairs == []
    assert "has no price" in priced.unpriced
