"""No check passes where an image is lost, results are cut short, are NaN, or are nothing at all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fault_injection as put
import numpy as np
import pytest
from miniature_cases import MODEL, MiniatureFiles, make_case, own_canaries, with_key
from numpy.typing import NDArray

from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.comparison.output_errors import check_quantisation
from validation.comparison.tensors import compare_tensors
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, ModelKey, Timing
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.specs.tensors import TensorSpec
from validation.workspace.context import CheckContext
from validation.workspace.model_inference import ModelInference

Found = Mapping[str, Detections]
Outputs = dict[str, NDArray[Any]]

_POLICY = load_policy(Path(__file__).parents[1] / "support" / "little_evidence.toml")
_IMAGES = 4


def _without_the_first(found: dict[str, Detections]) -> Found:
    return dict([*found.items()][1:])


def _first_half(found: dict[str, Detections]) -> Found:
    return dict([*found.items()][: len(found) // 2])


def _best_one(found: Detections) -> Detections:
    return found.take(np.arange(min(1, len(found))))


def _box_nan(found: Detections) -> Detections:
    boxes = np.array(found.boxes, np.float64)
    boxes[0, 0] = math.nan
    return dataclasses.replace(found, boxes=boxes)


def _first_nan(found: dict[str, Detections]) -> Found:
    """Every score of the first image: what a canary shows is among them."""
    name = next(iter(found))
    scores = np.full(len(found[name]), math.nan)
    return found | {name: dataclasses.replace(found[name], scores=scores)}


# What the .tflite file detects.
_DETECTED: dict[str, put.Inject] = {
    "the first image lost": put.in_results(_without_the_first),
    "the last image lost": put.in_results(put.without_an_image),
    "images of the first half": put.in_results(_first_half),
    "no image with a result": put.in_results(lambda _: {}),
    "the best detection alone": put.on_each(_best_one),
    "one score NaN": put.on_one(put.first_score_nan),
    "one box NaN": put.on_one(_box_nan),
    "scores of the first image NaN": put.in_results(_first_nan),
    "nothing on either side": put.both_blind,
}
_OF_THE_FIRST_IMAGE = ("the first image lost", "scores of the first image NaN")
# Checks that judge what is detected, and what each cannot see by what it is for.
_JUDGE_DETECTIONS: dict[str, dict[str, str]] = {
    "postprocess_parity": {},
    "end_to_end_parity": {},
    "accuracy": dict.fromkeys(_OF_THE_FIRST_IMAGE, "the first image has no labels"),
    "operating_point": dict.fromkeys(_OF_THE_FIRST_IMAGE, "the first image has no labels"),
    "plausibility": {
        "the first image lost": "has no labels, and what is missing is in no box",
        "the best detection alone": "has no reference: few detections are no fault",
    },
    "canaries": {
        "the last image lost": "is no canary",
        "images of the first half": "has both canaries",
        "the best detection alone": "is what a canary asks for",
        "one score NaN": "of an image that is no canary",
        "one box NaN": "of an image that is no canary",
    },
}


def _cut(arrays: Outputs) -> Outputs:
    return {name: each[:-1] for name, each in arrays.items()}


def _short(arrays: Outputs) -> Outputs:
    return {name: each[:, :-1] for name, each in arrays.items()}


def _nan(arrays: Outputs) -> Outputs:
    return {name: put.one_nan(each) for name, each in arrays.items()}


def _nothing(arrays: Outputs) -> Outputs:
    return {name: each[:0] for name, each in arrays.items()}


def _same(arrays: Outputs) -> Outputs:
    return arrays


# What becomes of the reference's raw outputs, and of the file's.
_RAW: dict[str, tuple[Callable[[Outputs], Outputs], Callable[[Outputs], Outputs]]] = {
    "an image lost": (_same, _cut),
    "anchors cut off": (_same, _short),
    "one value NaN": (_same, _nan),
    "NaN on both sides": (_nan, _nan),
    "one output lost": (_same, lambda arrays: dict([*arrays.items()][:1])),
    "nothing on one side": (_same, _nothing),
    "nothing on either side": (_nothing, _nothing),
    "no outputs on either side": (lambda _: {}, lambda _: {}),
}


def _compared(check: str, reference: Outputs, found: Outputs) -> CheckResult:
    key = ModelKey(MODEL, "int8" if check == "quantisation" else "raw")
    images = range(_IMAGES)
    if check != "quantisation":
        return compare_tensors(
            reference, found, policy=load_policy(), key=key, check=check, images=images
        )
    specs = {name: TensorSpec(name, "int8", (1,), 0.01, 0) for name in _outputs()}
    result, _ = check_quantisation(
        reference, found, specs, policy=load_policy(), key=key, images=images
    )
    return result


# Checks that judge raw outputs: each compares them by a pure function.
_JUDGE_RAW_OUTPUTS = ("raw_parity", "route_parity", "quantisation")

# What else a check judges; nothing of it is one result an image.
_JUDGE_OTHER_THINGS = {
    "archive": "files of the archive",
    "export_contract": "the exported graph's nodes",
    "fake_quant_lint": "FakeQuant nodes; none at all: tests/comparison/test_fake_quant_check.py",
    "tflite_contract": "the file's tables",
    "reference_contract": "what file and reference state of themselves",
    "guide": "bytes and exit codes of TensorFlow's tools",
    "evidence": "how much there is; no images: tests/comparison/test_evidence_rules.py",
    "latency": "times, see test_no_times",
    "baseline": "figures of two runs; NaN and gone ones: tests/comparison/test_baseline.py",
}


def _outputs() -> Outputs:
    generator = np.random.default_rng(5)
    return {
        BOX_ENCODINGS_NAME: generator.normal(0, 1, (_IMAGES, 6, 4)).astype(np.float32),
        CLASS_PREDICTIONS_NAME: generator.uniform(0, 1, (_IMAGES, 6, 3)).astype(np.float32),
    }


def _result(check: Check, context: CheckContext) -> CheckResult:
    try:
        entries = check.run(context)
    except Exception as error:
        return CheckResult.stopped(check.name, context.key, error)
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return result


def _row(name: str) -> Check:
    (check,) = [each for each in CHECKS if each.name == name]
    return check


@pytest.fixture
def subject(miniature: MiniatureFiles) -> CheckContext:
    """The miniature, with two of its own labelled images as canaries."""
    case = make_case(miniature, canaries=own_canaries(miniature))
    return dataclasses.replace(case, policy=_POLICY)


def test_every_check_is_in_one_of_the_tables() -> None:
    """A new check says what it judges, and is tried with what is degenerate of that."""
    named = [*_JUDGE_DETECTIONS, *_JUDGE_RAW_OUTPUTS, *_JUDGE_OTHER_THINGS]
    assert sorted(named) == sorted(each.name for each in CHECKS)
    for blind in _JUDGE_DETECTIONS.values():
        assert set(blind) < set(_DETECTED)


@pytest.mark.parametrize("kind", _DETECTED)
def test_degenerate_detections_do_not_pass(
    subject: CheckContext, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each check that judges detections says so, but for what it is not there to see."""
    _DETECTED[kind](monkeypatch, tmp_path)
    passed = {
        check
        for check in _JUDGE_DETECTIONS
        if _result(_row(check), with_key(subject, "float")).status is Status.PASS
    }
    assert passed == {check for check, blind in _JUDGE_DETECTIONS.items() if kind in blind}


@pytest.mark.parametrize("kind", _RAW)
@pytest.mark.parametrize("check", _JUDGE_RAW_OUTPUTS)
def test_degenerate_raw_outputs_fail(check: str, kind: str) -> None:
    """And say why; the same outputs pass as they are."""
    of_reference, of_file = _RAW[kind]
    clean = _compared(check, _outputs(), _outputs())
    assert clean.status is Status.PASS if check != "quantisation" else clean.measures
    result = _compared(check, of_reference(_outputs()), of_file(_outputs()))
    assert result.status is Status.FAIL
    assert result.message or result.explanation


def test_degenerate_raw_outputs_reach_the_comparison(
    subject: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check raw_parity hands over what it was given: two empty sides are no agreement."""
    for name in ("raw_outputs", "session_raw_outputs"):
        original = getattr(ModelInference, name)

        def nothing(inference: ModelInference, *of: Any, run: Any = original) -> Outputs:
            return _nothing(run(inference, *of))

        monkeypatch.setattr(ModelInference, name, nothing)
    assert _result(_row("raw_parity"), with_key(subject, "raw")).status is Status.FAIL


@pytest.mark.parametrize("times", [(), (math.nan,) * 50, (5.0, math.nan) * 25])
def test_no_times(
    subject: CheckContext, monkeypatch: pytest.MonkeyPatch, times: tuple[float, ...]
) -> None:
    """A latency without samples, or that is not a number, is not signed."""

    def measured(_: object, __: object, key: ModelKey, runtime: str, plan: Any) -> Timing:
        return Timing(key.model, key.variant, runtime, plan.threads, plan.warmup, times)

    monkeypatch.setattr("validation.checks.latency.measure_latency", measured)
    assert _result(_row("latency"), with_key(subject, "float")).status is not Status.PASS
