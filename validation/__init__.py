"""Validation of TensorFlow 1 Object Detection API SSD models converted to TFLite.

What a program imports is here; all else may move. Nothing is loaded before it is used::

    from validation import full_reason, judge, load_record

    judgement = judge(load_record("reports/RUN/record.jsonl"))
    print(judgement.run.status)
    for finding in judgement.run.findings:
        print(full_reason(finding))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from validation.errors import ValidationError
    from validation.inspection.of_tflite import TfliteFacts, inspect_tflite
    from validation.policy.limits import Status
    from validation.policy.load import Policy, load_policy
    from validation.record.evidence import load_evidence
    from validation.record.store import Record, load_record
    from validation.signoff.findings import full_reason
    from validation.signoff.rules import Judgement, judge, policy_of

__version__ = "0.1.0"

__all__ = [
    "Judgement",
    "Policy",
    "Record",
    "Status",
    "TfliteFacts",
    "ValidationError",
    "__version__",
    "full_reason",
    "inspect_tflite",
    "judge",
    "load_evidence",
    "load_policy",
    "load_record",
    "policy_of",
]

_MODULES = {
    "Judgement": "signoff.rules",
    "Policy": "policy.load",
    "Record": "record.store",
    "Status": "policy.limits",
    "TfliteFacts": "inspection.of_tflite",
    "ValidationError": "errors",
    "full_reason": "signoff.findings",
    "inspect_tflite": "inspection.of_tflite",
    "judge": "signoff.rules",
    "load_evidence": "record.evidence",
    "load_policy": "policy.load",
    "load_record": "record.store",
    "policy_of": "signoff.rules",
}


def __getattr__(name: str) -> Any:
    """A public name, loaded on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
