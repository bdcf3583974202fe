"""A model as operations that hand tensors on: what every reader of a file gives."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass

from validation.specs.contracts import PostprocessAttributes

_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Tensor:
    """What an edge is labelled with.

    Args:
        name: As the file has it.
        dtype: NumPy's name of the type, empty where it is not known.
        shape: Dimensions, -1 where a size is not fixed; None where nothing is known.
        quantisation: Scale and zero point in words, empty for a tensor without.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    quantisation: str = ""


@dataclass(frozen=True)
class Operation:
    """One operation.

    Args:
        name: Scoped, ``a/b/c``; of fused operations the name of the first.
        aliases: All that the file calls it, for telling box heads from class heads.
        kind: TFLite's or TensorFlow's name of the op.
        facts: Kernel, stride, channels, fused activation; one short clause each.
        weights: What its constant weights are quantised with, empty where nothing is.
        inputs: Keys of the tensors it reads, constants left out.
        outputs: Keys of the tensors it writes.
    """

    name: str
    aliases: str
    kind: str
    facts: tuple[str, ...]
    weights: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OperationGraph:
    """A whole model.

    Args:
        title: The file's name.
        notes: One line each about the file, for below the title.
        operations: Sources before readers, but for the back edges of loops.
        tensors: By key.
        inputs: Keys of what the model is fed.
        outputs: Keys of what it gives.
    """

    title: str
    notes: tuple[str, ...]
    operations: tuple[Operation, ...]
    tensors: dict[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @functools.cached_property
    def producers(self) -> dict[str, int]:
        """Position of the operation that writes a tensor, by the tensor's key."""
        return {
            key: position for position, each in enumerate(self.operations) for key in each.outputs
        }

    @functools.cached_property
    def readers(self) -> dict[str, list[int]]:
        """Positions of the operations that read a tensor, by the tensor's key."""
        readers: dict[str, list[int]] = {}
        for position, each in enumerate(self.operations):
            for key in dict.fromkeys(each.inputs):
                readers.setdefault(key, []).append(position)
        return readers


def shape_text(shape: Collection[int] | None, *, batch: bool = True) -> str:
    """Dimensions with multiplication signs between them, 1 by 300 by 300 by 3.

    Args:
        shape: -1 is written as ``?``; None gives an empty text.
        batch: False leaves out a leading 1 or unknown of three dimensions and more.
    """
    if shape is None:
        return ""
    sides = list(shape)
    if not batch and len(sides) > 2 and sides[0] in (1, -1):
        sides = sides[1:]
    return _TIMES.join("?" if side < 0 else str(side) for side in sides) or "scalar"


def kernel_facts(
    kernel: tuple[int, ...] | None,
    stride: tuple[int, ...] | None,
    dilation: tuple[int, ...] | None = None,
) -> tuple[str, ...]:
    """Kernel and stride in words: 3 by 3, ``stride 2``, ``dilation 2``; a 1 is left out."""
    facts = [] if kernel is None else [_TIMES.join(str(side) for side in kernel)]
    for word, sides in (("stride", stride), ("dilation", dilation)):
        if sides is not None and set(sides) not in ({1}, {0}):
            facts.append(f"{word} " + _TIMES.join(str(side) for side in dict.fromkeys(sides)))
    return tuple(facts)


def postprocess_facts(attributes: PostprocessAttributes) -> tuple[str, ...]:
    """What the post-processing op does with boxes and scores, one clause each."""
    nms = "regular NMS, by class" if attributes.use_regular_nms else "fast NMS, classes together"
    scales = (attributes.y_scale, attributes.x_scale, attributes.h_scale, attributes.w_scale)
    return (
        f"{attributes.num_classes} classes, at most {attributes.max_detections} detections",
        nms,
        f"IoU over {attributes.nms_iou_threshold:.3g} dropped",
        f"scores from {attributes.nms_score_threshold:.3g} on",
        f"box scales {', '.join(f'{scale:g}' for scale in scales)}",
    )
