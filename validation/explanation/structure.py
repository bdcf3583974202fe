"""Where two files differ inside: operators, and layers on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from validation.diagnosis.counterparts import STORAGE_OPS
from validation.diagnosis.layers import layer_table
from validation.errors import ValidationError
from validation.explanation.facts import Fact, LayerFacts
from validation.explanation.sides import Side
from validation.inference.model_file import TfliteModel
from validation.preprocess.feed import has_usable_scale, takes_bytes
from validation.preprocess.image import ImageFile, load
from validation.preprocess.prepare import prepare
from validation.record.quantisation_cost import SQNR_CEILING_DB, LayerError, worst_layer


def structure_facts(first: Side, second: Side) -> tuple[Fact, ...]:
    """Operators that one file has more of; what only stores values otherwise is left out."""
    if first.tflite is None or second.tflite is None:
        return ()
    one, other = first.tflite.file.ops, second.tflite.file.ops
    return tuple(
        Fact(f"operators {name}", str(one.get(name, 0)), str(other.get(name, 0)))
        for name in sorted({*one, *other} - {*STORAGE_OPS})
        if one.get(name, 0) != other.get(name, 0)
    )


def layer_facts(
    first: Side, second: Side, images: Sequence[ImageFile], float_sqnr_db: float
) -> LayerFacts:
    """Each layer of one file against the other's, where both are .tflite files of one structure.

    A quantised file is compared with a float one; else the second with the first.

    Args:
        first: One side.
        second: The other side.
        images: That both run on, at least one.
        float_sqnr_db: What rounding of floats alone does not fall below.
    """
    if first.tflite is None or second.tflite is None:
        return LayerFacts(why_not="an inference graph has no layers that are read here")
    reference, subject = first, second
    if _is_quantised(first.tflite) and not _is_quantised(second.tflite):
        reference, subject = second, first
    files = [side.tflite for side in (subject, reference) if side.tflite is not None]
    why_not = _why_not(files)
    if why_not:
        return LayerFacts(why_not=why_not)
    # Both get the same real values, which the float file's extractor wants.
    wanted = files[1].preprocessing
    feeds = np.stack([prepare(load(image), wanted) for image in images])
    paths: list[Path] = [each.path for each in files]
    try:
        rows = layer_table(paths[0], paths[1], feeds, float_counterpart=False)
    except ValidationError as error:
        return LayerFacts(why_not=f"layers cannot be compared: {error}")
    return LayerFacts(
        subject=subject.name,
        reference=reference.name,
        images=len(images),
        rows=rows,
        first_beyond=first_beyond(rows, float_sqnr_db),
        worst=_loses(worst_layer(rows), float_sqnr_db),
    )


def first_beyond(rows: Sequence[LayerError], float_sqnr_db: float) -> LayerError | None:
    """The first layer of which values differ by more than rounding.

    Of a quantised tensor rounding moves a value by less than one step.
    """
    return next((row for row in rows if _is_beyond(row, float_sqnr_db)), None)


def _is_beyond(row: LayerError, float_sqnr_db: float) -> bool:
    error = row.accumulated
    if error is None:
        return False
    if error.beyond_one_step is not None:
        return error.beyond_one_step > 0
    return error.sqnr_db < float_sqnr_db


def _loses(row: LayerError | None, float_sqnr_db: float) -> LayerError | None:
    if row is None or row.local is None:
        return None
    # A float operator that loses no more than rounding loses nothing.
    least = SQNR_CEILING_DB if row.local.rmse_in_steps is not None else float_sqnr_db
    return row if row.local.sqnr_db < least else None


def _is_quantised(model: TfliteModel) -> bool:
    """True for one that computes in integers."""
    return any(spec.scale is not None for spec in model.file.inputs) or any(
        model.file.ops.get(name, 0) for name in ("QUANTIZE",)
    )


def _why_not(files: Sequence[TfliteModel]) -> str:
    inputs = [each.file.inputs[0] for each in files]
    if inputs[0].shape[1:] != inputs[1].shape[1:]:
        return "layers are not compared: the inputs are of other sizes"
    for spec in inputs:
        if takes_bytes(spec) and not has_usable_scale(spec):
            return "layers are not compared: an input of 8 bits has no scale"
    return ""
