"""One entry of the catalogue: what a model is and where it comes from."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NewType
from urllib.parse import unquote, urlsplit

from validation.files.structured import Positive
from validation.labels.label_list import LabelList
from validation.zoo.bundled_files import bundled_file
from validation.zoo.integrity import Digest, Sha384Digest

# What the publishers of models measured, by the names that the catalogue uses.
PUBLISHED_FIGURES: Mapping[str, str] = {
    "coco_map_minival": "mAP in percent, COCO 2014 minival",
    "coco_map_minival_fp32": "mAP in percent of the float model, COCO 2014 minival",
    "coco_map_minival_uint8": "mAP in percent of the quantised model, COCO 2014 minival",
    "coco_map_2017_uint8": "mAP in percent of the quantised model, COCO 2017",
    "coco_map_val2017_openvino": "mAP in percent, COCO val2017, converted to OpenVINO",
    "open_images_map50": "mAP in percent at IoU 0.5, Open Images v4",
    "speed_ms_titanx": "ms for a 600x600 image on a Titan X, with pre- and post-processing",
    "latency_ms_pixel1": "ms on a Pixel 1, CPU",
    "latency_ms_pixel4_dsp": "ms on a Pixel 4, DSP",
    "latency_ms_pixel4_edgetpu": "ms on a Pixel 4, Edge TPU",
    "latency_ms_pixel6_edgetpu": "ms on a Pixel 6, Edge TPU, without post-processing",
    "latency_ms_pixel6_edgetpu_and_cpu": "ms on a Pixel 6, Edge TPU, post-processing on the CPU",
}


_TAR = ".tar.gz"

PlainName = NewType("PlainName", str)
"""A text that can stand in a file name."""
RelativePath = NewType("RelativePath", str)
"""A path that leads nowhere but down."""
Sha256 = NewType("Sha256", str)
FileUrl = NewType("FileUrl", str)


@dataclass(frozen=True)
class HttpsSource:
    """An archive behind a URL.

    Args:
        url: https or http; its digest is in the catalogue or in the lock file.
    """

    url: FileUrl

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
        member_sha256: Of that file.
        member_size_bytes: Of that file.
    """

    package: PlainName
    version: PlainName
    member: RelativePath
    member_sha256: Sha256
    member_size_bytes: Positive

    @property
    def member_digest(self) -> Digest:
        """Size and sha256 of the file inside."""
        return Digest(self.member_sha256, self.member_size_bytes)

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


@dataclass(frozen=True)
class PackageSource:
    """A tar file that ships inside this package.

    Args:
        member: Path below the folder of `bundled_files`, with slashes.
    """

    member: RelativePath

    def path(self) -> Path:
        """Where the tar file lies.

        Raises:
            CatalogueError: The member leads out of the folder.
            ArtefactMissing: It is not there.
        """
        return bundled_file(self.member)


Source = HttpsSource | PypiSource | FolderSource | PackageSource


@dataclass(frozen=True)
class CatalogueEntry:
    """A model under test, as the catalogue or a folder of archives names it.

    Args:
        name: Unique; the model's name in ids, records and reports.
        group: What ``--zoo`` selects; the folder's path for archives of a folder.
        source: Where the archive comes from.
        digest: Of the file that is fetched. None for a folder: computed when obtained.
        trust_first_download: No hash is published: later downloads must equal the first one,
            see `lockfile`.
        subfolder: Of the archive, where that holds several models; empty: the only one.
        unpacked_bytes: Largest size of the unpacked archive. None: the default of `unpack`.
        quantised: It was trained with quantisation: its graph holds FakeQuant nodes.
        pipeline_config: For an archive that has none; the archive's own goes before it.
        licence: SPDX name, for the report.
        origin: Text or URL, for the report.
        labels: Of its classes; None: the archive's own label map holds.
        description: One line.
        published: What the model's publisher measured, by the names of `PUBLISHED_FIGURES`.
        traps: What is odd about this archive, for the report; one sentence each.
        problem: Why the archive of a folder cannot be read; empty where it can.
    """

    name: str
    group: str
    source: Source
    digest: Digest | Sha384Digest | None = None
    trust_first_download: bool = False
    subfolder: str = ""
    unpacked_bytes: int | None = None
    quantised: bool = False
    pipeline_config: Path | None = None
    licence: str = ""
    origin: str = ""
    labels: LabelList | None = None
    description: str = ""
    published: Mapping[str, float] = field(default_factory=dict, hash=False)
    traps: tuple[str, ...] = ()
    problem: str = ""

    @property
    def archive_name(self) -> str:
        """What the zoo's page calls the archive, without .tar.gz; empty where it has no URL."""
        if not isinstance(self.source, HttpsSource):
            return ""
        return self.source.filename.removesuffix(_TAR)

    def is_called(self, pattern: str) -> bool:
        """True for a shell pattern that fits its name, and for the whole name of its archive."""
        archive = self.archive_name
        return fnmatch.fnmatchcase(self.name, pattern) or (
            archive != "" and archive == pattern.removesuffix(_TAR)
        )
