"""Whatever a parser raises becomes one error of the reader; a mistake of ours does not."""

from __future__ import annotations

import json
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from google.protobuf import descriptor_pb2, text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.errors import ArtefactError, DatasetError
from validation.files.guard import guarded


def _raise(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


_PARSERS: dict[str, Callable[[], object]] = {
    "json": lambda: json.loads("{"),
    "nested json": lambda: json.loads("[" * 100_000),
    "long number": lambda: json.loads("9" * 5_000),
    "text": lambda: b"\xff".decode(),
    "xml": lambda: ElementTree.fromstring("<a>"),
    "protobuf": lambda: descriptor_pb2.FileDescriptorSet.FromString(b"\xff"),
    "proto text": lambda: text_format.Parse("x", descriptor_pb2.FileDescriptorSet()),
    "flatbuffer": lambda: struct.unpack_from("<I", b"", 4),
    "zlib": lambda: zlib.decompress(b"x"),
    "tar": _raise(tarfile.ReadError("no")),
    "zip": _raise(zipfile.BadZipFile("no")),
    "pickle": _raise(pickle.UnpicklingError("no")),
    "bomb": _raise(Image.DecompressionBombError("no")),
    "memory": _raise(MemoryError()),
    "index": lambda: [][0],
    "key": lambda: {}["x"],
    "large": lambda: 2.0**5000,
    "nothing said": _raise(EOFError()),
    "lines": _raise(OSError("one\ntwo")),
}


@pytest.mark.parametrize("parse", _PARSERS.values(), ids=_PARSERS)
def test_every_fault_of_a_parser_is_one_error(parse: Callable[[], object]) -> None:
    """Of the reader's type, on one line, with the cause behind it."""
    with (
        pytest.raises(DatasetError, match=r"cannot be read \(a\.x\): expected x, got \S") as caught,
        guarded(DatasetError, "the file cannot be read", expected="x", where="a.x"),
    ):
        parse()
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_own_errors_pass_as_they_are() -> None:
    """A reader inside of another has said it better."""
    error = ArtefactError("no")
    with pytest.raises(ArtefactError) as caught, guarded(DatasetError, "other"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_the_end_of_the_program_is_no_fault(error: BaseException) -> None:
    """Ctrl-C while a file is parsed ends the command."""
    with pytest.raises(type(error)), guarded(DatasetError, "other"):
        raise error


def test_unknown_errors_are_not_hidden() -> None:
    """An exception of no parser is a mistake of ours."""

    class Own(Exception):
        """No parser raises it."""

    with pytest.raises(Own), guarded(DatasetError, "other"):
        raise Own


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_message_is_short_and_one_line(text: str) -> None:
    """Whatever a parser quotes of the file."""
    with pytest.raises(DatasetError) as caught, guarded(DatasetError, "no"):
        raise ValueError(text * 40)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
