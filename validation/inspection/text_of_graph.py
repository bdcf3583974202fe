"""The facts of a graph as text."""

from __future__ import annotations

from validation.errors import first_few
from validation.inspection.of_graph import FakeQuantCount, GraphFacts, GraphKind
from validation.inspection.text import (
    Section,
    counts,
    field_rows,
    laid_out,
    preprocessing_section,
    size,
    tensor_rows,
)
from validation.specs.contracts import POSTPROCESS_NAME

# A graph that is not an SSD's may have hundreds of outputs.
_MOST_OUTPUTS = 12


def text_of_graph(facts: GraphFacts) -> str:
    """Inputs, outputs and preprocessing first, then what can be made of it."""
    op = () if facts.postprocess is None else field_rows(facts.postprocess)
    if facts.defaulted:
        op += (("", f"{', '.join(facts.defaulted)}: not in the node, the kernel's default"),)
    own = () if facts.own_suppression is None else field_rows(facts.own_suppression)
    inside = facts.graph is GraphKind.INFERENCE
    outputs = tensor_rows(facts.outputs[:_MOST_OUTPUTS])
    if len(facts.outputs) > _MOST_OUTPUTS:
        outputs += (("", f"and {len(facts.outputs) - _MOST_OUTPUTS} more"),)
    sections = [
        Section("Inputs", tensor_rows(facts.inputs)),
        preprocessing_section(facts.preprocessing, inside=inside),
        Section("Outputs", outputs),
        Section(POSTPROCESS_NAME, op),
        Section("Post-processing, inside", own),
        Section("Conversion", _conversion(facts)),
        Section("Inside", _inside(facts)),
        Section("To know", tuple((note,) for note in facts.notes)),
    ]
    kind = facts.graph.value + (" from TensorFlow" if facts.graph is GraphKind.OTHER else "")
    return laid_out(f"{facts.file}: {kind}, {size(facts.size_bytes)}", sections)


def _conversion(facts: GraphFacts) -> tuple[tuple[str, ...], ...]:
    rows = [("as it is", f"no: {facts.not_convertible}" if facts.not_convertible else "yes")]
    if facts.why:
        rows.append(("no SSD", facts.why))
    if facts.variants:
        when = "to" if not facts.not_convertible else "afterwards to"
        rows.append((when, ", ".join(facts.variants)))
    rows.append(("FakeQuant", _fake_quant(facts.fake_quant)))
    fake_quant = facts.fake_quant
    if fake_quant is not None and fake_quant.without_range:
        names = first_few(fake_quant.without_range)
        rows.append(("no range", f"{len(fake_quant.without_range)} activations: {names}"))
    if fake_quant is not None and fake_quant.bare_weights:
        names = first_few(fake_quant.bare_weights)
        rows.append(("no range", f"weights of {len(fake_quant.bare_weights)} layers: {names}"))
    return tuple(rows)


def _fake_quant(facts: FakeQuantCount | None) -> str:
    if facts is None:
        return "none: a float graph"
    bits = "/".join(map(str, facts.bits))
    where = (
        ""
        if facts.on_weights is None
        else f", {facts.on_weights} on weights, {facts.on_activations} on activations"
    )
    return f"{facts.nodes} nodes of {bits} bits{where}"


def _inside(facts: GraphFacts) -> tuple[tuple[str, ...], ...]:
    rows = []
    if facts.num_classes is not None:
        rows.append(("classes", f"{facts.num_classes}, without the background"))
    if facts.anchors is not None:
        rows.append(("anchors", str(facts.anchors)))
    if facts.score_converter and facts.own_suppression is None:
        rows.append(("scores", facts.score_converter))
    rows.append(("constants", size(facts.constant_bytes)))
    if facts.variables:
        rows.append(("variables", f"{facts.variables}: not frozen"))
    if facts.training_batch_norms:
        rows.append(("batch norms", f"{facts.training_batch_norms} by their batch, as in training"))
    rows.append(("ops", counts(facts.ops)))
    return tuple(rows)
