"""Labels without objects of most classes are the fault, and not names that differ."""

from __future__ import annotations

import dataclasses

import pytest

from validation.comparison.evidence_rules import EvidenceFacts, check_evidence
from validation.comparison.unlabelled import unlabelled_classes
from validation.policy.load import load_policy
from validation.record.diagnosis import FaultKind, Place
from validation.record.types import ModelKey

_FACTS = EvidenceFacts(
    images=50,
    objects={"a": 10, "b": 10, "c": 10, "d": 10},
    canaries=4,
    reference="a graph",
    is_independent=True,
    routes=2,
)


@pytest.mark.parametrize(
    ("objects", "unknown", "said"),
    [
        ({}, (), None),
        # A warning: what is known suffices.
        ({"a": 0}, (), None),
        ({"a": 0, "b": 0, "c": 0}, (), "3 of 4: a, b, c"),
        ({"a": 0, "b": 0, "c": 0, "d": 0}, (), "4 of 4: a, b, c and 1 more"),
        ({"a": 0, "b": 0, "c": 0}, ("a", "b"), None),
        ({"a": 0, "b": 0, "c": 0}, ("a",), "2 of 4: b, c"),
    ],
)
def test_most_classes_without_an_object(
    objects: dict[str, int], unknown: tuple[str, ...], said: str | None
) -> None:
    """Those whose names the labels do not know are not counted."""
    facts = dataclasses.replace(_FACTS, objects={**_FACTS.objects, **objects})
    result = check_evidence(facts, load_policy(), ModelKey("ssd", "float"))
    found = unlabelled_classes(facts, result, "labels.json", unknown)
    assert [each.got for each in found] == ([] if said is None else [said])
    for each in found:
        assert (each.fault, each.place, each.where) == (
            FaultKind.UNLABELLED,
            Place.LABELS,
            "labels.json",
        )
