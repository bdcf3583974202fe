"""A file with metadata runs as it did without, and is byte for byte the same each time."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from validation.errors import ArtefactError, ArtefactMissing, ConversionError
from validation.faults.file_edits import rewrite
from validation.metadata.class_labels import labels_of
from validation.metadata.model_metadata import ModelMetadata
from validation.metadata.packing import embed, write_with_metadata
from validation.metadata.unpacking import metadata_of, read_metadata
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import INPUT_NAME
from validation.tflite.facts import read_tflite
from validation.tflite.model import read_model


@pytest.fixture
def packed(data: Path, metadata: ModelMetadata, tmp_path: Path) -> Path:
    """The detector with metadata and labels."""
    return write_with_metadata(data / "tiny.tflite", metadata, tmp_path / "new" / "packed.tflite")


def _model(path: Path) -> Any:
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def test_what_was_packed_is_read(packed: Path, metadata: ModelMetadata) -> None:
    """Metadata and the lines of the label file, from the file alone."""
    assert read_metadata(packed) == metadata


def test_file_runs_as_before(packed: Path, data: Path) -> None:
    """The same bits in every output, on images that fill all slots and none."""
    rng = np.random.default_rng(5)
    with TfliteRuntime(data / "tiny.tflite") as before, TfliteRuntime(packed) as after:
        assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
        for size in (0, 1, 100):
            feed = {INPUT_NAME: rng.normal(0, size, (1, 2, 2, 3)).astype(np.float32)}
            expected = before.run(feed)
            got = after.run(feed)
            for name, value in expected.items():
                np.testing.assert_array_equal(got[name], value)


def test_all_else_stays(packed: Path, data: Path) -> None:
    """The op's options, the least runtime, identifier, weights and order of the tensors."""
    before, after = read_tflite(data / "tiny.tflite"), read_tflite(packed)
    assert packed.read_bytes()[4:8] == b"TFL3"
    sizes = {"size_bytes", "constant_bytes"}
    for field in {field.name for field in dataclasses.fields(before)} - sizes:
        assert getattr(after, field) == getattr(before, field), field
    old, new = _model(data / "tiny.tflite"), _model(packed)
    names = [entry.name for entry in old.metadata]
    assert [entry.name for entry in new.metadata] == [*names, b"TFLITE_METADATA"]
    (old_op,), (new_op,) = (
        [op for op in model.subgraphs[0].operators if op.customOptions is not None]
        for model in (old, new)
    )
    assert bytes(new_op.customOptions) == bytes(old_op.customOptions)
    for one, other in zip(old.buffers, new.buffers, strict=False):
        assert (one.data is None) == (other.data is None)
        assert one.data is None or bytes(one.data) == bytes(other.data)


def test_buffers_are_aligned(packed: Path) -> None:
    """At 16 bytes from the start of the file, as TFLite's schema wants them."""
    model = schema.Model.GetRootAs(packed.read_bytes())
    places = []
    for number in range(model.BuffersLength()):
        table = model.Buffers(number)._tab
        if offset := table.Offset(4):
            places.append(table.Vector(offset))
    assert len(places) > 3
    assert [place % 16 for place in places] == [0] * len(places)


def test_labels_are_an_archive_behind_the_model(packed: Path) -> None:
    """Stored, one name a line; no date of the day, so that each run gives the same bytes."""
    content = packed.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (entry,) = archive.infolist()
        assert archive.read(entry) == b"ball\n???\nring\n"
    assert (entry.filename, entry.compress_type) == ("labelmap.txt", zipfile.ZIP_STORED)
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    # Positions count from the start of the file: what reads it unpacks without a search.
    assert content[entry.header_offset :].startswith(b"PK\3\4")


def test_model_that_looks_like_an_archive(data: Path, metadata: ModelMetadata) -> None:
    """Weights can hold any bytes; an end of an archive among them is not taken for one."""
    end = dataclasses.replace(metadata, version="PK\5\6" + "\0" * 18)
    made = embed(read_model(data / "tiny.tflite"), end)
    assert metadata_of(read_model(made)) == end
    labels = labels_of(end)
    assert labels is not None
    assert labels.names == ("ball", "???", "ring")


def test_same_facts_give_the_same_bytes(packed: Path, data: Path, metadata: ModelMetadata) -> None:
    """And so does a file that has older metadata and labels already."""
    content = packed.read_bytes()
    assert embed(read_model(data / "tiny.tflite"), metadata) == content
    renamed = dataclasses.replace(metadata, name="Older")
    older = embed(read_model(data / "tiny.tflite"), renamed)
    assert older != content
    assert embed(read_model(older), metadata) == content


def test_metadata_without_labels(data: Path, metadata: ModelMetadata, tmp_path: Path) -> None:
    """No archive is put behind the model."""
    outputs = tuple(dataclasses.replace(output, files=()) for output in metadata.outputs)
    bare = dataclasses.replace(metadata, outputs=outputs)
    path = write_with_metadata(data / "tiny.tflite", bare, tmp_path / "bare.tflite")
    assert not zipfile.is_zipfile(path)
    assert read_metadata(path) == bare
    assert labels_of(bare) is None


def test_target_may_be_the_source(packed: Path, metadata: ModelMetadata) -> None:
    """Replaced in place, nothing beside it."""
    other = dataclasses.replace(metadata, version="2")
    assert write_with_metadata(packed, other, packed) == packed
    assert read_metadata(packed) == other
    assert list(packed.parent.iterdir()) == [packed]


def test_metadata_of_another_model(data: Path, metadata: ModelMetadata) -> None:
    """Readers match by position, so the numbers have to be the file's."""
    raw = read_model(data / "tiny_raw.tflite")
    with pytest.raises(ConversionError, match="expected 1 inputs and 2 outputs, got 1 and 4"):
        embed(raw, metadata)


def _weights_outside(model: Any) -> None:
    model.buffers[1].offset = 4096


def _options_outside(model: Any) -> None:
    model.subgraphs[0].operators[0].largeCustomOptionsOffset = 4096


@pytest.mark.parametrize("change", [_weights_outside, _options_outside])
def test_weights_outside_of_the_flatbuffer(
    change: Any, data: Path, metadata: ModelMetadata, tmp_path: Path
) -> None:
    """Their places would not be true any more."""
    path = rewrite(data / "tiny.tflite", tmp_path / "large.tflite", change)
    with pytest.raises(ConversionError, match=r"outside of its flatbuffer \(large\.tflite\)"):
        embed(read_model(path), metadata)


def test_damaged_model(data: Path, metadata: ModelMetadata, tmp_path: Path) -> None:
    """Cut anywhere: one error, or a file in which what is read is the metadata."""
    content = (data / "tiny.tflite").read_bytes()
    refused = 0
    for length in range(0, len(content), 61):
        try:
            made = embed(read_model(content[:length], "cut.tflite"), metadata)
        except ConversionError as error:
            refused += 1
            assert "cut.tflite" in str(error)
        else:
            assert metadata_of(read_model(made)) == metadata
    assert refused > 9
    with pytest.raises(ArtefactMissing):
        write_with_metadata(tmp_path / "none.tflite", metadata, tmp_path / "m.tflite")
    assert list(tmp_path.iterdir()) == []


def test_target_that_cannot_be_written(data: Path, metadata: ModelMetadata, tmp_path: Path) -> None:
    """A folder in its place, or a file in its folder's: nothing is left."""
    (tmp_path / "file").touch()
    for target in (tmp_path, tmp_path / "file" / "m.tflite"):
        with pytest.raises(ArtefactError, match="cannot be"):
            write_with_metadata(data / "tiny.tflite", metadata, target)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))
