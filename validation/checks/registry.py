"""The table of checks: the only place that lists them.

Suites run in the order of the table, whatever their files are called, so that what several
checks need is timed under the name of the first. policy.toml says for which variants a
signature requires a check; plugins add rows by the hook `pytest_validation_checks`.
"""

from __future__ import annotations

from validation.checks.accuracy import accuracy, differences
from validation.checks.archive import archive
from validation.checks.canaries import canaries
from validation.checks.check import Check
from validation.checks.end_to_end_parity import end_to_end_parity
from validation.checks.evidence import evidence
from validation.checks.export_contract import export_contract
from validation.checks.fake_quant_lint import fake_quant_lint
from validation.checks.guide import guide, guide_facts
from validation.checks.latency import latency
from validation.checks.needs import (
    candidate_detections,
    exported_graph,
    fake_quant_facts,
    float_counterpart,
    graph_summary,
    raw_outputs,
    reference_detections,
    reference_graph,
    reference_origin,
    session_outputs,
    shipped_flags,
    tflite,
)
from validation.checks.operating_point import operating_point
from validation.checks.postprocess_parity import postprocess_parity
from validation.checks.quantisation import layer_errors, quantisation
from validation.checks.raw_parity import raw_parity
from validation.checks.reference_contract import reference_contract
from validation.checks.route_parity import route_parity, second_route
from validation.checks.tflite_contract import tflite_contract

CHECKS: tuple[Check, ...] = (
    Check("archive", archive, needs=(reference_graph, reference_origin)),
    Check("export_contract", export_contract, needs=(exported_graph, graph_summary)),
    Check("fake_quant_lint", fake_quant_lint, subjects=("uint8",), needs=(fake_quant_facts,)),
    Check("tflite_contract", tflite_contract, needs=(exported_graph, tflite, float_counterpart)),
    Check(
        "reference_contract",
        reference_contract,
        subjects=(),
        given=("*",),
        needs=(reference_detections, candidate_detections),
    ),
    Check("guide", guide, subjects=("float", "uint8"), needs=(guide_facts,), first_only=True),
    Check("route_parity", route_parity, needs=(session_outputs, second_route)),
    Check(
        "raw_parity",
        raw_parity,
        subjects=("raw",),
        given=("float", "raw"),
        needs=(session_outputs, raw_outputs),
    ),
    Check(
        "postprocess_parity",
        postprocess_parity,
        subjects=("float", "float16", "dynamic", "int8", "uint8"),
        given=("float", "float16", "dynamic", "int8", "uint8"),
        needs=(raw_outputs, candidate_detections),
    ),
    Check(
        "quantisation",
        quantisation,
        subjects=("float16", "dynamic", "int8", "uint8"),
        given=("float16*", "dynamic*", "int8*", "uint8*"),
        needs=(raw_outputs, layer_errors, session_outputs),
    ),
    Check(
        "end_to_end_parity",
        end_to_end_parity,
        given=("*",),
        needs=(reference_detections, candidate_detections),
    ),
    Check("canaries", canaries, given=("*",), needs=(candidate_detections,)),
    Check(
        "evidence",
        evidence,
        given=("*",),
        needs=(reference_graph, reference_origin, exported_graph, shipped_flags, second_route),
    ),
    Check(
        "accuracy",
        accuracy,
        given=("*",),
        needs=(reference_detections, candidate_detections, differences),
    ),
    Check(
        "operating_point",
        operating_point,
        given=("*",),
        needs=(reference_detections, candidate_detections),
    ),
    Check("latency", latency, given=("*",), needs=(tflite,), quiet=True),
)
