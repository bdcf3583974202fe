"""One entry of the catalogue: what a model is and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from validation.zoo.integrity import Digest


@dataclass(frozen=True)
class HttpsSource:
    """An archive behind a URL.

    Args:
        url: https or http; the sha256 of the entry makes either safe.
    """

    url: str

    @property
    def filename(self) -> str:
        """The last part of the URL's path."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


@dataclass(frozen=True)
class PypiSource:
    """One file inside a wheel of a package index.

    Args:
        package: Name of the package.
        version: The one version that has the wheel.
        member: Path of the file inside the wheel.
        member_digest: Size and sha256 of that file.
    """

    package: str
    version: str
    member: str
    member_digest: Digest

    @property
    def filename(self) -> str:
        """The name in the cache; the index may call the wheel otherwise."""
        return f"{self.package.replace('-', '_')}-{self.version}.whl"


@dataclass(frozen=True)
class FolderSource:
    """An archive on this machine: an unpacked folder, used in place, or a tar file.

    Args:
        path: Absolute path of the folder or of the tar file.
    """

    path: Path


Source = HttpsSource | PypiSource | FolderSource


@dataclass(frozen=True)
class CatalogueEntry:
    """A model under test, as the catalogue or a folder of archives names it.

    Args:
        name: Unique; the model's name in ids, records and reports.
        group: What ``--zoo`` selects; the folder's path for archives of a folder.
        source: Where the archive comes from.
        digest: Of the file that is fetched. None for a folder: computed when obtained.
        unpacked_bytes: Largest size of the unpacked archive. None: the default of `unpack`.
        licence: SPDX name, for the report.
        origin: Text or URL, for the report.
        labels: Class name of each label id; empty: the archive's own label map holds.
        description: One line.
    """

    name: str
    group: str
    source: Source
    digest: Digest | None = None
    unpacked_bytes: int | None = None
    licence: str = ""
    origin: str = ""
    labels: Mapping[int, str] = field(default_factory=dict, hash=False)
    description: str = ""
