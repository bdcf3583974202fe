"""Check `evidence` as the suites run it: what is known of a case, counted and judged."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from miniature_cases import make_case, own_canaries

from validation.checks.evidence import evidence
from validation.policy.limits import Status
from validation.record.types import CheckResult, Measure

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

    from validation.workspace.context import CheckContext


def _judged(context: CheckContext) -> tuple[CheckResult, dict[str, Measure]]:
    *_, result = evidence(context)
    assert isinstance(result, CheckResult)
    return result, {each.name: each for each in result.measures}


def test_few_images_are_too_little(miniature: MiniatureFiles) -> None:
    """Six images, one route and no canary of a known class: nothing is signed."""
    result, measures = _judged(make_case(miniature))
    assert result.status is Status.UNKNOWN
    assert measures["images"].value == 6
    assert measures["images"].status is Status.UNKNOWN
    assert measures["routes"].status is Status.WARN
    assert measures["canaries"].status is Status.WARN


def test_without_labels_there_are_no_images(miniature: MiniatureFiles) -> None:
    """Nor objects: every class is one that is not scored."""
    result, measures = _judged(make_case(miniature, labelled=False))
    assert result.status is Status.UNKNOWN
    assert measures["images"].value == 0


def test_objects_of_each_class_are_counted(miniature: MiniatureFiles) -> None:
    """The rarest class has as many as the annotations hold of it, and crowds are none."""
    table = json.loads(miniature.annotations.read_text())
    counts = {each["id"]: 0 for each in table["categories"]}
    for each in table["annotations"]:
        counts[each["category_id"]] += 1
    _, measures = _judged(make_case(miniature))
    assert measures["rarest_class_objects"].value == min(filter(None, counts.values()))
    dataset = make_case(miniature).dataset
    assert dataset is not None
    crowd = tuple(dataclasses.replace(each, is_crowd=True) for each in dataset.ground_truth)
    case = make_case(miniature)
    crowded = dataclasses.replace(dataset, ground_truth=crowd)
    _, none = _judged(dataclasses.replace(case, dataset=crowded))
    assert none["unscored_class_share"].value == 1


def test_canaries_of_known_classes_count(miniature: MiniatureFiles) -> None:
    """Those of other classes say nothing of the model."""
    _, measures = _judged(make_case(miniature, canaries=own_canaries(miniature)))
    assert measures["canaries"].value == 2
