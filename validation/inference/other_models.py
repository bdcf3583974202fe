"""What a .tflite file that is no SSD seems to be, by what goes in and what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from validation.metadata.model_metadata import CATEGORY, COUNT, LOCATION, SCORE
from validation.specs.contracts import DETECTION_OUTPUTS, RAW_OUTPUTS
from validation.specs.tensors import TensorSpec

Shape = tuple[int, ...]

_GIVE_AN_SSD = "only SSDs of the OD API are read here: give the .tflite of one"
_ROLES_ARE_OPEN = (
    "which output is which is known by the op, by a signature that names them detection_boxes and "
    f"so on, or by metadata that names them {LOCATION}, {CATEGORY}, {SCORE} and {COUNT!r}: "
    "give a file with one of these"
)
_ANCHORS_ELSEWHERE = (
    "its anchors are not in it: `python -m validation judge {file} REFERENCE` takes them from "
    "a TF1 graph or a .tflite as reference, or name the folder that export wrote with "
    "--export_directory; a file of another tool, such as MediaPipe's, has anchors of its own and "
    "is not read here"
)
# Words in the names of outputs that give away key points.
_POSE_WORDS = ("heatmap", "keypoint", "landmark", "pose", "regressors", "short_offsets")
_EMBEDDING_WORDS = ("embedding", "feature")
# Bodies, hands and faces as public models count them: x, y and perhaps a score of each.
_KEY_POINTS = (5, 6, 13, 17, 18, 21, 25, 33, 39, 68, 71, 468, 478)
# A table of candidates is much longer than it is wide; a picture is not.
_TABLE_RATIO, _SHORTEST_TABLE, _NARROWEST_TABLE = 4, 100, 5
_SMALLEST_MAP = 4
_YOLO_NUMBERS = 5


@dataclass(frozen=True)
class Seeming:
    """What a file seems to be.

    Args:
        what: A clause: ``seems to be ...``, with what gives it away.
        next_step: What makes it usable, or what to give in its place.
        has_raw_outputs: It may be an SSD; a reference's shapes decide.
    """

    what: str
    next_step: str = _GIVE_AN_SSD
    has_raw_outputs: bool = False


def seeming(
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    signature: Collection[str] = (),
    file: str = "FILE",
) -> Seeming:
    """What a file seems to be whose outputs are not known as those of an SSD.

    Args:
        inputs: Of the file.
        outputs: Of the file.
        signature: Names that its signatures give outputs.
        file: Its name, for what to type.
    """
    if not outputs:
        return Seeming("has no outputs, so that nothing can be read from it")
    if inputs and not any(len(each.shape) == 4 for each in inputs):
        taken = ", ".join(str(list(each.shape)) for each in inputs)
        return Seeming(f"seems to be no model of images: it takes {taken}")
    names = [spec.name.lower() for spec in outputs] + [each.lower() for each in signature]
    if len({spec.name.removesuffix(":0") for spec in outputs} & set(RAW_OUTPUTS)) == 1:
        return Seeming(
            "has one of an SSD's two raw outputs and lacks the other",
            "convert it again with --output_arrays=" + ",".join(RAW_OUTPUTS),
        )
    named = [name for name in DETECTION_OUTPUTS if name in signature]
    if named:
        missing = " and ".join(name for name in DETECTION_OUTPUTS[:-1] if name not in named)
        return Seeming(
            f"has {' and '.join(named)} by its signature and lacks {missing}",
            "convert it again with all outputs of the detector",
        )
    if not any(spec.shape for spec in outputs):
        known_when_run = "gives outputs whose shapes are known only when it runs"
        return Seeming(f"{known_when_run}, and nothing says which is which", _ROLES_ARE_OPEN)
    shapes = [without_batch(spec.shape) for spec in outputs]
    for recognise in _RECOGNISERS:
        found = recognise(shapes, names)
        if found is not None:
            return replace(found, next_step=found.next_step.replace("{file}", file))
    return Seeming("gives nothing that is known as the output of an SSD")


def without_batch(shape: Shape) -> Shape:
    """A shape without the axis of the batch, which can be unknown."""
    return shape[1:] if shape[:1] in ((1,), (-1,)) else shape


def _detections(shapes: Sequence[Shape], _: Sequence[str]) -> Seeming | None:
    """Four corners of each slot, and two rows of numbers as long."""
    for rows in (shape[0] for shape in shapes if len(shape) == 2 and shape[1] == 4):
        if shapes.count((rows,)) >= 2:
            count = f"{rows} detections" if rows > 0 else "detections"
            return Seeming(
                f"seems to end in {count} of non-maximum suppression that is part of its "
                "graph and not the op, and nothing says which output is which",
                _ROLES_ARE_OPEN,
            )
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][1] in (6, 7) and shapes[0][0] > 1:
        return Seeming(
            f"seems to end in one table of {shapes[0][0]} detections, as YOLO's exporters write it"
        )
    return None


def _anchored(shapes: Sequence[Shape], _: Sequence[str]) -> Seeming | None:
    """Two tables of one length: boxes, and scores of classes."""
    if len(shapes) != 2:
        return None
    tables = [(shape[0], shape[2]) if _has_gap(shape) else shape for shape in shapes]
    if any(len(table) != 2 for table in tables) or tables[0][0] != tables[1][0]:
        return None
    rows = tables[0][0]
    widths = sorted((table[1] for table in tables), key=lambda width: (width != 4, -width))
    if rows == 1:
        return None
    if widths[0] == 4 and _is_yolo(rows, widths[1]):
        return Seeming(
            f"seems to be a YOLO: boxes that are decoded already and {_scores(widths[1])} for each "
            f"of {rows} candidates"
        )
    if widths[0] == 4:
        return Seeming(
            "seems to end in raw outputs, as an SSD or an EfficientDet before its post-processing: "
            f"encoded boxes and {_scores(widths[1])} for each of {rows} anchors",
            _ANCHORS_ELSEWHERE,
            has_raw_outputs=True,
        )
    if widths[1] == 1 and widths[0] > _YOLO_NUMBERS and widths[0] % 2 == 0:
        points = (widths[0] - 4) // 2
        return Seeming(
            f"seems to be a detector of MediaPipe: a box with {points} key points and one score "
            f"for each of {rows} anchors, and the anchors are in the app"
        )
    return None


def _scores(count: int) -> str:
    return "one score" if count == 1 else f"{count} scores"


def _has_gap(shape: Shape) -> bool:
    """Exporters leave an axis of one between anchors and coordinates."""
    return len(shape) == 3 and shape[1] == 1 and shape[0] > 1


def _is_yolo(rows: int, classes: int) -> bool:
    """Three boxes for each cell of grids that halve their sides; 80 classes stand alone."""
    return classes == 80 and any(
        rows == 3 * cells * math.isqrt(rows // (3 * cells)) ** 2 for cells in (5, 21)
    )


def _candidates(shapes: Sequence[Shape], _: Sequence[str]) -> Seeming | None:
    """One table: box, objectness and classes of each candidate, either way round."""
    if len(shapes) != 1 or len(shapes[0]) != 2:
        return None
    long, wide = max(shapes[0]), min(shapes[0])
    if long < max(_SHORTEST_TABLE, _TABLE_RATIO * wide) or wide < _NARROWEST_TABLE:
        return None
    return Seeming(f"seems to be a YOLO: one table with {wide} numbers for each of {long} boxes")


def _grids(shapes: Sequence[Shape], _: Sequence[str]) -> Seeming | None:
    """Grids of several sizes with the same numbers in each cell."""
    sides = {max(shape[:-1], default=0) for shape in shapes}
    widths = {shape[-1:] for shape in shapes}
    if len(shapes) < 2 or len(sides) < len(shapes) or len(widths) > 1:
        return None
    if any(len(shape) not in (3, 4) for shape in shapes) or shapes[0][-1] <= _YOLO_NUMBERS:
        return None
    listed = " and ".join(str(side) for side in sorted(sides))
    return Seeming(
        f"seems to be a YOLO or another detector without its last steps: grids of {listed} cells "
        f"a side with {shapes[0][-1]} numbers each"
    )


def _key_points(shapes: Sequence[Shape], names: Sequence[str]) -> Seeming | None:
    """Points of a body, a hand or a face: named, in a table, in a vector or as heatmaps."""
    maps = [shape for shape in shapes if _is_map(shape)]
    widths = [shape[-1] for shape in maps]
    if len(maps) == len(shapes) and len({shape[:2] for shape in maps}) == 1:
        if any(2 * width in widths and width > 2 for width in widths):
            points = next(width for width in widths if 2 * width in widths and width > 2)
            return _pose(f"heatmaps and offsets of {points} key points")
        if widths.count(2) >= 1 and len(widths) >= 2:
            return Seeming(
                f"seems to be a CenterNet: heatmaps of {max(widths)} classes, and sizes and "
                "offsets beside them"
            )
    for shape in shapes:
        if len(shape) >= 2 and shape[-2] in _KEY_POINTS and shape[-1] in (2, 3):
            return _pose(f"{shape[-2]} key points of {shape[-1]} numbers")
        if len(shape) == 2 and shape[0] > 1 and shape[1] - 5 == 3 * 17:
            return _pose(f"17 key points and a box for each of {shape[0]} people")
    if any(word in name for word in _POSE_WORDS for name in names):
        return _pose("its outputs are named after key points")
    lengths = [_length(shape) for shape in shapes]
    vectors = [each for each in lengths if each and (each % 3 == 0 and each // 3 in _KEY_POINTS)]
    if vectors and (1 in lengths or len(vectors) == len(lengths) > 1):
        return _pose(" and ".join(f"{each // 3} points" for each in vectors) + " of 3 numbers")
    return None


def _pose(what: str) -> Seeming:
    return Seeming(f"seems to be a model of key points or poses: {what}, and no boxes of objects")


def _maps(shapes: Sequence[Shape], _: Sequence[str]) -> Seeming | None:
    """Numbers for each point of the image."""
    if len(shapes) != 1:
        return None
    (shape,) = shapes
    height, width, *depth = shape if len(shape) in (2, 3) else (0, 0)
    if min(height, width) < _SMALLEST_MAP:
        return None
    if depth == [3]:
        return Seeming(f"seems to make an image of {width}x{height} from an image")
    numbers = f"{depth[0]} numbers" if depth and depth[0] > 1 else "a number"
    return Seeming(
        f"seems to be a model of segmentation, or of masks or depth: {numbers} for each of "
        f"{width}x{height} points, and no boxes"
    )


def _vectors(shapes: Sequence[Shape], names: Sequence[str]) -> Seeming | None:
    """Scores of the whole image."""
    lengths = [_length(shape) for shape in shapes]
    if None in lengths:
        return None
    if len(lengths) > 1:
        listed = ", ".join(str(length) for length in lengths)
        return Seeming(f"gives rows of {listed} numbers for the whole image, and no boxes")
    if lengths[0] == 1:
        return Seeming("gives one number for the whole image, and no boxes")
    if any(word in name for word in _EMBEDDING_WORDS for name in names):
        return Seeming(f"seems to describe a whole image by {lengths[0]} features, without boxes")
    return Seeming(
        f"seems to be an image classifier: one score for each of {lengths[0]} classes, and no boxes"
    )


def _is_map(shape: Shape) -> bool:
    return len(shape) == 3 and min(shape[:2]) >= _SMALLEST_MAP


def _length(shape: Shape) -> int | None:
    """Of a shape with one axis that is not 1; None for another."""
    sides = [side for side in shape if side != 1]
    return (sides or [1])[0] if len(sides) <= 1 and min(shape, default=1) > 0 else None


# What is said first is the more certain.
_RECOGNISERS: tuple[Callable[[Sequence[Shape], Sequence[str]], Seeming | None], ...] = (
    _detections,
    _anchored,
    _key_points,
    _candidates,
    _grids,
    _maps,
    _vectors,
)
