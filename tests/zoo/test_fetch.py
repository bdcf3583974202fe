"""Downloads are compared before they are kept, and failures are one clear line."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_server import Quiet, serving

from validation.errors import ArtefactMissing, DownloadFailed, IntegrityError
from validation.files.limits import file_limits, keep_to
from validation.zoo.cache import locked, source_path
from validation.zoo.entry import CatalogueEntry, HttpsSource, PypiSource
from validation.zoo.fetch import Fetched, fetch
from validation.zoo.integrity import Digest

_DATA = bytes(range(256)) * 64


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


class _Server:
    """Where the server is, and each request's path and accepted encoding."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str | None]] = []


@pytest.fixture
def server() -> Iterator[_Server]:
    """/whole gives the data, /cut half of what it promises, /other other bytes, /none nothing."""
    found = _Server()

    class Handler(Quiet, http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.requests.append((self.path, self.headers["Accept-Encoding"]))
            if self.path.startswith("/none"):
                self.send_error(404)
                return
            body = _DATA[::-1] if self.path.startswith("/other") else _DATA
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if self.path.startswith("/cut") else body)

    with serving(Handler) as url:
        found.url = url
        yield found


def _fetch(
    cache: Path,
    source: HttpsSource | PypiSource,
    *,
    digest: Digest | None = None,
    offline: bool = False,
) -> Fetched:
    digest = digest or _digest(_DATA)
    entry = CatalogueEntry("tiny", "group", source, digest, origin="a server")
    with locked(cache, digest.sha256, "the archive"):
        return fetch(
            entry,
            source,
            digest,
            cache,
            offline=offline,
            progress=True,
        )


def _kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "sources").iterdir())


_PYPI = PypiSource("some-package", "1.0", "some_package/graph.pb", "b" * 64, 1)
_WHEEL_FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: some-package\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}
_KEPT_WHEEL = f"{_digest(_DATA).sha256[:16]}-some_package-1.0.whl"


def _fake_pip(
    monkeypatch: pytest.MonkeyPatch,
    wheels: dict[str, bytes],
    returncode: int = 0,
    stdout: str = "",
    stderr: str = "",
) -> list[list[str]]:
    """Replace the run of pip; returns the list that its command lines go to."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        for name, data in wheels.items():
            (folder / name).write_bytes(data)
        return subprocess.CompletedProcess(command, returncode, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_http_download_is_kept_and_found_again(tmp_path: Path, server: _Server) -> None:
    """The first call downloads the bytes as stored, the second finds them, offline too."""
    source = HttpsSource(f"{server.url}/whole/tiny.tar.gz")
    path = _fetch(tmp_path, source).path
    assert path == source_path(tmp_path, _digest(_DATA).sha256, "tiny.tar.gz")
    assert path.read_bytes() == _DATA
    assert _fetch(tmp_path, source, offline=True) == Fetched(path)
    assert server.requests == [("/whole/tiny.tar.gz", "identity")]
    assert _kept(tmp_path) == [path.name]


def test_other_bytes_are_not_kept(tmp_path: Path, server: _Server) -> None:
    """A download that is not the expected file is refused, and nothing of it stays."""
    with pytest.raises(
        IntegrityError, match=r"download of tiny from a server is not the .*source has changed"
    ):
        _fetch(tmp_path, HttpsSource(f"{server.url}/other/tiny.tar.gz"))
    assert _kept(tmp_path) == []


def test_interrupted_transfer_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, server: _Server
) -> None:
    """Half a file is an error and not in the cache, so the next try starts anew."""
    with pytest.raises(DownloadFailed, match=r"the download failed .*/cut/tiny.*run again"):
        _fetch(tmp_path, HttpsSource(f"{server.url}/cut/tiny.tar.gz"))
    assert _kept(tmp_path) == []
    assert _fetch(tmp_path, HttpsSource(f"{server.url}/whole/tiny.tar.gz")).path.exists()


def test_missing_file_and_dead_server_are_download_failures(
    tmp_path: Path, server: _Server
) -> None:
    """A 404 and a server that is not there each say so in one line."""
    with pytest.raises(DownloadFailed, match="404 Client Error"):
        _fetch(tmp_path, HttpsSource(f"{server.url}/none/tiny.tar.gz"))
    with pytest.raises(DownloadFailed, match="the download failed") as caught:
        _fetch(tmp_path, HttpsSource("http://127.0.0.1:1/tiny.tar.gz"))
    assert "\n" not in str(caught.value)
    assert _kept(tmp_path) == []


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (False, False)])
def test_bar_is_shown_on_a_terminal_only(
    tmp_path: Path,
    server: _Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
    shown: bool,
) -> None:
    """The progress bar goes to stderr if that is a terminal, else nothing is printed."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    _fetch(tmp_path, HttpsSource(f"{server.url}/whole/tiny.tar.gz"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("100%" in captured.err) == shown
    assert shown or captured.err == ""


def test_offline_says_how_to_fill_the_cache(tmp_path: Path) -> None:
    """Offline and not in the cache is an error with the way out."""
    for source in (HttpsSource("http://127.0.0.1:1/tiny.tar.gz"), _PYPI):
        with pytest.raises(
            ArtefactMissing, match=r"tiny is not in the cache .*run once without --offline"
        ):
            _fetch(tmp_path, source, offline=True)


def test_pip_is_asked_for_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip of this Python gets the pinned version, without dependencies or builds, once."""
    commands = _fake_pip(monkeypatch, {"some_package-1.0-py3-none-any.whl": _DATA})
    path = _fetch(tmp_path, _PYPI).path
    assert path.read_bytes() == _DATA
    assert _fetch(tmp_path, _PYPI, offline=True).path == path
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "--no-input"} < set(command)
    assert command[-1] == "some-package==1.0"
    assert _kept(tmp_path) == [_KEPT_WHEEL]


def test_pip_writes_no_longer_file_than_a_download_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of any size would fill the disk before anybody could compare its hash."""
    wheel = tmp_path / "index" / "some_package-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in _WHEEL_FILES.items():
            archive.writestr(f"some_package-1.0.dist-info/{name}", text)
        archive.writestr("some_package/graph.pb", b"x" * 300_000)
    for name, value in (
        ("NO_INDEX", "1"),
        ("FIND_LINKS", str(wheel.parent)),
        ("CONFIG_FILE", os.devnull),
    ):
        monkeypatch.setenv(f"PIP_{name}", value)
    keep_to(dataclasses.replace(file_limits(), download_bytes=100_000))
    try:
        with pytest.raises(DownloadFailed, match=r"File too large.*download_bytes"):
            _fetch(tmp_path, _PYPI)
    finally:
        keep_to(None)
    assert _kept(tmp_path) == []
    with pytest.raises(IntegrityError):
        _fetch(tmp_path, _PYPI)


def test_other_wheel_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel with another hash is refused before anybody opens it, and goes."""
    _fake_pip(monkeypatch, {"some_package-1.0-py3-none-any.whl": _DATA + b"!"})
    with pytest.raises(IntegrityError, match=r"expected 16384 bytes .*got 16385 bytes"):
        _fetch(tmp_path, _PYPI)
    assert _kept(tmp_path) == []


@pytest.mark.parametrize(
    ("stdout", "stderr", "message"),
    [
        (
            "Looking in indexes: x\n",
            "ERROR: Could not find a version that satisfies the requirement\n"
            "ERROR: No matching distribution found for some-package==1.0\n\n"
            "[notice] A new release of pip is available\n",
            r"\(some-package==1.0\): got No matching distribution found for some-package==1.0; "
            r"check pip's index settings",
        ),
        (
            "",
            "WARNING: Retrying (Retry(total=0)) after connection broken\n"
            "ERROR: No matching distribution found for some-package==1.0\n",
            "could not download .* could not reach its index: check the network",
        ),
        ("", "/usr/bin/python3: No module named pip\n", "got /usr.* has no pip: run python -m ens"),
        ("", "Traceback\nOSError: broken\nWARNING: x\n", "got OSError: broken;"),
        ("", "", "got exit code 3"),
    ],
)
def test_failure_of_pip_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str, message: str
) -> None:
    """What pip says last and means goes into the error, its log does not."""
    _fake_pip(monkeypatch, {}, 3, stdout, stderr)
    with pytest.raises(DownloadFailed, match=message) as caught:
        _fetch(tmp_path, _PYPI)
    assert len(str(caught.value)) < 300
    assert _kept(tmp_path) == []


@pytest.mark.parametrize(
    ("wheels", "message"),
    [
        ({}, "did not leave one wheel .*got none"),
        ({"a.whl": b"", "b.whl": b""}, "got a.whl, b.whl"),
    ],
)
def test_pip_must_leave_one_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: dict[str, bytes], message: str
) -> None:
    """Success of pip without exactly one wheel is no success."""
    _fake_pip(monkeypatch, wheels)
    with pytest.raises(DownloadFailed, match=message):
        _fetch(tmp_path, _PYPI)


def test_pip_that_cannot_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that cannot be run again is a download failure as well."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(DownloadFailed, match="pip cannot be started"):
        _fetch(tmp_path, _PYPI)


def test_damaged_cached_file_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte changed by whatever, of the same length: the file is fetched anew, and said so."""
    _fake_pip(monkeypatch, {"w.whl": _DATA})
    path = _fetch(tmp_path, _PYPI).path
    for damaged in (_DATA[::-1], _DATA + b"!", b""):
        path.write_bytes(damaged)
        assert _fetch(tmp_path, _PYPI) == Fetched(path, path.name)
        assert path.read_bytes() == _DATA
        assert _fetch(tmp_path, _PYPI) == Fetched(path)


def test_damaged_cached_file_is_refused_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be fetched, the damage is named with the way out."""
    _fake_pip(monkeypatch, {"w.whl": _DATA})
    _fetch(tmp_path, _PYPI).path.write_bytes(_DATA[::-1])
    with pytest.raises(
        IntegrityError, match=r"cached file of tiny is not the .*run once without --offline"
    ):
        _fetch(tmp_path, _PYPI, offline=True)
