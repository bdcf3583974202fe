"""All of an explanation, from two sides and what both detect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.file_diagnoses import file_diagnoses
from validation.diagnosis.file_diff import file_diff
from validation.diagnosis.weights import compare_weights
from validation.explanation.detected import detection_facts, disagreement_rule
from validation.explanation.facts import AccuracyFacts, Aspect, Explanation, LayerFacts
from validation.explanation.interface import interface_facts
from validation.explanation.postprocessing import postprocessing_facts
from validation.explanation.sides import Side
from validation.explanation.structure import layer_facts, structure_facts
from validation.explanation.verdict import aspects_of, verdict_of
from validation.inference.score_notices import score_notices
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.diagnosis import Diagnosis


def explain(
    first: Side,
    second: Side,
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    images: Sequence[ImageFile],
    policy: Policy,
    accuracy: AccuracyFacts | None = None,
    why_no_accuracy: str = "",
) -> Explanation:
    """Where two sides differ.

    Args:
        first: One.
        second: The other.
        runs: What each detects, by image key.
        images: That both ran on.
        policy: Its settings say what is compared.
        accuracy: Of labelled images.
        why_no_accuracy: Why there is none, although the images are labelled.
    """
    sides = first, second
    rules = DifferenceRules.of(policy)
    interface, behind = interface_facts(*sides), postprocessing_facts(*sides, rules)
    weights = (
        None
        if first.graph is None or second.graph is None
        else compare_weights(first.graph, second.graph)
    )
    changes: tuple[Diagnosis, ...] = ()
    if first.graph is not None and second.graph is not None:
        changes = file_diagnoses(file_diff(first.graph, second.graph), rules)
    detections = detection_facts(
        sides,
        *runs,
        images,
        disagreement_rule(sides, policy),
        rules,
        int(policy.setting("pictures")),
    )
    aspects = aspects_of((*interface, *behind), weights, detections)
    return Explanation(
        first=first.name,
        second=second.name,
        verdict=verdict_of(aspects, (*interface, *behind), weights, detections),
        aspects=aspects,
        interface=interface,
        postprocessing=behind,
        structure=structure_facts(*sides),
        weights=weights,
        layers=LayerFacts(why_not="not compared: another model has other layers")
        if Aspect.MODEL in aspects
        else layer_facts(
            *sides,
            images[: int(policy.setting("layer_images"))],
            policy.setting("float_layer_sqnr_db"),
        ),
        detections=detections,
        accuracy=accuracy,
        changes=changes,
        not_compared=(
            *(_not_compared(side) for side in sides if side.tflite is None),
            *([f"average precision: {why_no_accuracy}"] if why_no_accuracy else []),
        ),
        doubts=tuple(
            f"{side.name}: {notice.describe()}"
            for side, run in zip(sides, runs, strict=True)
            for notice in score_notices(run.values())
        ),
    )


def _not_compared(side: Side) -> str:
    missing = "" if side.postprocess is not None else ", nor attributes and anchors: no SSD"
    return f"{side.name} is an inference graph: no weights and layers{missing}"
