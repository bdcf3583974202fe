"""Validation of TensorFlow 1 Object Detection API SSD models converted to TFLite.

What a program imports is here; all else may move. Nothing is loaded before it is used::

    from validation import judge, load_policy, load_record

    judgement = judge(load_record(Path("reports/RUN/record.jsonl")), load_policy())
    print(judgement.run.status, judgement.run.reasons)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from validation.errors import ValidationError
    from validation.inspection.of_tflite import TfliteFacts, inspect_tflite
    from validation.policy.limits import Status
    from validation.policy.load import Policy, load_policy
    from validation.record.store import Record, load_record
    from validation.signoff.rules import Judgement, judge

__version__ = "0.1.0"

__all__ = [
    "Judgement",
    "Policy",
    "Record",
    "Status",
    "TfliteFacts",
    "ValidationError",
    "__version__",
    "inspect_tflite",
    "judge",
    "load_policy",
    "load_record",
]

_MODULES = {
    "Judgement": "signoff.rules",
    "Policy": "policy.load",
    "Record": "record.store",
    "Status": "policy.limits",
    "TfliteFacts": "inspection.of_tflite",
    "ValidationError": "errors",
    "inspect_tflite": "inspection.of_tflite",
    "judge": "signoff.rules",
    "load_policy": "policy.load",
    "load_record": "record.store",
}


def __getattr__(name: str) -> Any:
    """A public name, loaded on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
