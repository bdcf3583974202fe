"""From a metadata flatbuffer to what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from validation.metadata.model_metadata import (
    LABEL_TYPES,
    METADATA,
    BoxLayout,
    BoxType,
    ColourSpace,
    ContentType,
    CoordinateType,
    FileType,
    ModelMetadata,
    Normalisation,
    PackedFile,
    ScoreCalibration,
    ScoreTransformation,
    TensorGroup,
    TensorMetadata,
)

LinesOf = Callable[[str], tuple[str, ...]]


def parse_metadata(
    buffer: bytes, where: str = "metadata", lines_of: LinesOf | None = None
) -> ModelMetadata:
    """Read a metadata flatbuffer.

    What the schema has and a detector does not need is skipped: authors, licences, tokenizers,
    and subgraphs after the first, which is the model's own.

    Args:
        buffer: The flatbuffer.
        where: For messages.
        lines_of: Gives the lines of a packed label file by its name; None leaves them out.

    Raises:
        ConversionError: The bytes are not metadata, or are damaged; and what lines_of raises.
    """
    root = METADATA.unpack(buffer, where)
    graph = root.subgraph_metadata[0] if root.subgraph_metadata else None
    lines_of = lines_of or (lambda _: ())
    return ModelMetadata(
        name=root.name or "",
        description=root.description or "",
        version=root.version or "",
        inputs=_tensors(graph and graph.input_tensor_metadata, lines_of),
        outputs=_tensors(
            graph and graph.output_tensor_metadata, lines_of, graph and graph.output_process_units
        ),
        groups=tuple(
            TensorGroup(group.name or "", tuple(group.tensor_names or ()))
            for group in (graph and graph.output_tensor_groups) or ()
        ),
        min_parser_version=root.min_parser_version or "",
    )


def _tensors(tables: Any, lines_of: LinesOf, shared: Any = None) -> tuple[TensorMetadata, ...]:
    return tuple(_tensor(table, lines_of, shared) for table in tables or ())


def _tensor(table: Any, lines_of: LinesOf, shared: Any) -> TensorMetadata:
    """Facts of one tensor; what is done to all outputs is said of each that has no steps."""
    units = table.process_units or shared
    content, stats = table.content, table.stats
    kind = ContentType(content.content_properties_type if content else 0)
    properties = content.content_properties if content else None
    span = content.range if content else None
    return TensorMetadata(
        name=table.name or "",
        description=table.description or "",
        content=kind,
        colour=ColourSpace(properties.color_space)
        if properties and kind is ContentType.IMAGE
        else ColourSpace.UNKNOWN,
        boxes=_boxes(properties) if properties and kind is ContentType.BOUNDING_BOX else None,
        dimensions=(span.min, span.max) if span else None,
        normalisation=_normalisation(table),
        minimum=_numbers(stats and stats.min),
        maximum=_numbers(stats and stats.max),
        files=tuple(_file(file, lines_of) for file in table.associated_files or ()),
        score_threshold=_threshold(units),
        score_calibration=_calibration(units),
    )


def _boxes(properties: Any) -> BoxLayout:
    return BoxLayout(
        _numbers(properties.index),
        BoxType(properties.type),
        CoordinateType(properties.coordinate_type),
    )


def _normalisation(table: Any) -> Normalisation | None:
    """Of the first unit that normalises."""
    for options in (unit.options for unit in table.process_units or ()):
        if type(options).__name__ == "NormalizationOptions":
            return Normalisation(_numbers(options.mean), _numbers(options.std))
    return None


def _threshold(units: Any) -> float | None:
    for options in (unit.options for unit in units or ()):
        if type(options).__name__ == "ScoreThresholdingOptions":
            return float(options.global_score_threshold)
    return None


def _calibration(units: Any) -> ScoreCalibration | None:
    for options in (unit.options for unit in units or ()):
        if type(options).__name__ == "ScoreCalibrationOptions":
            transformation = ScoreTransformation(options.score_transformation)
            return ScoreCalibration(transformation, float(options.default_score))
    return None


def _numbers(values: Any) -> tuple[Any, ...]:
    return () if values is None else tuple(values.tolist())


def _file(table: Any, lines_of: LinesOf) -> PackedFile:
    name, kind = table.name or "", FileType(table.type)
    lines = lines_of(name) if kind in LABEL_TYPES else ()
    return PackedFile(name, kind, table.description or "", lines)
