"""The facts of a .tflite file as text."""

from __future__ import annotations

from validation.errors import first_few
from validation.inspection.of_tflite import TfliteFacts
from validation.inspection.op_runtimes import RuntimeNeeds
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


def text_of_tflite(facts: TfliteFacts) -> str:
    """What an app must know comes first."""
    op = () if facts.postprocess is None else field_rows(facts.postprocess)
    sections = [
        Section("Inputs", tensor_rows(facts.inputs)),
        preprocessing_section(facts.preprocessing),
        Section("Outputs", tensor_rows(facts.outputs)),
        Section(f"{POSTPROCESS_NAME}", op),
        Section("Metadata", _metadata(facts)),
        Section("Runtime", _runtime(facts.runtime)),
        Section("Inside", _inside(facts)),
        Section("To know", tuple((note,) for note in facts.notes)),
    ]
    return laid_out(f"{facts.file}: a TFLite file, {size(facts.size_bytes)}", sections)


def _metadata(facts: TfliteFacts) -> tuple[tuple[str, ...], ...]:
    metadata = facts.metadata
    if metadata is None:
        return (("none", "ML Kit and the Task Library refuse such a file: convert --metadata"),)
    rows = [("name", metadata.name), ("description", metadata.description)]
    for kind, tensors in (("inputs", metadata.inputs), ("outputs", metadata.outputs)):
        rows.append((kind, ", ".join(tensor.name for tensor in tensors)))
    for tensor in metadata.inputs:
        if tensor.normalisation is not None:
            mean, std = (_numbers(each) for each in (tensor.normalisation.mean,
                                                     tensor.normalisation.std))  # fmt: skip
            rows.append(("normalised", f"(pixel - {mean}) / {std}"))
    rows.append(("labels", facts.labels_described or "none"))
    rows.append(("", first_few(facts.labels.values())))
    rows.append(("schema", metadata.min_parser_version))
    return tuple(row for row in rows if row[1])


def _numbers(values: tuple[float, ...]) -> str:
    """One number where all are the same."""
    if len(set(values)) == 1:
        return f"{values[0]:g}"
    return f"({', '.join(f'{value:g}' for value in values)})"


def _runtime(needs: RuntimeNeeds) -> tuple[tuple[str, ...], ...]:
    rows = [("converter's note", needs.noted or "none")]
    if needs.by_ops:
        rows.append(("by its ops", f"{needs.by_ops}, for {needs.because}"))
    if needs.not_in_table:
        rows.append(("unknown", first_few(needs.not_in_table)))
    return tuple(rows)


def _inside(facts: TfliteFacts) -> tuple[tuple[str, ...], ...]:
    versions = {op: f" (v{version})" for op, version in facts.op_versions.items() if version > 1}
    rows = [
        ("numbers", facts.numbers),
        ("constants", size(facts.constant_bytes)),
        ("tensors", counts(facts.tensors)),
        ("ops", counts(facts.ops, versions)),
    ]
    if facts.anchors is not None:
        rows.insert(1, ("anchors", str(facts.anchors)))
    if facts.per_channel:
        rows.append(("by channel", f"{facts.per_channel} tensors with a scale for each channel"))
    if facts.stray_floats:
        names = first_few(facts.stray_floats)
        rows.append(("floats", f"{len(facts.stray_floats)} in a file of 8 bits: {names}"))
    return tuple(rows)
