"""What quantisation costs a file: its raw outputs and layers against the float ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

from validation.checks.both_sides import both_raw_outputs
from validation.checks.file_comparison import with_differing_parts
from validation.checks.first_divergence import with_first_divergence
from validation.comparison.output_errors import check_quantisation
from validation.diagnosis.layers import layer_table
from validation.errors import ValidationError
from validation.files.digest import file_sha256
from validation.record.installed import installed_version
from validation.record.lines import Entry
from validation.record.quantisation_cost import LayerError, QuantisationCost, worst_layer
from validation.record.run import Stage
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import CLASS_PREDICTIONS_NAME, RAW_OUTPUTS
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec
from validation.specs.variants import Scheme, variant_of
from validation.tflite.heads import quantised_heads
from validation.tflite.model import read_model
from validation.workspace.context import CheckContext
from validation.workspace.products import code_sha256
from validation.workspace.sides import Arrays

_FLOAT_FILE = "raw"


def quantisation(context: CheckContext) -> list[Entry]:
    """A quantised file's raw outputs are as near to the float ones as its bits allow.

    Judged on the raw form of the variant, which has the same numbers. The reference is the
    exported graph in a TensorFlow session; where it holds FakeQuant nodes they are computed,
    because the model was trained with them. Layers are compared with the float .tflite of
    the same graph, and constants and operators of a given file with its.
    """
    images = context.parity_images
    specs = _head_specs(context)
    layers, why_not = _layers_or_why_not(context)
    expected, found = both_raw_outputs(context)
    background = found[CLASS_PREDICTIONS_NAME].shape[-1] - context.num_classes
    result, outputs = check_quantisation(
        _as_the_op_reads(expected, background),
        _as_the_op_reads(found, background),
        specs,
        policy=context.policy,
        key=context.key,
        images=[image.key for image in images],
        lossy=worst_layer(layers),
        note=why_not,
    )
    cost = QuantisationCost(
        model=context.key.model,
        variant=context.key.variant,
        reference=_compared_with(context),
        images=len(images),
        layer_images=_layer_images(context) if layers else 0,
        outputs=outputs,
        layers=layers,
        file=context.key.file,
    )
    judged = with_first_divergence(context, with_differing_parts(context, result))
    return [*([cost] if outputs or layers else []), *judged]


def _compared_with(context: CheckContext) -> str:
    if context.reference.kind is not ReferenceKind.GRAPH:
        return context.reference.origin
    fake_quant = context.given is None and variant_of(context.key.variant).scheme is Scheme.UINT8
    text = "the exported graph in a TensorFlow session"
    return text + ", FakeQuant nodes in place" if fake_quant else text


def _raw_tflite(context: CheckContext) -> Path:
    """The file with the same body as the one under test, ending in the raw outputs."""
    if context.given is not None:
        return context.given.heads[0]
    return context.build.tflite(variant_of(context.key.variant).raw_variant)


def _head_specs(context: CheckContext) -> dict[str, TensorSpec]:
    """What the raw outputs are kept as, by the OD API's names."""
    with TfliteRuntime(_raw_tflite(context)) as runtime:
        specs = {spec.name: spec for spec in runtime.outputs}
    if context.given is None:
        return specs
    # Where the op reads floats, what they were widened from says the steps.
    kept = [spec for _, spec in quantised_heads(read_model(context.given.path))]
    own = kept or [specs[name] for name in context.given.heads[1]]
    return dict(zip(RAW_OUTPUTS, own, strict=True))


def _as_the_op_reads(outputs: Arrays, background: int) -> Arrays:
    """Without the background's scores, which the op never reads: the first column, if there is one.

    They are near 1 where all others are near 0: most of the signal would be theirs.
    """
    return {**outputs, CLASS_PREDICTIONS_NAME: outputs[CLASS_PREDICTIONS_NAME][..., background:]}


def _layers_or_why_not(context: CheckContext) -> tuple[tuple[LayerError, ...], str]:
    """The layer table, or why there is none: it explains a loss and judges nothing."""
    try:
        return layer_errors(context), ""
    except ValidationError as error:
        return (), f"no layer table: {error}"


def layer_errors(context: CheckContext) -> tuple[LayerError, ...]:
    """The error of each layer of the variant's raw form against the float file.

    Raises:
        ValidationError: The two files cannot be compared layer by layer.
    """
    quantised, counterpart = _raw_tflite(context), context.build.tflite(_FLOAT_FILE)
    feeds = context.inference.feeds(_layer_images(context))

    def find(_: Path) -> tuple[LayerError, ...]:
        return layer_table(quantised, counterpart, feeds)

    # It judges nothing, so the same files and feeds may be answered from the last run.
    made_from = {
        "quantised": file_sha256(quantised),
        "float": file_sha256(counterpart),
        "feeds": hashlib.sha256(feeds.tobytes()).hexdigest(),
        "litert": installed_version("ai-edge-litert"),
        "code": code_sha256("diagnosis", "runtimes"),
    }
    step = f"layers of {variant_of(context.key.variant).raw_variant}"
    return context.work.facts(
        context.key.model, Stage.LAYERS, step, made_from, tuple[LayerError, ...], find
    )


def _layer_images(context: CheckContext) -> int:
    return min(int(context.policy.setting("layer_images")), len(context.images))
