"""One comparison decides whether a file is the expected one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ArtefactMissing, IntegrityError
from validation.zoo.integrity import (
    Digest,
    Sha384Digest,
    digest_file,
    digest_files,
    sha384_file,
    verify,
    verify_file,
)


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


def test_digest_is_size_and_sha256(tmp_path: Path) -> None:
    """A file's digest is what hashlib and its length say."""
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert digest_file(path) == _digest(b"abc")
    verify_file(path, _digest(b"abc"), what="it", next_step="-")


def test_published_sha384_is_compared(tmp_path: Path) -> None:
    """Where the expected digest is a sha384, so is the one that is computed."""
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    expected = Sha384Digest(hashlib.sha384(b"abc").hexdigest(), 3)
    assert sha384_file(path) == expected
    verify_file(path, expected, what="it", next_step="-")
    for wrong in (Sha384Digest("0" * 96, 3), Sha384Digest(expected.sha384, 4)):
        with pytest.raises(IntegrityError, match=r"expected \d bytes with sha384 .*got 3 bytes"):
            verify_file(path, wrong, what="it", next_step="-")
    with pytest.raises(IntegrityError, match=r"expected 3 bytes with sha384 .*with sha256"):
        verify(digest_file(path), expected, what="it", where=path, next_step="-")


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_only_equal_digests_pass(left: bytes, right: bytes) -> None:
    """Two contents pass exactly when they are equal; the error shows both."""
    got, expected = _digest(left), _digest(right)
    if left == right:
        verify(got, expected, what="the file", where=Path("f"), next_step="fetch again")
        return
    message = (
        rf"the file is not the expected file \(f\): expected {len(right)} bytes with sha256 "
        rf"{expected.sha256}, got {len(left)} bytes with sha256 {got.sha256}; fetch again$"
    )
    with pytest.raises(IntegrityError, match=message):
        verify(got, expected, what="the file", where=Path("f"), next_step="fetch again")


def test_file_of_other_bytes_or_another_length_is_refused(tmp_path: Path) -> None:
    """Whatever its size, it is read."""
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    verify_file(path, _digest(b"abc"), what="it", next_step="-")
    with pytest.raises(IntegrityError, match=r"expected 3 bytes .*got 3 bytes"):
        verify_file(path, _digest(b"xyz"), what="it", next_step="-")
    with pytest.raises(IntegrityError, match=r"expected 4 bytes .*got 3 bytes"):
        verify_file(path, _digest(b"wxyz"), what="it", next_step="-")


def test_missing_file_is_said_with_advice(tmp_path: Path) -> None:
    """A file that is not there is not compared, and the advice goes with the error."""
    with pytest.raises(ArtefactMissing, match=r"cannot be read .*none.*No such file.*; look"):
        verify_file(tmp_path / "none", _digest(b""), what="it", next_step="look")


def test_digest_of_files_knows_names_and_contents(tmp_path: Path) -> None:
    """Renaming, changing or dropping a file changes the digest; order and place do not."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name, data in (("a", b"1"), ("b", b"22")):
            (tmp_path / folder / name).write_bytes(data)
    one, two = tmp_path / "one", tmp_path / "two"
    whole = digest_files(one, [one / "a", one / "b"])
    assert whole.size_bytes == 3
    assert digest_files(two, [two / "b", two / "a", two / "a"]) == whole
    assert digest_files(one, [one / "a"]) != whole
    (two / "b").write_bytes(b"23")
    assert digest_files(two, [two / "a", two / "b"]) != whole
    (two / "b").write_bytes(b"22")
    (two / "b").rename(two / "c")
    assert digest_files(two, [two / "a", two / "c"]) != whole
