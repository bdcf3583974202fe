"""What the metadata of a .tflite file says, as plain facts.

The published schema is metadata_schema.fbs of https://github.com/tensorflow/tflite-support,
version 1.5.0; the numbers of the enumerations are its own. A number that a newer schema has is
read as the unknown one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from validation.tflite.flatbuffer import Schema

METADATA = Schema(Path(__file__).with_name("metadata.json"), "TFLite metadata flatbuffer")
# What a model calls the buffer that holds it.
METADATA_NAME = "TFLITE_METADATA"

# The names by which the Task Library's ObjectDetector distinguishes the outputs of the op.
INPUT = "image"
LOCATION = "location"
CATEGORY = "category"
SCORE = "score"
COUNT = "number of detections"
DETECTION_GROUP = "detection_result"

# Stands in a label file for a class that has no name.
NO_LABEL = "???"


class Known(IntEnum):
    """An enumeration of the schema in which every number has a meaning."""

    @classmethod
    def _missing_(cls, _: object) -> Known:
        return cls(0)


class ContentType(Known):
    """What a tensor holds; members of the schema's union ContentProperties."""

    NONE = 0
    FEATURE = 1
    IMAGE = 2
    BOUNDING_BOX = 3
    AUDIO = 4


class ColourSpace(Known):
    """Of an image."""

    UNKNOWN = 0
    RGB = 1
    GRAYSCALE = 2


class BoxType(Known):
    """Which four numbers make a box."""

    UNKNOWN = 0
    BOUNDARIES = 1
    UPPER_LEFT = 2
    CENTER = 3


class CoordinateType(Known):
    """The unit of a box: fractions of the image's sides, or pixels."""

    RATIO = 0
    PIXEL = 1


class FileType(Known):
    """What a packed file is."""

    UNKNOWN = 0
    DESCRIPTIONS = 1
    TENSOR_AXIS_LABELS = 2
    """Line i names index i of the tensor's last axis."""
    TENSOR_VALUE_LABELS = 3
    """Line i names the value i."""
    TENSOR_AXIS_SCORE_CALIBRATION = 4
    VOCABULARY = 5
    SCANN_INDEX_FILE = 6


class ScoreTransformation(Known):
    """What calibration does to a score before it is fitted."""

    IDENTITY = 0
    LOG = 1
    INVERSE_LOGISTIC = 2


LABEL_TYPES = (FileType.TENSOR_AXIS_LABELS, FileType.TENSOR_VALUE_LABELS)


@dataclass(frozen=True)
class Normalisation:
    """From a pixel in [0, 255] to a float input: ``(pixel - mean) / std``.

    Args:
        mean: One for each channel, or one for all.
        std: As mean.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ScoreCalibration:
    """That an app replaces scores by calibrated ones.

    Args:
        transformation: Of a score, before it is fitted.
        default_score: Of a class without parameters.
    """

    transformation: ScoreTransformation
    default_score: float


@dataclass(frozen=True)
class BoxLayout:
    """How a tensor of boxes is to be read.

    Args:
        order: Index of each boundary: left, top, right, bottom. Empty: in this order.
        type: Which four numbers.
        coordinates: Their unit.
    """

    order: tuple[int, ...]
    type: BoxType
    coordinates: CoordinateType


@dataclass(frozen=True)
class PackedFile:
    """A file that is packed behind the model.

    Args:
        name: In the ZIP archive.
        type: What it is.
        description: For people.
        lines: Of a label file that was read, else empty.
    """

    name: str
    type: FileType
    description: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class TensorMetadata:
    """What the metadata says of one input or output.

    Args:
        name: The meaning; an app finds outputs by it. Not the tensor's own name.
        description: For people.
        content: What it holds.
        colour: Of an image, else UNKNOWN.
        boxes: Of a tensor of boxes, else None.
        dimensions: First and last dimension that one object counts along; None: all of them.
        normalisation: Of an input image, None where it says nothing.
        minimum: Smallest value of each channel, one for all, or empty.
        maximum: As minimum.
        files: Packed files that belong to the tensor.
        score_threshold: Scores below it are dropped by apps; None where nothing says so.
        score_calibration: What apps do to its scores; None where nothing says so.
    """

    name: str
    description: str = ""
    content: ContentType = ContentType.FEATURE
    colour: ColourSpace = ColourSpace.UNKNOWN
    boxes: BoxLayout | None = None
    dimensions: tuple[int, int] | None = None
    normalisation: Normalisation | None = None
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()
    files: tuple[PackedFile, ...] = ()
    score_threshold: float | None = None
    score_calibration: ScoreCalibration | None = None

    @property
    def label_file(self) -> PackedFile | None:
        """The first label file, which is the one that counts without a locale; or None."""
        return next((file for file in self.files if file.type in LABEL_TYPES), None)


@dataclass(frozen=True)
class TensorGroup:
    """Tensors that describe the same objects, by their metadata's names."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class ModelMetadata:
    """What the metadata of a model says.

    Args:
        name: Of the model.
        description: For people.
        version: Of the model, as its maker counts.
        inputs: In the order of the file's inputs.
        outputs: In the order of the file's outputs.
        groups: Of outputs.
        min_parser_version: The oldest version of the schema that knows all of this.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    groups: tuple[TensorGroup, ...] = ()
    min_parser_version: str = ""
