"""The shipped policy has a limit and a reason for all that is judged, and for nothing else."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from validation.checks.file_comparison import parts_judged
from validation.checks.registry import CHECKS
from validation.comparison.anchor_sense import anchor_sense
from validation.comparison.ap_difference import check_accuracy, check_accuracy_alone
from validation.comparison.baseline_check import check_baseline
from validation.comparison.canary_matching import check_canaries
from validation.comparison.decoded_outputs import DecodedSides, compare_decoded
from validation.comparison.detection_sense import detection_sense
from validation.comparison.detections import compare_detections
from validation.comparison.doubts import Doubts
from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    EvidenceFacts,
    check_evidence,
)
from validation.comparison.fake_quant_faults import with_measured
from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.comparison.guide_facts import GuideFacts, check_guide
from validation.comparison.labelled_sense import LabelledSense
from validation.comparison.operating_point import check_operating_point
from validation.comparison.operating_sides import LabelledImage, OperatingRule
from validation.comparison.output_errors import check_quantisation
from validation.comparison.plausibility import KnownAp, Sense, check_plausibility
from validation.comparison.postprocess_slots import check_postprocess
from validation.comparison.reference_differences import check_reference_contract
from validation.comparison.route_check import check_routes
from validation.comparison.structure import check_tflite_contract
from validation.comparison.tensors import compare_tensors
from validation.export.fake_quant_facts import FakeQuantFacts, MeasuredRange
from validation.inference.saved_model import RawDetections
from validation.policy.limits import Limit, Status
from validation.policy.load import DEFAULT_POLICY, Policy, load_policy
from validation.record.baseline import Aspect, AspectChange, BaselineComparison, Outcome, Why
from validation.record.coco_figures import CocoFigures
from validation.record.detections import Detections
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.record.results_facts import Meeting, ResultsFacts
from validation.record.types import Accuracy, CheckResult, ModelKey, Timing
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_OUTPUTS,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)
from validation.specs.input_stats import InputStats
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec
from validation.specs.variants import VARIANTS
from validation.tflite.facts import TfliteFile
from validation.timing.sampling import check_latency
from validation.zoo.canaries import Canary

_ROOT = Path(__file__).parents[2]
_KEY = ModelKey("m", "float")
# A signature does without them: most models know no class of the canaries, an archive without
# pipeline.config has one route only, and the guide is tried on the first model of a session.
_NEVER_REQUIRED = {"canaries", "route_parity", "guide"}


class _Spy(Policy):
    """The shipped policy; notes what it was asked for."""

    def __init__(self) -> None:
        shipped = load_policy()
        super().__init__(shipped.rules, shipped.settings, shipped.required, shipped.sha256)
        object.__setattr__(self, "asked", set())

    def limit(self, check: str, measure: str, model: str, variant: str) -> Limit:
        self.asked.add((check, measure))  # type: ignore[attr-defined]
        return super().limit(check, measure, model, variant)


def _run_every_check(policy: Policy) -> None:
    found = Detections(((0.1, 0.1, 0.5, 0.5),), (0.9,), (1,))
    canary = Canary(Path("a.jpg"), "person", (0.1, 0.1, 0.5, 0.5), "", "")
    accuracy = Accuracy("m", "float", "", CocoFigures(*[0.5] * 12), 1, (1,), 1, 0.0)
    raw = {
        BOX_ENCODINGS_NAME: np.zeros((1, 2, 4), np.float32),
        CLASS_PREDICTIONS_NAME: np.zeros((1, 2, 2), np.float32),
    }
    compare_tensors(raw, raw, policy=policy, key=_KEY)
    routes = {**raw, ANCHORS_NAME: np.zeros((2, 4), np.float32)}
    outputs = compare_tensors(routes, routes, policy=policy, key=_KEY, check="route_parity")
    check_routes((), ("a", "b"), outputs, policy, _KEY)
    sides = DecodedSides(*(RawDetections(np.ones((1, 2, 4)), np.ones((1, 2, 2))),) * 2)
    compare_decoded(sides, sides, 1, (8, 8), policy=policy, key=_KEY, images=["a"])
    check_postprocess([found], [found], ["a"], anchors_steps_off=0, policy=policy, key=_KEY)
    compare_detections(
        {"a": found},
        {"a": found},
        policy=policy,
        key=_KEY,
        min_score=0.3,
        score_epsilon=0.001,
        min_iou=0.5,
    )
    check_canaries(
        [canary], {"a.jpg": found}, {1: "person"}, policy=policy, key=_KEY, min_score=0.3
    )
    check_accuracy(accuracy, accuracy, policy, undone_gain=0.2)
    check_accuracy_alone(accuracy, Meeting(), policy)
    check_operating_point(
        {"a": found},
        {"a": found},
        {"a": LabelledImage(100, 100, found, Detections((), (), ()))},
        OperatingRule(0.3, 0.001, 0.5, 0.75),
        asked=0.3,
        names={},
        unlabelled=(),
        exact=True,
        policy=policy,
        key=_KEY,
    )
    anchors = anchor_sense(np.full((2, 4), 0.5, np.float32), 0, policy)
    detections = detection_sense(
        {"a": Detections([(0.1, 0.1, 0.5, 0.5)] * 10, [0.9] * 10, [1] * 10)}, 0.3, 99
    )
    sense = Sense(detections, anchors, LabelledSense(10, 10, 10, sure=10), True, 0.3)
    for recorded in (True, False):
        known = replace(sense, known_ap=KnownAp(0.5, 0.5, recorded))
        check_plausibility(known, policy, _KEY)
    _check_reference_contract(policy)
    check_quantisation(
        raw,
        raw,
        {name: TensorSpec(name, "int8", array.shape, 0.1, 0) for name, array in raw.items()},
        policy=policy,
        key=ModelKey("m", "int8"),
        images=["a"],
    )
    names = (INPUT_NAME,), POSTPROCESS_OUTPUTS
    check_guide(GuideFacts("", 0, "", 0, *names, False, "graph", "refused"), policy, _KEY)
    lint = check_fake_quant(FakeQuantFacts((), (), (), (), ()), policy, _KEY)
    with_measured(lint, (MeasuredRange("range", 0.0, 6.0, 0.0, 6.0, 1, 0),), policy)
    check_latency(Timing("m", "float", "LiteRT", 1, 0, (1.0,)), policy)
    changes = [
        AspectChange(aspect, Outcome.BETTER, estimate=0.0, interval=(0.0, 0.0)) for aspect in Aspect
    ]
    for found in (changes[1:], [replace(each, why=Why.NO_MATCHES) for each in changes[1:]]):
        check_baseline(BaselineComparison("m", "float", tuple(found)), policy, "")
    calibration = CalibrationEvidence(1, 0)
    results = ResultsFacts(1, 1, 1, 1, meeting=Meeting(1, 1, 1, 1, 0))
    doubts = Doubts(results=results)
    facts = EvidenceFacts(
        1, {"a": 1}, 1, "built", True, 2, calibration, doubts=doubts, unconfirmed=()
    )
    check_evidence(facts, policy, _KEY)
    parts_judged(CheckResult("quantisation", "m", "int8", Status.PASS), (), policy)
    measured = MeasuredRange("a", 0.0, 6.0, low=0.0, high=5.5, values=9, outside=0)
    with_measured(CheckResult.judged("fake_quant_lint", _KEY, ()), (measured,), policy)
    _check_quantised_file(policy)


def _check_reference_contract(policy: Policy) -> None:
    unstated = ReferenceDifference(
        DifferenceKind.OUTPUT_ORDER, 2, (Fact("order", ["a"], ["b"]),), is_stated=False
    )
    kinds = tuple(kind for kind in DifferenceKind if kind is not DifferenceKind.GUIDE_DEFAULTS)
    found = ReferenceDifferences("m", "float", ReferenceKind.NONE, (unstated,), kinds)
    check_reference_contract(found, policy, _KEY)


def _check_quantised_file(policy: Policy) -> None:
    sizes = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    attributes = PostprocessAttributes(1, 1, 0.5, 0.5, 1, 1.0, 1.0, 1.0, 1.0, 1, True)
    contract = SsdContract(Preprocessing(8, 8, *sizes), 1, 1, "SIGMOID", attributes)
    image = TensorSpec("image", "uint8", (1, 8, 8, 3), 1.0, 0)
    file = TfliteFile((image,), (), {}, {}, (), 0, None, (), (), (), "", 10**9, 1)
    check_tflite_contract(
        file,
        (),
        contract,
        ModelKey("m", "uint8-raw"),
        policy=policy,
        input_stats=InputStats(0, 1),
        float_counterpart=file,
    )


def test_shipped_policy_loads() -> None:
    """It is read without complaint, and its hash is that of the file."""
    policy = load_policy()
    assert policy.rules
    assert policy.sha256 == hashlib.sha256(DEFAULT_POLICY.read_bytes()).hexdigest()


def test_every_value_that_is_judged_has_a_limit() -> None:
    """No check asks in vain, and no limit waits for a value that nobody measures."""
    spy = _Spy()
    _run_every_check(spy)
    assert spy.asked == {(rule.check, rule.measure) for rule in spy.rules}  # type: ignore[attr-defined]


def test_every_shipped_reason_says_something() -> None:
    """A reason of a word or two explains no figure."""
    assert [rule for rule in load_policy().rules if len(rule.limit.reason.split()) < 4] == []


def _settings_asked() -> Iterator[str]:
    for path in (_ROOT / "validation").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("policy.setting"):
                # One name, or one of two by a condition.
                for each in ast.walk(node.args[0]):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value


def test_settings_are_those_that_code_asks_for() -> None:
    """None is missing and none is left over."""
    assert set(_settings_asked()) == set(load_policy().settings)


def test_required_checks_can_be_recorded() -> None:
    """What a signature cannot lack is a check that speaks of that variant, and vice versa."""
    policy = load_policy()
    for variant in VARIANTS:
        covering = {check.name for check in CHECKS if check.covers(ModelKey("m", variant))}
        assert set(policy.required_checks(variant)) == covering - _NEVER_REQUIRED


def test_shipped_required_checks() -> None:
    """What a signature of each variant cannot lack, written out."""
    first = ("archive", "evidence", "export_contract", "tflite_contract")
    last = (
        "end_to_end_parity",
        "accuracy",
        "plausibility",
        "operating_point",
        "latency",
        "baseline",
    )
    quantised = (*first, "postprocess_parity", "quantisation", *last)
    expected = {
        "float": (*first, "postprocess_parity", *last),
        "raw": (*first, "raw_parity", *last),
        **dict.fromkeys(("float16", "dynamic", "int8"), quantised),
        "uint8": (*first[:3], "fake_quant_lint", *quantised[3:]),
        **dict.fromkeys(("float16-raw", "dynamic-raw", "int8-raw", "uint8-raw"), (*first, *last)),
    }
    policy = load_policy()
    assert {variant: policy.required_checks(variant) for variant in VARIANTS} == expected


def test_shipped_operating_point_is_that_of_parity() -> None:
    """Every model has one."""
    policy = load_policy()
    assert policy.operating_point("any").min_score == policy.setting("parity_min_score")
