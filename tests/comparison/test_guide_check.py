"""The guide's statements: each one that no longer holds is named."""

from __future__ import annotations

import dataclasses

import pytest

from validation.comparison.guide_facts import GuideFacts, check_guide
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_OUTPUTS

_GOOD = GuideFacts(
    command="tflite_convert --enable_v1_converter",
    exit_code=0,
    complaint="",
    differing_bytes=0,
    inputs=(INPUT_NAME,),
    outputs=POSTPROCESS_OUTPUTS,
    shipped_graph=False,
    inference_graph="frozen_inference_graph.pb",
    refusal="'tf.TensorArrayV3' op is neither a custom op nor a flex op",
)


def _judged(**changed: object) -> CheckResult:
    facts = dataclasses.replace(_GOOD, **changed)  # type: ignore[arg-type]
    return check_guide(facts, load_policy(), ModelKey("a", "float"))


def test_all_holds() -> None:
    """The same file, and the inference graph refused with the reason."""
    result = _judged()
    assert result.status is Status.PASS
    assert "byte for byte" in result.message
    values = {measure.name: measure.value for measure in result.measures}
    assert "TensorArrayV3" in values["refusal_of_the_inference_graph"]


def test_shipped_graph_is_reported() -> None:
    """A quantised archive needs no export."""
    result = _judged(shipped_graph=True, inference_graph="", refusal="")
    assert result.status is Status.PASS
    assert "from the archive's own tflite_graph.pb" in result.message


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exit_code": 1, "complaint": "Error: no flag", "differing_bytes": -1}, "Error: no flag"),
        ({"differing_bytes": 3}, "3 bytes differ"),
        ({"inputs": ("image_tensor",)}, "image_tensor"),
        ({"outputs": POSTPROCESS_OUTPUTS[:3]}, "1 names are not the guide's"),
        ({"outputs": POSTPROCESS_OUTPUTS[1:]}, "1 names are not the guide's"),
        ({"refusal": ""}, "converts by itself"),
    ],
)
def test_what_no_longer_holds(changed: dict[str, object], said: str) -> None:
    """Each statement that breaks fails the check, in its own words."""
    result = _judged(**changed)
    assert result.status is Status.FAIL
    assert said in result.message
