"""Clean models, which no check may fail: all that ship, few and many images, other images."""

from __future__ import annotations

from validation.faults.fault import Thinness
from validation.faults.table import DEFAULT_MODEL, QUANTISED_MODELS, Subject

_MODELS = (
    "ssd_inception_v2",
    "ssd_mobilenet_v1",
    "ssd_mobilenet_v1_fpn",
    "ssd_mobilenet_v1_quantized",
    "ssd_mobilenet_v2",
    "ssdlite_mobilenet_v2",
    "ssdlite_mobilenet_v3_small",
)
_FEW, _MANY = 24, 220
_SEED = 5


def controls() -> tuple[Subject, ...]:
    """What is run without a fault."""
    complete = Thinness.COMPLETE
    return (
        *(Subject(model, complete, _variants(model)) for model in (DEFAULT_MODEL, *_MODELS)),
        Subject(DEFAULT_MODEL, complete, ("float", "int8"), images=_FEW),
        Subject("ssd_mobilenet_v2", complete, ("float", "int8"), images=_FEW, seed=_SEED),
        Subject(DEFAULT_MODEL, complete, ("float", "raw", "int8"), seed=_SEED),
        Subject(DEFAULT_MODEL, complete, ("float", "int8"), images=_MANY),
        Subject("ssd_mobilenet_v1", complete, ("float",), images=_MANY, seed=_SEED),
        *(Subject(DEFAULT_MODEL, each, ("float",)) for each in _THIN),
    )


_THIN = (Thinness.NO_CONFIG, Thinness.CHECKPOINT, Thinness.GRAPH, Thinness.SHIPPED)


def _variants(model: str) -> tuple[str, ...]:
    return ("uint8", "uint8-raw") if model in QUANTISED_MODELS else ("float", "raw", "int8")
