"""The guide's commands are run on a model, and a tool that makes another file is caught."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.checks.guide import guide
from validation.convert import tflite_convert_cli
from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.policy.limits import Status
from validation.record.run import Step
from validation.record.types import CheckResult


def _judged(miniature: MiniatureFiles, cache: Path | None = None) -> tuple[CheckResult, list[Step]]:
    steps: list[Step] = []
    (result,) = guide(make_case(miniature, cache=cache, steps=steps))
    assert isinstance(result, CheckResult)
    return result, steps


def test_the_same_file_and_a_refusal(miniature: MiniatureFiles) -> None:
    """TensorFlow's own command line agrees, the inference graph is refused, and both are kept."""
    result, steps = _judged(miniature)
    assert result.status is Status.PASS, result.message
    values = {measure.name: measure.value for measure in result.measures}
    assert values["differing_bytes"] == 0
    assert values["inference_graph_converts"] == 0
    assert "neither a custom op nor a flex op" in values["refusal_of_the_inference_graph"]
    assert values["command"].startswith("tflite_convert --enable_v1_converter")
    assert "/" not in values["command"].replace("normalized_input_image_tensor", "")
    assert [step.cached for step in steps if step.step == "tflite_convert"] == [True]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("another byte", "1 bytes differ"),
        ("no file", "tflite_convert failed: Error: gone"),
        ("takes the inference graph", "converts by itself"),
    ],
)
def test_tool_that_changed(
    miniature: MiniatureFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    said: str,
) -> None:
    """A converter that does otherwise than the guide says fails the check."""

    def run(arguments: Sequence[str]) -> tflite_convert_cli.CommandResult:
        flags = dict(flag.partition("=")[::2] for flag in arguments)
        if "frozen" in flags["--graph_def_file"]:
            return tflite_convert_cli.CommandResult(
                0, "" if fault.startswith("takes") else "refused"
            )
        if fault == "no file":
            return tflite_convert_cli.CommandResult(1, "Error: gone")
        output = Path(flags["--output_file"])
        convert(Path(flags["--graph_def_file"]), conversion_of("float"), output)
        if fault == "another byte":
            data = bytearray(output.read_bytes())
            data[-1] ^= 1
            output.write_bytes(data)
        return tflite_convert_cli.CommandResult(0, "")

    monkeypatch.setattr(tflite_convert_cli, "tflite_convert", lambda *runs: map(run, runs))
    result, _ = _judged(miniature, tmp_path)
    assert result.status is Status.FAIL
    assert said in result.message
