"""Quantisation of a file's ends that cannot be right: found without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.outputs import Ending, OutputBinding
from validation.preprocess.feed import has_usable_scale, takes_bytes
from validation.specs.input_stats import format_range, range_of
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile
from validation.tflite.heads import quantised_heads
from validation.tflite.model import UnpackedModel

# A score's 8 bits have 256 values; with fewer than this, detections are ranked by ties.
_FEWEST_SCORES = 16
_INTEGERS = ("uint8", "int8", "int16")
_UNUSABLE = {
    "boxes": "every box is the anchor itself or nothing",
    "scores": "every score is the same",
    "image": "nothing but bytes can be fed",
}
_OF_ONE = {
    "boxes": "as a converter writes where it knows no range; boxes move by whole steps",
    "scores": "as a converter writes where it knows no range; a score is 0 or 1",
}


def quantisation_notices(
    model: UnpackedModel, file: TfliteFile, binding: OutputBinding | None
) -> tuple[FileNotice, ...]:
    """Scales that are 0, negative or no number, scales of 1, and scores of few values.

    Args:
        model: The file's tables: what the op reads stands behind its widening to floats.
        file: Its facts.
        binding: Which output is which; None where that is not known.
    """
    specs = {spec.name: spec for spec in file.outputs}
    heads = {spec.name: (role, spec) for role, spec in quantised_heads(model)}
    if binding is not None:
        # Detections are boxes, classes, scores; raw outputs are boxes and scores.
        ends = binding.names if binding.ending is Ending.RAW else binding.names[:3:2]
        for role, name in zip(("boxes", "scores"), ends, strict=True):
            heads[name] = (role, specs[name])
    return (
        *_of_the_image(file.inputs),
        *(each for role, spec in heads.values() for each in _of_a_head(role, spec)),
    )


def _of_the_image(inputs: Sequence[TensorSpec]) -> Iterator[FileNotice]:
    for spec in inputs[:1]:
        if not takes_bytes(spec) or spec.scale is None:
            continue
        if not has_usable_scale(spec):
            yield _unusable("image", spec)
        elif (spec.scale, spec.zero_point) == (1, 0):
            yield FileNotice(
                FileNoticeKind.INPUT_SCALE_OF_ONE,
                {"zero_point": spec.zero_point, "range": format_range(range_of(spec))},
            )


def _of_a_head(role: str, spec: TensorSpec) -> Iterator[FileNotice]:
    if spec.dtype not in _INTEGERS:
        return
    if spec.scale is None or spec.zero_point is None or not has_usable_scale(spec):
        yield _unusable(role, spec)
    elif (spec.scale, spec.zero_point) == (1, 0):
        yield FileNotice(
            FileNoticeKind.SCALE_OF_ONE,
            {
                "role": role,
                "name": spec.name,
                "scale": spec.scale,
                "zero_point": spec.zero_point,
                "consequence": _OF_ONE[role],
            },
            moves_figures=True,
            not_trusted=True,
        )
    elif role == "scores":
        low, high = range_of(spec)
        values = int((min(high, 1.0) - max(low, 0.0)) / spec.scale) + 1 if high > 0 else 0
        if values < _FEWEST_SCORES:
            yield FileNotice(
                FileNoticeKind.SCORES_COARSE,
                {
                    "name": spec.name,
                    "values": values,
                    "scale": spec.scale,
                    "zero_point": spec.zero_point,
                },
                moves_figures=True,
                not_trusted=True,
            )


def _unusable(role: str, spec: TensorSpec) -> FileNotice:
    blind = role != "image"
    scale = "none" if spec.scale is None else f"{spec.scale:g}"
    return FileNotice(
        FileNoticeKind.SCALE_UNUSABLE,
        {"role": role, "name": spec.name, "scale": scale, "consequence": _UNUSABLE[role]},
        moves_figures=blind,
        not_trusted=blind,
    )
