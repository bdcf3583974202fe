"""The table of checks: the only place that lists them.

Suites run in the order of the table, whatever their files are called, so that what several
checks need is timed under the name of the first. policy.toml says for which variants a
signature requires a check; plugins add rows by the hook `pytest_validation_checks`.
"""

from __future__ import annotations

from validation.checks.accuracy import CHECK as ACCURACY
from validation.checks.archive import CHECK as ARCHIVE
from validation.checks.canaries import CHECK as CANARIES
from validation.checks.check import Check
from validation.checks.end_to_end_parity import CHECK as END_TO_END_PARITY
from validation.checks.export_contract import CHECK as EXPORT_CONTRACT
from validation.checks.fake_quant_lint import CHECK as FAKE_QUANT_LINT
from validation.checks.guide import CHECK as GUIDE
from validation.checks.latency import CHECK as LATENCY
from validation.checks.postprocess_parity import CHECK as POSTPROCESS_PARITY
from validation.checks.quantisation import CHECK as QUANTISATION
from validation.checks.raw_parity import CHECK as RAW_PARITY
from validation.checks.route_parity import CHECK as ROUTE_PARITY
from validation.checks.tflite_contract import CHECK as TFLITE_CONTRACT

CHECKS: tuple[Check, ...] = (
    ARCHIVE,
    EXPORT_CONTRACT,
    FAKE_QUANT_LINT,
    TFLITE_CONTRACT,
    GUIDE,
    ROUTE_PARITY,
    RAW_PARITY,
    POSTPROCESS_PARITY,
    QUANTISATION,
    END_TO_END_PARITY,
    CANARIES,
    ACCURACY,
    LATENCY,
)
