"""What is promised of a quantised file: its raw outputs stay near the float ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from validation.chain.case import Case
from validation.chain.observations import Arrays
from validation.chain.promises import parity_images
from validation.chain.work import code_sha256, file_sha256, installed_version
from validation.checks.quantisation import check_quantisation
from validation.contracts import CLASS_PREDICTIONS_NAME
from validation.diagnosis.layers import layer_table
from validation.errors import ValidationError
from validation.fidelity import LayerError, QuantisationCost, worst_layer
from validation.plain import from_plain, to_plain
from validation.record_lines import Entry
from validation.runtimes.tflite import TfliteRuntime
from validation.variants import Scheme, variant_of

_FLOAT_FILE = "raw"
_TABLE = "layers.json"


@dataclass(frozen=True)
class LayerTable:
    """A layer table as it is kept.

    Args:
        layers: In the order of the quantised file.
    """

    layers: tuple[LayerError, ...]


def quantisation(case: Case) -> list[Entry]:
    """The quantised file answers what the graph it was made from answers, as near as it can.

    Judged on the raw twin of the variant, which has the same numbers. The reference is the
    exported graph in a TensorFlow session; where it holds FakeQuant nodes they are computed,
    because the model was trained with them. Layers are told apart by the float .tflite of
    the same graph.
    """
    variant = variant_of(case.key.variant)
    count = parity_images(case)
    twin = case.chain.tflite(variant.raw_twin)
    with TfliteRuntime(twin) as runtime:
        specs = {spec.name: spec for spec in runtime.outputs}
    layers, why_not = _layers(case, variant.raw_twin)
    result, outputs = check_quantisation(
        _as_the_op_reads(case.observations.session_raw_outputs(count)),
        _as_the_op_reads(case.observations.raw_outputs(variant.raw_twin, count)),
        specs,
        policy=case.policy,
        key=case.key,
        images=[image.key for image in case.observations.images[:count]],
        lossy=worst_layer(layers),
        note=why_not,
    )
    cost = QuantisationCost(
        model=case.key.model,
        variant=case.key.variant,
        reference="the exported graph in a TensorFlow session"
        + (", FakeQuant nodes in place" if variant.scheme is Scheme.UINT8 else ""),
        images=count,
        layer_images=_layer_images(case) if layers else 0,
        outputs=outputs,
        layers=layers,
    )
    return [*([cost] if outputs or layers else []), result]


def _as_the_op_reads(outputs: Arrays) -> Arrays:
    """Without the background's scores, which the op never reads.

    They are near 1 where all others are near 0: most of the signal would be theirs.
    """
    scores = outputs[CLASS_PREDICTIONS_NAME][..., 1:]
    return {**outputs, CLASS_PREDICTIONS_NAME: scores}


def _layers(case: Case, twin: str) -> tuple[tuple[LayerError, ...], str]:
    """The layer table, or why there is none: it explains a loss and judges nothing."""
    try:
        return _layer_product(case, twin), ""
    except ValidationError as error:
        return (), f"no layer table: {error}"


def _layer_product(case: Case, twin: str) -> tuple[LayerError, ...]:
    quantised, reference = case.chain.tflite(twin), case.chain.tflite(_FLOAT_FILE)
    feeds = case.observations.feeds(_layer_images(case))

    def make(folder: Path) -> None:
        table = LayerTable(layer_table(quantised, reference, feeds))
        (folder / _TABLE).write_text(json.dumps(to_plain(table)))

    # It judges nothing, so the same files and feeds may be answered from the last run.
    made_from = {
        "quantised": file_sha256(quantised),
        "float": file_sha256(reference),
        "feeds": hashlib.sha256(feeds.tobytes()).hexdigest(),
        "litert": installed_version("ai-edge-litert"),
        "code": code_sha256("diagnosis", "runtimes"),
    }
    step = f"layers of {twin}"
    folder = case.chain.work.product(case.key.model, step, made_from, make)
    found: LayerTable = from_plain(LayerTable, json.loads((folder / _TABLE).read_text()))
    return found.layers


def _layer_images(case: Case) -> int:
    return min(int(case.policy.setting("layer_images")), len(case.observations.images))
