"""From a metadata flatbuffer to what it says."""

from __future__ import annotations

from collections.abc import Callable

from validation.errors import ConversionError
from validation.metadata.flat_table import FlatTable
from validation.metadata.model_metadata import (
    LABEL_TYPES,
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
from validation.metadata.schema_fields import (
    IDENTIFIER,
    NORMALISATION_OPTIONS,
    BoxField,
    ContentField,
    FileField,
    GroupField,
    ImageField,
    ModelField,
    NormalisationField,
    PairField,
    StatsField,
    SubgraphField,
    TensorField,
)
from validation.runtimes.tflite_file import DAMAGE

LinesOf = Callable[[str], tuple[str, ...]]


def parse_metadata(
    buffer: bytes, where: str = "metadata", lines_of: LinesOf | None = None
) -> ModelMetadata:
    """Read a metadata flatbuffer.

    What the schema has and a detector does not need is skipped: authors, licences, tokenizers,
    score calibration, and subgraphs after the first, which is the model's own.

    Args:
        buffer: The flatbuffer.
        where: For messages.
        lines_of: Gives the lines of a packed label file by its name; None leaves them out.

    Raises:
        ConversionError: The bytes are no metadata, or are damaged; and what lines_of raises.
    """
    if buffer[4:8] != IDENTIFIER:
        raise ConversionError(
            "the metadata has another format",
            expected=f"identifier {IDENTIFIER.decode()} at byte 4",
            got=f"{buffer[4:8]!r} in {len(buffer)} bytes",
            where=where,
        )
    try:
        return _model(FlatTable.root(buffer), lines_of or _no_lines)
    except DAMAGE as error:
        raise ConversionError("the metadata is damaged", got=repr(error), where=where) from error


def _no_lines(_: str) -> tuple[str, ...]:
    return ()


def _model(root: FlatTable, lines_of: LinesOf) -> ModelMetadata:
    subgraphs = root.tables(ModelField.SUBGRAPHS)[:1]
    return ModelMetadata(
        name=root.text(ModelField.NAME),
        description=root.text(ModelField.DESCRIPTION),
        version=root.text(ModelField.VERSION),
        inputs=_tensors(subgraphs, SubgraphField.INPUTS, lines_of),
        outputs=_tensors(subgraphs, SubgraphField.OUTPUTS, lines_of),
        groups=tuple(
            TensorGroup(group.text(GroupField.NAME), group.texts(GroupField.TENSOR_NAMES))
            for subgraph in subgraphs
            for group in subgraph.tables(SubgraphField.OUTPUT_GROUPS)
        ),
        min_parser_version=root.text(ModelField.MIN_PARSER_VERSION),
    )


def _tensors(
    subgraphs: tuple[FlatTable, ...], field: SubgraphField, lines_of: LinesOf
) -> tuple[TensorMetadata, ...]:
    return tuple(_tensor(table, lines_of) for graph in subgraphs for table in graph.tables(field))


def _tensor(table: FlatTable, lines_of: LinesOf) -> TensorMetadata:
    content = table.table(TensorField.CONTENT)
    kind = ContentType(0 if content is None else content.byte(ContentField.TYPE))
    properties = None if content is None else content.table(ContentField.PROPERTIES)
    span = None if content is None else content.table(ContentField.RANGE)
    stats = table.table(TensorField.STATS)
    return TensorMetadata(
        name=table.text(TensorField.NAME),
        description=table.text(TensorField.DESCRIPTION),
        content=kind,
        colour=ColourSpace(properties.byte(ImageField.COLOUR_SPACE))
        if properties is not None and kind is ContentType.IMAGE
        else ColourSpace.UNKNOWN,
        boxes=_boxes(properties)
        if properties is not None and kind is ContentType.BOUNDING_BOX
        else None,
        dimensions=None
        if span is None
        else (span.whole(PairField.FIRST), span.whole(PairField.SECOND)),
        normalisation=_normalisation(table),
        minimum=() if stats is None else stats.floats(StatsField.MIN),
        maximum=() if stats is None else stats.floats(StatsField.MAX),
        files=tuple(_file(file, lines_of) for file in table.tables(TensorField.FILES)),
    )


def _boxes(properties: FlatTable) -> BoxLayout:
    return BoxLayout(
        properties.wholes(BoxField.INDEX),
        BoxType(properties.byte(BoxField.TYPE)),
        CoordinateType(properties.byte(BoxField.COORDINATE_TYPE)),
    )


def _normalisation(table: FlatTable) -> Normalisation | None:
    """Of the first unit that normalises."""
    for unit in table.tables(TensorField.PROCESS_UNITS):
        options = unit.table(PairField.SECOND)
        if options is not None and unit.byte(PairField.FIRST) == NORMALISATION_OPTIONS:
            return Normalisation(
                options.floats(NormalisationField.MEAN), options.floats(NormalisationField.STD)
            )
    return None


def _file(table: FlatTable, lines_of: LinesOf) -> PackedFile:
    name, kind = table.text(FileField.NAME), FileType(table.byte(FileField.TYPE))
    description = table.text(FileField.DESCRIPTION)
    lines = lines_of(name) if kind in LABEL_TYPES else ()
    return PackedFile(name, kind, description, lines)
