"""A download is what is stored at its address, no longer than it may be, and stays encrypted."""

from __future__ import annotations

import gzip
import http.server
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from local_server import Quiet, serving

from validation.errors import DownloadFailed
from validation.zoo.download import TooLong, _Session, http_download
from validation.zoo.entry import HttpsSource

_STORED = gzip.compress(bytes(1_000_000))


class _Handler(Quiet, http.server.BaseHTTPRequestHandler):
    """/encoded declares gzip, /endless states no length, /long a long one, /redirect leads on."""

    def do_GET(self) -> None:
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/encoded/f.gz")
            self.end_headers()
            return
        self.send_response(200)
        if self.path.startswith("/encoded"):
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(_STORED)))
        elif self.path.startswith("/long"):
            self.send_header("Content-Length", str(10**12))
        self.end_headers()
        try:
            self.wfile.write(_STORED)
            while self.path.startswith("/endless"):
                self.wfile.write(bytes(2**16))
        except OSError:  # the reader has gone
            pass


@pytest.fixture
def url() -> Iterator[str]:
    """Where the server is."""
    with serving(_Handler) as address:
        yield address


def _get(address: str, folder: Path, most: int = 10**6) -> bytes:
    return http_download(HttpsSource(address), folder, most=most, progress=False).read_bytes()


@pytest.mark.parametrize("path", ["encoded", "redirect"])
def test_bytes_stay_as_they_are_stored(url: str, tmp_path: Path, path: str) -> None:
    """A declared encoding is not undone: the hash is of the file, and 1 kB may unfold to 1 MB."""
    assert _get(f"{url}/{path}/f.gz", tmp_path) == _STORED


def test_exact_size_is_not_too_long(url: str, tmp_path: Path) -> None:
    """The last byte may come."""
    assert _get(f"{url}/encoded/f.gz", tmp_path, len(_STORED)) == _STORED


@pytest.mark.parametrize(
    ("path", "said"), [("endless", "more than 5000000 bytes"), ("long", "1000000000000 bytes")]
)
def test_what_is_too_long_is_cut_off(url: str, tmp_path: Path, path: str, said: str) -> None:
    """By what is received, and by what is announced."""
    with pytest.raises(TooLong, match=said):
        _get(f"{url}/{path}/f.gz", tmp_path, 5_000_000)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5_000_000


@pytest.mark.parametrize(
    ("at", "target", "refused"),
    [
        ("https://a/f", "http://b/f", True),
        ("https://a/f", "HTTP://a/f", True),
        ("https://a/f", "ftp://a/f", True),
        ("https://a/f", "https://b/f", False),
        ("https://a/f", "/g", False),
        ("https://a/f", "//b/g", False),
        ("http://a/f", "http://b/f", False),
        ("http://a/f", "https://b/f", False),
    ],
)
def test_no_server_leads_from_https_to_http(at: str, target: str, refused: bool) -> None:
    """Anybody on the way could put another file in its place; of a first download nobody knows."""
    response = requests.Response()
    response.url, response.status_code = at, 302
    response.headers["location"] = target
    session = _Session()
    if refused:
        with pytest.raises(DownloadFailed, match=r"not encrypted .*expected https"):
            session.get_redirect_target(response)
    else:
        assert session.get_redirect_target(response) == target
