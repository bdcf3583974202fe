"""The old guide's statements about export and conversion, held against today's tools."""

from __future__ import annotations

from dataclasses import dataclass

from validation.policy.load import Policy
from validation.record.types import CheckResult, Measure, ModelKey
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_OUTPUTS

CHECK = "guide"


@dataclass(frozen=True)
class GuideFacts:
    """What became of the guide's steps, done with TensorFlow's own command line.

    Args:
        command: What was typed, without folders.
        exit_code: Of tflite_convert.
        complaint: What it said where it failed.
        differing_bytes: Between its file and the one of this harness; the longer one's
            where their lengths differ. -1 where it wrote none.
        inputs: Names in its file, in order.
        outputs: Names in its file, in order.
        shipped_graph: The archive ships tflite_graph.pb, and it was taken as it is.
        inference_graph: The archive's inference graph, which the guide calls not
            convertible; empty where it ships none.
        refusal: What the converter said of it; empty where it took it.
    """

    command: str
    exit_code: int
    complaint: str
    differing_bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shipped_graph: bool
    inference_graph: str
    refusal: str


def check_guide(facts: GuideFacts, policy: Policy, key: ModelKey) -> CheckResult:
    """A reader of the guide gets the very file that this harness makes.

    Args:
        facts: Of a model.
        policy: Its limits for the measures below.
        key: Model and variant.
    """
    unlike = int(facts.inputs != (INPUT_NAME,)) + sum(
        name not in facts.outputs for name in POSTPROCESS_OUTPUTS
    )
    values = {"exit_code": facts.exit_code}
    if facts.exit_code == 0:
        values |= {"differing_bytes": facts.differing_bytes, "unlike_names": unlike}
    if facts.inference_graph:
        values["inference_graph_converts"] = int(not facts.refusal)
    measures = Measure.limited(values, policy, CHECK, key)
    unjudged = [Measure("command", facts.command), Measure("shipped_graph", facts.shipped_graph)]
    if facts.refusal:
        unjudged.append(Measure("refusal_of_the_inference_graph", facts.refusal))
    return CheckResult.judged(
        CHECK, key, (*measures, *unjudged), where="tflite_convert", message=_message(facts, unlike)
    )


def _message(facts: GuideFacts, unlike: int) -> str:
    if facts.exit_code:
        return f"tflite_convert failed: {facts.complaint}"
    if facts.differing_bytes:
        return f"tflite_convert makes another file: {facts.differing_bytes} bytes differ"
    if unlike:
        return f"{unlike} names are not the guide's: {', '.join((*facts.inputs, *facts.outputs))}"
    if facts.inference_graph and not facts.refusal:
        return f"{facts.inference_graph} converts by itself: the guide says that it does not"
    needless = ", from the archive's own tflite_graph.pb" if facts.shipped_graph else ""
    return f"tflite_convert makes the same file, byte for byte{needless}"
