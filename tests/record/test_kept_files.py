"""The run's folder holds the bytes that were judged, under names that no other file has."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.errors import ArtefactError, ArtefactMissing, IntegrityError
from validation.record.kept_files import (
    anchors_name,
    feeding_name,
    keep_file,
    labels_name,
    tflite_name,
)
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import ModelKey
from validation.specs.variants import VARIANTS

_CONTENT = b"TFL3" * 100


@pytest.fixture
def source(tmp_path: Path) -> Artefact:
    """A file as a session leaves it in its work folder."""
    path = tmp_path / "work" / "m-float.tflite"
    path.parent.mkdir()
    path.write_bytes(_CONTENT)
    sha256 = hashlib.sha256(_CONTENT).hexdigest()
    return Artefact(
        "m", ArtefactRole.TFLITE, "float", path.name, sha256, len(_CONTENT), path=str(path)
    )


def test_the_judged_bytes_are_kept(source: Artefact, tmp_path: Path) -> None:
    """Under model and variant, readable by all, and nothing else is left in the folder."""
    kept = keep_file(source, tmp_path / "run")
    assert kept == dataclasses.replace(source, path="files/m-float.tflite")
    copy = tmp_path / "run" / kept.path
    assert copy.read_bytes() == _CONTENT
    assert copy.stat().st_mode & 0o777 == 0o644
    assert list(copy.parent.iterdir()) == [copy]


def test_what_happens_to_the_original_does_not_reach_the_copy(
    source: Artefact, tmp_path: Path
) -> None:
    """The cache may be overwritten in place the next day."""
    kept = keep_file(source, tmp_path)
    with Path(source.path).open("r+b") as file:
        file.write(b"XXXX")
    assert (tmp_path / kept.path).read_bytes() == _CONTENT


def test_another_file_than_the_judged_one_is_not_kept(source: Artefact, tmp_path: Path) -> None:
    """One byte that changed since it was hashed is enough; no half of it stays."""
    Path(source.path).write_bytes(_CONTENT[:-1] + b"X")
    with pytest.raises(IntegrityError, match="not the one that was judged"):
        keep_file(source, tmp_path / "run")
    assert list((tmp_path / "run" / "files").iterdir()) == []


def test_a_file_that_has_gone(source: Artefact, tmp_path: Path) -> None:
    """Said with where it was."""
    Path(source.path).unlink()
    with pytest.raises(ArtefactMissing, match=r"m-float\.tflite"):
        keep_file(source, tmp_path / "run")


def test_a_folder_that_cannot_be_made(source: Artefact, tmp_path: Path) -> None:
    """The error names the size that is needed and what to do."""
    (tmp_path / "files").write_text("in the way")
    with pytest.raises(ArtefactError, match="400 bytes"):
        keep_file(source, tmp_path)


def test_a_copy_that_is_not_the_judged_file_is_replaced(source: Artefact, tmp_path: Path) -> None:
    """What stands under the name already counts only by its hash."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "m-float.tflite").write_bytes(b"older")
    kept = keep_file(source, tmp_path)
    assert (tmp_path / kept.path).read_bytes() == _CONTENT


def test_files_of_other_roles_are_none_of_these(source: Artefact, tmp_path: Path) -> None:
    """An archive of a hundred megabytes is recorded, not copied."""
    with pytest.raises(ArtefactError, match="no run keeps"):
        keep_file(dataclasses.replace(source, role=ArtefactRole.SOURCE), tmp_path)


@pytest.mark.parametrize("model", ["ssd_mobilenet_v1", "my.model-2", "a" * 80, "SSD"])
def test_plain_names_stay(model: str) -> None:
    """As people know them."""
    key = ModelKey(model, "uint8-raw")
    assert tflite_name(key) == f"{model}-uint8-raw.tflite"
    assert feeding_name(key) == f"{model}-uint8-raw.tflite.json"
    assert labels_name(key) == f"{model}.labels.txt"
    assert anchors_name(key) == f"{model}.anchors.npy"


@pytest.mark.parametrize(
    ("model", "stem"),
    [
        ("my model #1?", "my-model-1-"),
        ("../x", "x-"),
        ("--force", "force-"),
        (".hidden", "hidden-"),
        ("caf\u00e9", "caf-"),
        ("a\nb", "a-b-"),
        ("x-uint8", "x-uint8-"),
        ("a" * 300, "a" * 80 + "-"),
        ("\u9ed2", ""),
    ],
)
def test_other_names_get_a_hash(model: str, stem: str) -> None:
    """So that they are safe in paths and addresses, and no two are alike."""
    name = labels_name(ModelKey(model, "float"))
    assert name.startswith(stem)
    assert len(name) == len(stem) + 8 + len(".labels.txt")


@given(
    st.lists(
        st.tuples(
            st.one_of(st.text("ab-_. /\u00e9", min_size=1), st.sampled_from(["x", "x-uint8"])),
            st.sampled_from(list(VARIANTS)),
        ),
        unique=True,
    )
)
def test_no_two_subjects_share_a_name(keys: list[tuple[str, str]]) -> None:
    """``x-uint8`` in variant raw is not ``x`` in variant uint8-raw; none leaves the folder."""
    names = [tflite_name(ModelKey(*key)) for key in keys]
    assert len(set(names)) == len(names)
    assert all(name[0] not in ".-" and "/" not in name for name in names)


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("detect.tflite", "detect"),
        ("ssd_mobilenet_v1.1.0-quant.tflite", "ssd_mobilenet_v1.1.0-quant"),
        # What shares a stem, or would on some file system, has a hash of the whole name.
        ("vendor/detect.tflite", "vendor-detect-0ee384be"),
        ("detect", "detect-cfacfd3e"),
        ("Detect.tflite", "Detect-a450a394"),
        ("detect.TFLITE", "detect-9b659425"),
        ("\u9ed2.tflite", "ca7b8808"),
    ],
)
def test_given_files_keep_their_names(file: str, stem: str) -> None:
    """With the suffix once; what lies beside a given file is its own."""
    key = ModelKey("person", "int8", file)
    assert tflite_name(key) == f"person~{stem}.tflite"
    assert feeding_name(key) == f"person~{stem}.tflite.json"
    assert labels_name(key) == f"person~{stem}.labels.txt"
    assert anchors_name(key) == f"person~{stem}.anchors.npy"


# Names of all kinds, and those that come near each other.
_FILES = st.one_of(
    st.text(min_size=1, max_size=300),
    st.text("ab-_. /~A\u00e9", min_size=1).map("{}.tflite".format),
    st.sampled_from(["x.tflite", "x", "X.tflite", "x.tflite.json.tflite", "x.labels.txt.tflite"]),
    st.sampled_from(
        ["\u9ed2.tflite", "ca7b8808.tflite", "cfacfd3e.tflite", "detect", "float", "int8"]
    ),
)


@given(
    st.lists(
        st.builds(
            ModelKey,
            st.sampled_from(["a", "a-b", "a~b", "x", "a-float"]),
            st.sampled_from(list(VARIANTS)),
            st.one_of(st.just(""), _FILES),
        ),
        # One form a given file.
        unique_by=lambda key: (key.model, key.file or key.variant, bool(key.file)),
    )
)
def test_given_files_and_variants_share_no_name(keys: list[ModelKey]) -> None:
    """Nor do their feeding facts, also where capitals are not told apart, and all fit in."""
    names = [name(key) for key in keys for name in (tflite_name, feeding_name)]
    given_files = [key for key in keys if key.file]
    names += [name(key) for key in given_files for name in (labels_name, anchors_name)]
    names += [labels_name(key) for key in {key.model: key for key in keys if not key.file}.values()]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"[\w][\w.~-]{0,254}", name, re.ASCII) for name in names)
