"""Where the metadata schema, and TFLite's, keep the fields that are read and written here.

A field's number is its place in its table of metadata_schema.fbs 1.5.0; a union takes two.
"""

from __future__ import annotations

from enum import IntEnum

# What a buffer of metadata begins with, and the name that a model keeps it under.
IDENTIFIER = b"M001"
METADATA_NAME = "TFLITE_METADATA"

# The member of the union ProcessUnitOptions that says how an input is normalised.
NORMALISATION_OPTIONS = 1

# Versions of the schema that brought what is written here: all of it, and groups of tensors.
FIRST_VERSION = "1.0.0"
GROUPS_VERSION = "1.2.0"


class ModelField(IntEnum):
    """Of ModelMetadata, the root."""

    NAME = 0
    DESCRIPTION = 1
    VERSION = 2
    SUBGRAPHS = 3
    MIN_PARSER_VERSION = 7


class SubgraphField(IntEnum):
    """Of SubGraphMetadata."""

    INPUTS = 2
    OUTPUTS = 3
    OUTPUT_GROUPS = 8


class TensorField(IntEnum):
    """Of TensorMetadata."""

    NAME = 0
    DESCRIPTION = 1
    CONTENT = 3
    PROCESS_UNITS = 4
    STATS = 5
    FILES = 6


class ContentField(IntEnum):
    """Of Content."""

    TYPE = 0
    PROPERTIES = 1
    RANGE = 2


class ImageField(IntEnum):
    """Of ImageProperties."""

    COLOUR_SPACE = 0


class BoxField(IntEnum):
    """Of BoundingBoxProperties."""

    INDEX = 0
    TYPE = 1
    COORDINATE_TYPE = 2


class PairField(IntEnum):
    """Of the tables that hold two things: ValueRange, and a ProcessUnit's union."""

    FIRST = 0
    SECOND = 1


class NormalisationField(IntEnum):
    """Of NormalizationOptions."""

    MEAN = 0
    STD = 1


class StatsField(IntEnum):
    """Of Stats."""

    MAX = 0
    MIN = 1


class FileField(IntEnum):
    """Of AssociatedFile."""

    NAME = 0
    DESCRIPTION = 1
    TYPE = 2


class GroupField(IntEnum):
    """Of TensorGroup."""

    NAME = 0
    TENSOR_NAMES = 1


class TfliteField(IntEnum):
    """Of Model in TFLite's own schema.fbs."""

    BUFFERS = 4
    METADATA = 6


class TfliteMetadataField(IntEnum):
    """Of Metadata in TFLite's own schema.fbs."""

    NAME = 0
    BUFFER = 1


class TfliteBufferField(IntEnum):
    """Of Buffer in TFLite's own schema.fbs."""

    DATA = 0
    OFFSET = 1
