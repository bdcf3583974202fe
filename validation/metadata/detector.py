"""What the metadata of an SSD detector has to say, from its file and its preprocessing.

An app's library finds the outputs by the names of their metadata, their labels in a file packed
behind the model, and the normalisation of a float input nowhere else:
https://ai.google.dev/edge/litert/libraries/task_library/object_detector.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from validation.errors import ConversionError, DatasetError, first_few
from validation.labels.alignment import ClassNames, align
from validation.labels.label_list import LabelList
from validation.metadata.model_metadata import (
    CATEGORY,
    COUNT,
    DETECTION_GROUP,
    INPUT,
    LOCATION,
    NO_LABEL,
    SCORE,
    BoxLayout,
    BoxType,
    ColourSpace,
    ContentType,
    CoordinateType,
    FileType,
    ModelMetadata,
    Normalisation,
    PackedFile,
    TensorGroup,
    TensorMetadata,
)
from validation.metadata.writer import min_parser_version
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, Preprocessing
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

LABEL_FILE = "labelmap.txt"
_BACKGROUND = "background"
_BRIGHTEST = 255.0

# The op writes ymin, xmin, ymax, xmax; the schema asks for left, top, right, bottom.
_BOXES = BoxLayout((1, 0, 3, 2), BoxType.BOUNDARIES, CoordinateType.RATIO)
# One object is one entry of dimension 2, as the schema's own example of a detector counts.
_ONE_EACH = (2, 2)


def detector_metadata(
    file: TfliteFile, preprocessing: Preprocessing, labels: LabelList | None = None
) -> ModelMetadata:
    """The metadata of a converted SSD.

    A file that ends in the op gets the names and the group that libraries look for. Raw
    outputs are described, but form no group: no app's library decodes them.

    Mean and std are those of the real values for a quantised input too, as the schema has it;
    pixels are fed to a uint8 input as they are.

    Args:
        file: The facts of the .tflite file.
        preprocessing: Of the extractor. Its size is not used, the file's is; metadata
            cannot say how it resizes.
        labels: Of the file's classes; None leaves them out.

    Raises:
        ConversionError: Not one image as input, no scale, or labels without classes to name.
        DatasetError: The labels do not fit the classes, see `written_names`.
    """
    height, width = image_size(file)
    meanings = _meanings(file, labels)
    outputs = tuple(
        meanings.get(spec.name, TensorMetadata(spec.name, "An output of the model."))
        for spec in file.outputs
    )
    names = [output.name for output in outputs]
    members = (LOCATION, CATEGORY, SCORE)
    whole = all(names.count(name) == 1 for name in (*members, COUNT))
    if labels and not any(output.files for output in outputs):
        raise ConversionError(
            "no output of the file has classes that labels could name",
            expected=f"{CLASS_PREDICTIONS_NAME}, or the post-processing op's classes",
            got=first_few(spec.name for spec in file.outputs),
        )
    metadata = ModelMetadata(
        name="SSD object detector",
        description=f"Finds objects in RGB images of {width}x{height} pixels.",
        inputs=(_input(file.inputs[0], preprocessing),),
        outputs=outputs,
        groups=(TensorGroup(DETECTION_GROUP, members),) if whole else (),
    )
    return dataclasses.replace(metadata, min_parser_version=min_parser_version(metadata))


def image_size(file: TfliteFile) -> tuple[int, int]:
    """Height and width of a file's one input.

    Raises:
        ConversionError: Not one input, or no RGB image of a fixed size.
    """
    shapes = [spec.shape for spec in file.inputs]
    if len(shapes) == 1 and _is_one_image(shapes[0]):
        return shapes[0][1], shapes[0][2]
    raise ConversionError(
        "the file's input is not an image",
        expected="one input [1, height, width, 3]",
        got=", ".join(str(list(shape)) for shape in shapes) or "no input",
        next_step=_image_advice(shapes[0]) if len(shapes) == 1 else None,
    )


def _is_one_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[0] in (1, -1) and shape[3] == 3 and min(shape[1:]) > 0


def _image_advice(shape: tuple[int, ...]) -> str | None:
    """What to convert otherwise, where images go in that are laid out in another way."""
    if len(shape) != 4:
        return None
    if shape[3] == 3:
        what = "one image" if shape[0] > 1 else "an image of one size"
        return f"convert it with {what} as its input"
    if shape[1] == 3:
        return "channels come first, as in PyTorch: convert it with channels last"
    return "the images of an SSD are RGB" if shape[3] in (1, 4) else None


def written_names(labels: LabelList, count: int) -> ClassNames:
    """The names that a file with this many classes gets.

    Args:
        labels: A list.
        count: Classes of the model, without the background.

    Raises:
        DatasetError: The list does not fit, or names what is no class, or a name of several lines.
    """
    names = align(labels, count)
    if names.surplus:
        raise DatasetError(
            "the label map is of another model",
            expected=f"names for {count} classes",
            got=names.describe(),
            where=labels.source,
            next_step="give the label map of this model",
        )
    torn = [number for number, name in names.names.items() if "\n" in name or "\r" in name]
    if torn:
        raise DatasetError(
            "a label has one line", got=f"a line break in the name of id {first_few(torn)}"
        )
    return names


def label_lines(labels: LabelList, count: int) -> tuple[str, ...]:
    """The lines of a label file: line i names class i of the op, which is class id i + 1.

    Libraries refuse a class without a line, so one that has no name gets ``???``.

    Raises:
        DatasetError: See `written_names`.
    """
    names = written_names(labels, count).names
    return tuple(names.get(number, NO_LABEL) for number in range(1, count + 1))


def _input(spec: TensorSpec, preprocessing: Preprocessing) -> TensorMetadata:
    normalisation = _normalisation(preprocessing)
    kind = np.dtype(spec.dtype)
    pairs = list(zip(normalisation.mean, normalisation.std, strict=True))
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        low, high = _stored([limits.min]), _stored([limits.max])
    else:
        low = _stored(-mean / std for mean, std in pairs)
        high = _stored((_BRIGHTEST - mean) / std for mean, std in pairs)
    return TensorMetadata(
        INPUT,
        "The RGB image to find objects in, resized to the size of the input.",
        content=ContentType.IMAGE,
        colour=ColourSpace.RGB,
        normalisation=normalisation,
        minimum=low,
        maximum=high,
    )


def _normalisation(preprocessing: Preprocessing) -> Normalisation:
    """``pixel * scale - offset`` as ``(pixel - mean) / std``: 1 / scale, and offset / scale."""
    scales, offsets = preprocessing.scale, preprocessing.offset
    if not all(scale > 0 and math.isfinite(1 / scale) for scale in scales):
        raise ConversionError(
            "the extractor's preprocessing has no scale", expected="above 0", got=scales
        )
    return Normalisation(
        mean=_stored(_rounded(o / s) for o, s in zip(offsets, scales, strict=True)),
        std=_stored(_rounded(1 / scale) for scale in scales),
    )


def _rounded(value: float) -> float:
    """Configs are read as float32: 2/255 is kept with an error in its ninth digit."""
    return float(f"{value:.7g}")


def _stored(values: Iterable[float]) -> tuple[float, ...]:
    """As the flatbuffer keeps them, so that what is read is what was written."""
    # The sum takes the sign from a zero.
    return tuple(float(np.float32(value)) + 0.0 for value in values)


def _meanings(file: TfliteFile, labels: LabelList | None) -> dict[str, TensorMetadata]:
    """What is known of outputs, by the name that the tensor has in the file."""
    if file.postprocess is not None:
        return dict(
            zip(
                file.postprocess_outputs,
                _of_the_op(label_lines(labels, file.postprocess.num_classes) if labels else ()),
                strict=True,
            )
        )
    columns = {spec.name: spec.shape[-1] for spec in file.outputs if spec.shape}
    lines: tuple[str, ...] = ()
    if labels and CLASS_PREDICTIONS_NAME in columns:
        known = label_lines(labels, columns[CLASS_PREDICTIONS_NAME] - 1)
        lines = (_BACKGROUND, *known)
    return {
        BOX_ENCODINGS_NAME: TensorMetadata(
            BOX_ENCODINGS_NAME,
            "Boxes as centre y, centre x, height and width, encoded relative to the anchors.",
        ),
        CLASS_PREDICTIONS_NAME: TensorMetadata(
            CLASS_PREDICTIONS_NAME,
            "The score of every class for each anchor; the first is the background.",
            files=_files(lines, FileType.TENSOR_AXIS_LABELS),
        ),
    }


def _of_the_op(lines: tuple[str, ...]) -> tuple[TensorMetadata, ...]:
    """The four outputs in the op's own order."""
    return (
        TensorMetadata(
            LOCATION,
            "Each box as ymin, xmin, ymax, xmax, in shares of the image's sides.",
            content=ContentType.BOUNDING_BOX,
            boxes=_BOXES,
            dimensions=_ONE_EACH,
        ),
        TensorMetadata(
            CATEGORY,
            "The class of each box, counted from 0.",
            dimensions=_ONE_EACH,
            files=_files(lines, FileType.TENSOR_VALUE_LABELS),
        ),
        TensorMetadata(SCORE, "The score of each box, in [0, 1].", dimensions=_ONE_EACH),
        TensorMetadata(COUNT, "How many boxes are valid; the others are to be ignored."),
    )


def _files(lines: tuple[str, ...], kind: FileType) -> tuple[PackedFile, ...]:
    description = "The classes' names, one a line."
    return (PackedFile(LABEL_FILE, kind, description, lines),) if lines else ()
