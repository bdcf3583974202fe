"""Whatever an archive holds, unpacking writes its files or refuses, and nothing else happens."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_files import LimitFiles

from validation.errors import ArtefactError, UnsafeArchive
from validation.files.manifest import ListedFile
from validation.zoo.unpack import unpack_tar

_LIMIT = 2**20
_FEW = settings(max_examples=60, deadline=None)
_TYPES = [
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
]


def _member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.type = kind
    info.linkname = link
    # The old header's field ends at a NUL; only the extended header can carry one.
    info.pax_headers = {"path": name} if "\0" in name else {}
    return info, data


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _unpack(root: Path, data: bytes, limit: int = _LIMIT) -> tuple[ListedFile, ...]:
    archive, folder = root / "a.tar", root / "folder"
    archive.write_bytes(data)
    folder.mkdir()
    return unpack_tar(archive, folder, limit_bytes=limit)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


_ZOO = [
    _member("./", kind=tarfile.DIRTYPE),
    _member("./ssd/", kind=tarfile.DIRTYPE),
    _member("./ssd/frozen_inference_graph.pb", b"graph" * 300),
    _member("ssd/empty"),
    _member("ssd/saved_model/variables/" + "long" * 40, b"\0" * 700),
    _member("ssd/café.txt", b"x"),
]
_ZOO_FILES = {info.name.removeprefix("./"): data for info, data in _ZOO if info.isreg()}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_zoo_archive_is_unpacked(tmp_path: Path, compress: type[bytes]) -> None:
    """A .tar and a .tar.gz give the files with their contents, and their digests."""
    files = _unpack(tmp_path, compress(_tar(*_ZOO)))
    assert _contents(tmp_path / "folder") == _ZOO_FILES
    assert [file.name for file in files] == sorted(_ZOO_FILES)
    for file in files:
        data = _ZOO_FILES[file.name]
        assert (file.sha256, file.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_tar_of_no_members_is_unpacked_to_nothing(tmp_path: Path) -> None:
    """An archive that ends at once is whole, and empty."""
    assert _unpack(tmp_path, _tar()) == ()


_PARTS = st.sampled_from(
    ["..", ".", "", "a", "b", "c.pb", "C:", "c:x", "x\\y", "n\0l", "n\nl", "\u202e", "~", "é", "-"]
) | st.text(st.characters(codec="utf-8"), max_size=3)
_NAMES = st.lists(_PARTS, min_size=1, max_size=4).map("/".join).filter(bool)


@_FEW
@given(st.lists(st.tuples(_NAMES, st.sampled_from(_TYPES), _NAMES), min_size=1, max_size=4))
def test_nothing_lands_outside_for_any_names(members: list[tuple[str, bytes, str]]) -> None:
    """Random names, types and links end in files below the folder, or in an error."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        built = [_member(name, b"data", kind, link) for name, kind, link in members]
        for info, _ in built:
            info.size = 4 if info.isreg() else 0
        refused = False
        try:
            files = _unpack(root, _tar(*built))
        except ArtefactError as error:
            refused = True
            assert "\n" not in str(error)
        assert sorted(path.name for path in root.iterdir()) == ["a.tar", "folder"]
        inside = list((root / "folder").rglob("*"))
        assert not [path for path in inside if path.is_symlink()]
        assert all(path.is_dir() or path.is_file() for path in inside)
        parts = {part for name, _, _ in members for part in name.split("/")}
        if parts & {"..", "C:", "c:x", "x\\y", "n\0l", "n\nl", "\u202e"}:
            assert refused
        if not refused:
            assert {file.name for file in files} == set(_contents(root / "folder"))
            assert set(_contents(root / "folder").values()) <= {b"data"}


@_FEW
@given(st.lists(st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}", fullmatch=True), unique=True))
def test_plain_names_come_back(names: list[str]) -> None:
    """Archives of plain names that are not each other's folders unpack to what was packed."""
    names = [n for n in names if not any(other.startswith(f"{n}/") for other in names)]
    with tempfile.TemporaryDirectory() as root:
        _unpack(Path(root), _tar(*(_member(name, name.encode()) for name in names)))
        assert _contents(Path(root) / "folder") == {name: name.encode() for name in names}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/passwd", "unsafe member '/etc/passwd': an absolute path"),
        ("a/../../b", r"unsafe member 'a/\.\./\.\./b': a path with \.\."),
        ("..", r"a path with \.\."),
        ("a\\..\\b", "a backslash or drive letter"),
        ("C:/x", "a backslash or drive letter"),
        ("a/d:x", "a backslash or drive letter"),
        ("a\0b", r"unsafe member 'a\\x00b': a character that cannot be printed"),
        ("a\nb", "a character that cannot be printed"),
        ("./.", "a file without a name"),
    ],
)
def test_unsafe_name_is_refused_by_name(tmp_path: Path, name: str, message: str) -> None:
    """Each kind of name that could land elsewhere is refused, and named."""
    with pytest.raises(UnsafeArchive, match=message):
        _unpack(tmp_path, _tar(_member("first", b"1"), _member(name, b"2")))


def test_name_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 in a name are refused, not guessed at."""
    data = _tar(_member("abcd", b"2")).replace(b"abcd", b"a\xffcd", 1)
    block = bytearray(data[:512])
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(UnsafeArchive, match="a character that cannot be printed"):
        _unpack(tmp_path, bytes(block) + data[512:])


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    """Devices and pipes have no place in a model's archive."""
    with pytest.raises(UnsafeArchive, match="unsafe member 'dev': no file, folder or link"):
        _unpack(tmp_path, _tar(_member("dev", kind=kind)))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([_member("a", b"1"), _member("./a", b"2")], "'a': the name is there twice"),
        ([_member("a/b", b"1"), _member("a", b"2")], "'a': the name is there twice"),
        ([_member("a", b"1"), _member("a/b", b"2")], "'a': below 'a', which is a file"),
        ([_member("a", b"1"), _member("a", kind=tarfile.DIRTYPE)], "below 'a', which is a file"),
        (
            [_member("a", b"1"), _member("a", kind=tarfile.SYMTYPE, link="b"), _member("b")],
            "'a': the name is there twice",
        ),
        (
            [_member("a", kind=tarfile.SYMTYPE, link="b"), _member("b"), _member("a/c", b"1")],
            "below 'a', which is a file",
        ),
    ],
)
def test_name_taken_twice_is_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], message: str
) -> None:
    """No member overwrites another one or is written through it."""
    with pytest.raises(UnsafeArchive, match=message):
        _unpack(tmp_path, _tar(*members))


def test_links_inside_become_copies(tmp_path: Path) -> None:
    """Links to files of the archive, chained and forwards too, end as plain files."""
    link = tarfile.SYMTYPE
    files = _unpack(
        tmp_path,
        _tar(
            _member("ssd/first", kind=link, link="./sub/../second"),
            _member("ssd/second", kind=link, link="sub/real"),
            _member("ssd/sub/real", b"data"),
            _member("top", kind=tarfile.LNKTYPE, link="ssd/sub/real"),
            _member("ssd/sub/up", kind=link, link="../../top"),
        ),
    )
    names = ["ssd/first", "ssd/second", "ssd/sub/real", "ssd/sub/up", "top"]
    assert [file.name for file in files] == names
    assert _contents(tmp_path / "folder") == dict.fromkeys(names, b"data")
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    ("kind", "link", "message"),
    [
        (tarfile.SYMTYPE, "/etc/passwd", "'d/link': a link to the absolute path '/etc/passwd'"),
        (tarfile.SYMTYPE, "../../x", r"'d/link': a link out of the archive, to '\.\./\.\./x'"),
        (tarfile.LNKTYPE, "../x", r"a link out of the archive, to '\.\./x'"),
        (tarfile.SYMTYPE, "none", "a link to 'd/none', which is not a file of the archive"),
        (tarfile.SYMTYPE, ".", "a link to 'd', which is not a file of the archive"),
        (tarfile.SYMTYPE, "link", "a link to 'd/link', which is not a file"),
        (tarfile.SYMTYPE, "other", "a link to 'd/other', which is not a file"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, kind: bytes, link: str, message: str) -> None:
    """Links out, to folders, to nothing and in circles are refused, and named."""
    with pytest.raises(UnsafeArchive, match=message):
        _unpack(
            tmp_path,
            _tar(
                _member("d/link", kind=kind, link=link),
                _member("d/other", kind=tarfile.SYMTYPE, link="link"),
            ),
        )


def test_limit_is_exact(tmp_path: Path) -> None:
    """As many bytes as declared are written; one more is refused. Copies count as well."""
    data = _tar(_member("a", b"x" * 600), _member("b", kind=tarfile.SYMTYPE, link="a"))
    for limit, name in ((1200, "fits"), (1199, "copy"), (599, "file")):
        root = tmp_path / name
        root.mkdir()
        if name == "fits":
            _unpack(root, data, limit)
            continue
        with pytest.raises(UnsafeArchive, match=f"unpacks to more than {limit} bytes"):
            _unpack(root, data, limit)
        assert sum(map(len, _contents(root / "folder").values())) <= limit


def test_sparse_file_counts_by_what_is_written(tmp_path: Path) -> None:
    """A header that makes a gigabyte of a few bytes is stopped at the limit."""
    info, data = _member("GNUSparseFile.0/x", b"0\n".ljust(512, b"\0"))
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "x",
        "GNU.sparse.realsize": str(2**30),
    }
    with pytest.raises(UnsafeArchive, match="'x': unpacks to more than 1048576 bytes"):
        _unpack(tmp_path, _tar((info, data)))
    assert sum(map(len, _contents(tmp_path / "folder").values())) <= _LIMIT


def test_bomb_in_a_header_is_stopped(tmp_path: Path) -> None:
    """A header of many megabytes does not come through either, though no file is written."""
    info, data = _member("x", b"1")
    info.pax_headers = {"comment": "a" * (_LIMIT + 22 * 2**20)}
    with pytest.raises(UnsafeArchive, match="a header of the archive is too long"):
        _unpack(tmp_path, gzip.compress(_tar((info, data)), 1))
    assert _contents(tmp_path / "folder") == {}


def test_too_many_members_are_refused(tmp_path: Path, limit_files: LimitFiles) -> None:
    """Files without bytes are bounded by their number."""
    limit_files(archive_members=3)
    with pytest.raises(UnsafeArchive, match=r"too many members .*: expected 3 at most"):
        _unpack(tmp_path, _tar(*(_member(str(i)) for i in range(4))))


@_FEW
@given(st.booleans(), st.data())
def test_cut_archive_is_refused(packed: bool, data: st.DataObject) -> None:
    """An archive cut anywhere before its end mark is damaged, also between two members."""
    plain = _tar(*_ZOO)
    whole = gzip.compress(plain) if packed else plain
    most = len(whole) - 1 if packed else len(plain.rstrip(b"\0")) + 500
    block = data.draw(st.booleans())
    cut = data.draw(st.integers(0, most // 512)) * 512 if block else data.draw(st.integers(0, most))
    with (
        tempfile.TemporaryDirectory() as root,
        pytest.raises(ArtefactError, match=r"damaged or cut short|an empty file"),
    ):
        _unpack(Path(root), whole[:cut])


@_FEW
@given(st.booleans(), st.data())
def test_damaged_archive_never_fails_otherwise(packed: bool, data: st.DataObject) -> None:
    """Flipped bytes end in the archive's own error; behind a checksum nothing wrong comes out."""
    whole = bytearray(gzip.compress(_tar(*_ZOO)) if packed else _tar(*_ZOO))
    for place in data.draw(st.sets(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as root:
        try:
            _unpack(Path(root), bytes(whole))
        except ArtefactError:
            return
        if packed:
            assert _contents(Path(root) / "folder") == _ZOO_FILES


def test_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    """A member whose header is unreadable is an error, not the end of the archive."""
    data = bytearray(_tar(_member("a", b"1"), _member("b", b"2")))
    data[1024] ^= 1
    with pytest.raises(ArtefactError, match=r"damaged or cut.*no tar header at byte 1024"):
        _unpack(tmp_path, bytes(data))


@pytest.mark.parametrize("members", [1, 30])
def test_checksum_of_gzip_is_compared(tmp_path: Path, members: int) -> None:
    """The stream is read to its very end, where gzip keeps its checksum, behind the tar's end."""
    data = bytearray(gzip.compress(_tar(*(_member(str(i), b"x" * 600) for i in range(members)))))
    data[-8] ^= 1
    with pytest.raises(ArtefactError, match=r"damaged or cut short .*CRC check failed"):
        _unpack(tmp_path, bytes(data))


def test_bytes_behind_the_end_are_refused(tmp_path: Path) -> None:
    """Zeros may follow the end mark, data may not: it would be lost without a word."""
    data = _tar(_member("a", b"1"))
    _unpack(tmp_path, data + b"\0" * 30_000)
    (tmp_path / "second").mkdir()
    with pytest.raises(ArtefactError, match="no tar header at byte 1024"):
        _unpack(tmp_path / "second", data + b"\0" * 30_000 + _tar(_member("b", b"2")))


@pytest.mark.parametrize("data", [b"no archive" * 100, b"\x1f\x8bno gzip"])
def test_other_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    """What is no tar at all is told as a damaged archive."""
    with pytest.raises(ArtefactError, match=r"damaged or cut short \(.*a\.tar\).*fetch it again"):
        _unpack(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><title>Sign in</title>", "a web page with the title 'Sign in'"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
def test_what_is_known_to_be_another_file_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    """A tar file's name does not make a tar file."""
    with pytest.raises(ArtefactError, match=said):
        _unpack(tmp_path, data)


def test_name_too_long_for_the_file_system_is_said(tmp_path: Path) -> None:
    """What the file system refuses is told with its reason."""
    with pytest.raises(ArtefactError, match=r"cannot be unpacked .*File name too long"):
        _unpack(tmp_path, _tar(_member("a" * 300, b"1")))
