"""The lock file keeps every download's first digest, and is never half written or half read."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ArtefactError, CatalogueError, IntegrityError
from validation.zoo.integrity import Digest
from validation.zoo.lockfile import check_lock_file, note_digest, noted_digest

_URL = "http://files.example/ssd_tiny.tar.gz"
_DIGEST = Digest("a" * 64, 5)
_DIGESTS = st.builds(
    Digest, st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 2**40)
)


def test_without_a_lock_file_nothing_is_known(tmp_path: Path) -> None:
    """A lock file that is not there says nothing, and asking does not make one."""
    assert noted_digest(tmp_path / "lock.json", _URL) is None
    check_lock_file(tmp_path / "lock.json")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.text(max_size=8), _DIGESTS, max_size=4))
def test_what_is_noted_is_found(
    tmp_path_factory: pytest.TempPathFactory, digests: dict[str, Digest]
) -> None:
    """Every digest comes back, in whatever order they were noted, and so does the same file."""
    written = set()
    for order in (list(digests), list(reversed(digests))):
        lock_file = tmp_path_factory.mktemp("lock") / "new" / "folder" / "lock.json"
        for url in order:
            note_digest(lock_file, url, digests[url])
        assert {url: noted_digest(lock_file, url) for url in digests} == digests
        assert noted_digest(lock_file, "another") is digests.get("another")
        written.add(lock_file.read_bytes() if digests else b"")
    assert len(written) == 1


def test_first_note_holds(tmp_path: Path) -> None:
    """Noting the same again is harmless; another digest is refused with both and the file."""
    lock_file = tmp_path / "lock.json"
    note_digest(lock_file, _URL, _DIGEST)
    note_digest(lock_file, _URL, _DIGEST)
    with pytest.raises(
        IntegrityError, match=rf"download of {_URL} is not .*lock\.json.*aaaa, got 5 .*bbbb; "
    ):
        note_digest(lock_file, _URL, Digest("b" * 64, 5))
    assert noted_digest(lock_file, _URL) == _DIGEST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"expected JSON, got Expecting"),
        ("\xff", r"expected JSON, got .*utf-8"),
        ("[" * 100_000, "expected JSON"),
        ("[1]", "expected version 1, got list"),
        ('{"version": 2, "downloads": {}}', "expected version 1, got 2; restore it"),
        ('{"version": 1}', "the key 'downloads' is missing"),
        ('{"version": 1, "downloads": []}', "downloads is wrong: expected a table"),
        ('{"version": 1, "downloads": {}, "more": 1}', "unknown key 'more'"),
        ('{"version": 1, "downloads": {"u": 3}}', "downloads u is wrong: expected a table, got 3"),
        (
            json.dumps({"version": 1, "downloads": {"u": {"sha256": "a" * 64}}}),
            "the key 'size_bytes' is missing .downloads u",
        ),
        (
            json.dumps({"version": 1, "downloads": {"u": {"sha256": "A" * 64, "size_bytes": 1}}}),
            "sha256 is wrong .downloads u.*lower-case",
        ),
        (
            json.dumps(
                {"version": 1, "downloads": {"u": {"sha256": "a" * 64, "size_bytes": True}}}
            ),
            "size_bytes is wrong .*0 or more, got True",
        ),
        (
            json.dumps({"version": 1, "downloads": {"u": {"sha256": "a" * 64, "size_bytes": -1}}}),
            "size_bytes is wrong .*got -1",
        ),
    ],
)
def test_damaged_lock_file_is_not_taken_for_an_empty_one(
    tmp_path: Path, text: str, message: str
) -> None:
    """What cannot be read is an error when read and when written, and is left as it is."""
    lock_file = tmp_path / "lock.json"
    lock_file.write_text(text, encoding="latin-1")
    with pytest.raises(CatalogueError, match=f"lock file cannot be read .*{message}"):
        noted_digest(lock_file, _URL)
    with pytest.raises(CatalogueError, match=f"lock file cannot be read .*{message}"):
        check_lock_file(lock_file)
    with pytest.raises(CatalogueError, match="lock file cannot be read"):
        note_digest(lock_file, _URL, _DIGEST)
    assert lock_file.read_text(encoding="latin-1") == text


def test_lock_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A place that takes no file is an error of the harness's own."""
    (tmp_path / "taken").touch()
    with pytest.raises(ArtefactError, match=r"lock file cannot be written .*taken.*; name one in"):
        note_digest(tmp_path / "taken" / "lock.json", _URL, _DIGEST)


def test_crash_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced as a whole or not at all."""
    lock_file = tmp_path / "lock.json"
    note_digest(lock_file, _URL, _DIGEST)

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(ArtefactError, match=r"cannot be written .*No space left"):
            note_digest(lock_file, "http://files.example/other", _DIGEST)
    assert noted_digest(lock_file, _URL) == _DIGEST
    assert noted_digest(lock_file, "http://files.example/other") is None


def test_notes_made_at_once_are_all_kept(tmp_path: Path) -> None:
    """Several downloads that end together do not overwrite each other's notes."""
    lock_file = tmp_path / "lock.json"
    urls = [f"http://files.example/{number}" for number in range(8)]
    threads = [threading.Thread(target=note_digest, args=(lock_file, url, _DIGEST)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [noted_digest(lock_file, url) for url in urls] == [_DIGEST] * 8
