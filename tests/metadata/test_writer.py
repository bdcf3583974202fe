"""What is written is what is read, and the same facts give the same bytes."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from validation.metadata.model_metadata import (
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
from validation.metadata.reader import parse_metadata
from validation.metadata.writer import metadata_buffer, min_parser_version

_TEXT = st.text(max_size=9)
_FLOATS = st.lists(st.floats(width=32, allow_nan=False), max_size=4).map(tuple)
_WHOLE = st.integers(-(2**31), 2**31 - 1)
_BOXES = st.builds(
    BoxLayout,
    st.lists(st.integers(0, 2**32 - 1), max_size=4).map(tuple),
    st.sampled_from(BoxType),
    st.sampled_from(CoordinateType),
)


@st.composite
def _tensors(draw: st.DrawFn) -> TensorMetadata:
    content = draw(st.sampled_from(ContentType))
    image, boxes = content is ContentType.IMAGE, content is ContentType.BOUNDING_BOX
    return TensorMetadata(
        name=draw(_TEXT),
        description=draw(_TEXT),
        content=content,
        colour=draw(st.sampled_from(ColourSpace)) if image else ColourSpace.UNKNOWN,
        boxes=draw(_BOXES) if boxes else None,
        dimensions=None if content is ContentType.NONE else draw(st.tuples(_WHOLE, _WHOLE)),
        normalisation=draw(st.none() | st.builds(Normalisation, _FLOATS, _FLOATS)),
        minimum=draw(_FLOATS),
        maximum=draw(_FLOATS),
        files=tuple(
            draw(
                st.lists(st.builds(PackedFile, _TEXT, st.sampled_from(FileType), _TEXT), max_size=2)
            )
        ),
    )


_METADATA = st.builds(
    ModelMetadata,
    name=_TEXT,
    description=_TEXT,
    version=_TEXT,
    inputs=st.lists(_tensors(), max_size=2).map(tuple),
    outputs=st.lists(_tensors(), max_size=4).map(tuple),
    groups=st.lists(
        st.builds(TensorGroup, _TEXT, st.lists(_TEXT, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    min_parser_version=st.text("0123456789.", min_size=1, max_size=8),
)


@settings(deadline=None)
@given(_METADATA)
def test_what_is_written_is_read(metadata: ModelMetadata) -> None:
    """Every fact, and the identifier of the format."""
    buffer = metadata_buffer(metadata)
    assert buffer[4:8] == b"M001"
    assert parse_metadata(buffer) == metadata
    assert metadata_buffer(metadata) == buffer


def test_version_of_the_schema(metadata: ModelMetadata) -> None:
    """Groups came with 1.2.0; without them the first version will do. Filled in where empty."""
    alone = dataclasses.replace(metadata, groups=(), min_parser_version="")
    assert min_parser_version(metadata) == "1.2.0"
    assert parse_metadata(metadata_buffer(alone)).min_parser_version == "1.0.0"


def test_number_of_a_newer_schema_is_the_unknown_one() -> None:
    """What this reader has no word for does not make a file unreadable."""
    assert FileType(77) is FileType.UNKNOWN
    assert ContentType(5) is ContentType.NONE
