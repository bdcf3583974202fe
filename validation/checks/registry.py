"""The table of checks: the only place that lists them.

Suites run in the order of the table, whatever their files are called, so that what several
checks need is timed under the name of the first. Variants that a signature requires a check
for stand in policy.toml; plugins add rows by the hook `pytest_validation_checks`.
"""

from __future__ import annotations

from validation.checks import (
    accuracy,
    archive,
    canaries,
    end_to_end_parity,
    export_contract,
    fake_quant_lint,
    guide,
    latency,
    postprocess_parity,
    quantisation,
    raw_parity,
    route_parity,
    tflite_contract,
)
from validation.checks.check import Check

CHECKS: tuple[Check, ...] = (
    archive.CHECK,
    export_contract.CHECK,
    fake_quant_lint.CHECK,
    tflite_contract.CHECK,
    guide.CHECK,
    route_parity.CHECK,
    raw_parity.CHECK,
    postprocess_parity.CHECK,
    quantisation.CHECK,
    end_to_end_parity.CHECK,
    canaries.CHECK,
    accuracy.CHECK,
    latency.CHECK,
)
