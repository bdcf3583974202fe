"""A file over HTTP: as it is stored, no longer than it may be, and never less safely than asked."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm

from validation.errors import DownloadFailed
from validation.zoo.entry import HttpsSource

# Without an answer for so long a server is taken to be gone.
_TIMEOUT_SECONDS = 60
_CHUNK_BYTES = 2**20


class TooLong(Exception):
    """The server sends more than was asked for; the message says how much."""


def http_download(source: HttpsSource, folder: Path, *, most: int, progress: bool) -> Path:
    """Download a file.

    Args:
        source: Where it is.
        folder: Where it is written, under its own name.
        most: Bytes that are taken at most.
        progress: Show a bar, if stderr is a terminal.

    Raises:
        TooLong: There are more bytes.
        DownloadFailed: No network, no such file, an interrupted transfer, or a server that
            redirects from https to http.
    """
    path = folder / source.filename
    try:
        with (
            _Session() as session,
            session.get(
                source.url,
                stream=True,
                timeout=_TIMEOUT_SECONDS,
                # The hash is of the file as it is stored.
                headers={"Accept-Encoding": "identity"},
            ) as response,
        ):
            response.raise_for_status()
            _receive(response, path, most, progress)
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        # Every error of requests is an OSError, and so is a full disk; a header that is no
        # number is a ValueError.
        raise DownloadFailed(
            "the download failed",
            got=error,
            where=source.url,
            next_step="check the network and run again; nothing of it was kept",
        ) from error
    return path


def _receive(response: requests.Response, path: Path, most: int, progress: bool) -> None:
    stated = response.headers.get("Content-Length")
    if stated is not None and int(stated) > most:
        raise TooLong(f"{int(stated)} bytes")
    received = 0
    with (
        path.open("xb") as file,
        tqdm(
            total=most if stated is None else int(stated),
            unit="B",
            unit_scale=True,
            disable=not (progress and sys.stderr.isatty()),
        ) as bar,
    ):
        # Whatever encoding a server declares, the bytes stay as they came: it may not even have
        # been asked, and a small answer can unfold to fill the disk.
        while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
            received += len(chunk)
            if received > most:
                raise TooLong(f"more than {most} bytes")
            file.write(chunk)
            bar.update(len(chunk))


class _Session(requests.Session):
    """Follows a server to another place, but not from https to http."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None or urlsplit(resp.url).scheme != "https":
            return target
        whole = urljoin(resp.url, target)
        if urlsplit(whole).scheme != "https":
            raise DownloadFailed(
                "the server redirects to an address that is not encrypted",
                expected="https",
                got=whole,
                where=resp.url,
                next_step="do not use it: anyone between could send another file",
            )
        return target
