"""From what metadata is to say to a metadata flatbuffer.

The same facts give the same bytes.
"""

from __future__ import annotations

from typing import Any

from validation.metadata.model_metadata import (
    METADATA,
    ContentType,
    ModelMetadata,
    TensorMetadata,
)
from validation.tflite.flatbuffer import Table

# Versions of the schema that brought what is written here: all of it, and groups of tensors.
_FIRST_VERSION = "1.0.0"
_GROUPS_VERSION = "1.2.0"


def metadata_buffer(metadata: ModelMetadata) -> bytes:
    """The flatbuffer of metadata.

    Args:
        metadata: An empty min_parser_version is filled in by what the metadata uses, the
            lines of label files are not part of it: `validation.metadata.packing` packs them.
    """
    graph = _table(
        "SubGraphMetadata",
        input_tensor_metadata=[_tensor(each) for each in metadata.inputs],
        output_tensor_metadata=[_tensor(each) for each in metadata.outputs],
        output_tensor_groups=[
            _table("TensorGroup", name=each.name, tensor_names=list(each.members))
            for each in metadata.groups
        ],
    )
    root = _table(
        "ModelMetadata",
        name=metadata.name,
        description=metadata.description,
        version=metadata.version,
        subgraph_metadata=[graph],
        min_parser_version=metadata.min_parser_version or min_parser_version(metadata),
    )
    return METADATA.pack(root)


def min_parser_version(metadata: ModelMetadata) -> str:
    """The oldest version of the schema that has all fields which the metadata uses."""
    return _GROUPS_VERSION if metadata.groups else _FIRST_VERSION


def _table(kind: str, /, **fields: Any) -> Table:
    """A table; what is empty is left out."""
    return METADATA.table(kind)(**{key: each for key, each in fields.items() if each})


def _tensor(tensor: TensorMetadata) -> Table:
    return _table(
        "TensorMetadata",
        name=tensor.name,
        description=tensor.description,
        content=_content(tensor),
        process_units=_units(tensor),
        stats=_table("Stats", max=tensor.maximum, min=tensor.minimum),
        associated_files=[
            _table("AssociatedFile", name=each.name, description=each.description, type=each.type)
            for each in tensor.files
        ],
    )


def _content(tensor: TensorMetadata) -> Table | None:
    if tensor.content is ContentType.NONE:
        return None
    span = None
    if tensor.dimensions is not None:
        first, last = tensor.dimensions
        span = _table("ValueRange", min=first, max=last)
    return _table(
        "Content",
        content_properties_type=tensor.content,
        content_properties=_properties(tensor),
        range=span,
    )


def _properties(tensor: TensorMetadata) -> Table:
    """The member of the union that a tensor's content has."""
    if tensor.content is ContentType.IMAGE:
        return _table("ImageProperties", color_space=tensor.colour)
    if tensor.content is ContentType.BOUNDING_BOX and tensor.boxes is not None:
        return _table(
            "BoundingBoxProperties",
            index=tensor.boxes.order,
            type=tensor.boxes.type,
            coordinate_type=tensor.boxes.coordinates,
        )
    return _table("FeatureProperties")


def _units(tensor: TensorMetadata) -> list[Table]:
    """What is done to a tensor: an input is normalised, scores are calibrated and cut off."""
    units = []
    if tensor.normalisation is not None:
        mean, std = tensor.normalisation.mean, tensor.normalisation.std
        units.append(_unit(1, "NormalizationOptions", mean=mean, std=std))
    if tensor.score_calibration is not None:
        calibration = tensor.score_calibration
        kind, default = calibration.transformation, calibration.default_score
        name = "ScoreCalibrationOptions"
        units.append(_unit(2, name, score_transformation=kind, default_score=default))
    if tensor.score_threshold is not None:
        lowest = tensor.score_threshold
        units.append(_unit(3, "ScoreThresholdingOptions", global_score_threshold=lowest))
    return units


def _unit(member: int, name: str, **fields: Any) -> Table:
    """A process unit; the options are that member of the union ProcessUnitOptions."""
    return _table("ProcessUnit", options_type=member, options=_table(name, **fields))
