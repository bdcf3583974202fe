"""The table of checks: the only place that lists them.

Suites run in the order of the table, whatever their files are called, so that what several
checks need is timed under the name of the first. policy.toml says for which variants a
signature requires a check; plugins add rows by the hook `pytest_validation_checks`.
"""

from __future__ import annotations

from validation.checks.accuracy import accuracy
from validation.checks.archive import archive
from validation.checks.baseline import baseline
from validation.checks.baseline import first_runs as baseline_first_runs
from validation.checks.canaries import canaries
from validation.checks.check import Check
from validation.checks.end_to_end_parity import end_to_end_parity
from validation.checks.evidence import evidence
from validation.checks.export_contract import export_contract
from validation.checks.fake_quant_lint import fake_quant_lint
from validation.checks.guide import guide
from validation.checks.latency import first_runs, latency
from validation.checks.operating_point import operating_point
from validation.checks.plausibility import plausibility
from validation.checks.postprocess_parity import postprocess_parity
from validation.checks.quantisation import quantisation
from validation.checks.raw_parity import raw_parity
from validation.checks.reference_contract import reference_contract
from validation.checks.route_parity import route_parity
from validation.checks.tflite_contract import tflite_contract

CHECKS: tuple[Check, ...] = (
    Check("archive", archive),
    Check("export_contract", export_contract),
    Check("fake_quant_lint", fake_quant_lint, subjects=("uint8",)),
    Check("tflite_contract", tflite_contract),
    Check("reference_contract", reference_contract, subjects=(), given=("*",), compares_files=True),
    Check("guide", guide, subjects=("float", "uint8"), first_only=True),
    Check("route_parity", route_parity),
    Check(
        "raw_parity",
        raw_parity,
        subjects=("raw",),
        given=("float", "raw"),
        compares_files=True,
    ),
    Check(
        "postprocess_parity",
        postprocess_parity,
        subjects=("float", "float16", "dynamic", "int8", "uint8"),
        given=("float", "float16", "dynamic", "int8", "uint8"),
        compares_files=True,
    ),
    Check(
        "quantisation",
        quantisation,
        subjects=("float16", "dynamic", "int8", "uint8"),
        given=("float16*", "dynamic*", "int8*", "uint8*"),
        compares_files=True,
    ),
    Check("end_to_end_parity", end_to_end_parity, given=("*",), compares_files=True),
    Check("canaries", canaries, given=("*",), compares_files=True),
    Check("accuracy", accuracy, given=("*",), compares_files=True),
    Check("plausibility", plausibility, given=("*",), compares_files=True),
    Check("operating_point", operating_point, given=("*",)),
    Check("evidence", evidence, given=("*",)),
    Check("latency", latency, given=("*",), needs=(first_runs,), quiet=True),
    Check(
        "baseline",
        baseline,
        given=("*",),
        needs=(baseline_first_runs,),
        quiet=True,
        compares=True,
    ),
)
