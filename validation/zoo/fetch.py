"""Files from outside: downloaded, compared with the catalogue, only then in the cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pooch

from validation.errors import ArtefactMissing, DownloadFailed
from validation.files.outside import read_head
from validation.zoo.cache import scratch_folder, source_path
from validation.zoo.entry import CatalogueEntry, HttpsSource, PypiSource
from validation.zoo.integrity import Digest, Sha384Digest, digest_file, verify_file

# Smaller cached files are read through on every use: 0.3 s at most find a damaged disk or an
# edited file. Larger ones would make every start wait, so only their size is compared, and the
# sha256 once more before they are opened.
REHASH_BELOW_BYTES = 64 * 2**20

# Without an answer for so long a server is taken to be gone.
_TIMEOUT_SECONDS = 60
_CHUNK_BYTES = 2**20
# Of a download, to see whether it is a web page.
_HEAD_BYTES = 256


def fetch(
    entry: CatalogueEntry,
    source: HttpsSource | PypiSource,
    digest: Digest,
    cache_dir: Path,
    *,
    offline: bool,
    progress: bool,
    about_to_open: bool,
    pinned_by: str = "the catalogue",
) -> Path:
    """The file of an entry in the cache, downloaded if it is not there yet.

    Args:
        entry: The model.
        source: Where its file comes from.
        digest: What the file must be.
        cache_dir: The cache; its lock for this digest is held.
        offline: Download nothing.
        progress: Show a bar while downloading over HTTP, if stderr is a terminal.
        about_to_open: The file will be opened next, so its sha256 is compared in any case.
        pinned_by: Where ``digest`` stands, for the message when the file is another one.

    Returns:
        Path of a file that is the expected one.

    Raises:
        ArtefactMissing: Not in the cache, and offline.
        DownloadFailed: No network, no such file, or an interrupted transfer.
        IntegrityError: Downloaded or cached, the file is another one.
    """
    path = source_path(cache_dir, digest.sha256, source.filename)
    if path.exists():
        verify_file(
            path,
            digest,
            what=f"the cached file of {entry.name}",
            next_step="delete it and run again to fetch it again",
            size_only=not about_to_open and digest.size_bytes >= REHASH_BELOW_BYTES,
        )
        if about_to_open:
            _verify_published(entry, path)
        return path
    if offline:
        raise _not_in_cache(entry, path)
    with scratch_folder(path) as folder:
        if isinstance(source, PypiSource):
            downloaded = _pip_download(source, folder)
        else:
            downloaded = _http_download(source, folder, progress)
        _verify_download(entry, downloaded, digest, pinned_by)
        _verify_published(entry, downloaded)
        downloaded.replace(path)
    return path


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
        downloaded = _http_download(source, folder, progress)
        _refuse_web_page(downloaded, source)
        _verify_published(entry, downloaded)
        digest = digest_file(downloaded)
        downloaded.replace(source_path(cache_dir, digest.sha256, source.filename))
    return digest


def _verify_published(entry: CatalogueEntry, path: Path) -> None:
    """Compare the hash that the publisher gives in place of a sha256."""
    if isinstance(entry.digest, Sha384Digest):
        _verify_download(entry, path, entry.digest, "the catalogue")


def _verify_download(
    entry: CatalogueEntry, path: Path, digest: Digest | Sha384Digest, pinned_by: str
) -> None:
    verify_file(
        path,
        digest,
        what=f"the download of {entry.name} from {entry.origin or 'its source'}",
        next_step="run again; if it repeats, the source has changed: do not use it "
        f"before someone has compared it with {pinned_by}",
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


def _http_download(source: HttpsSource, folder: Path, progress: bool) -> Path:
    path = folder / source.filename
    # The hash is of the file as it is stored, so no encoding may be put around it on the way.
    download = pooch.HTTPDownloader(
        progressbar=progress and sys.stderr.isatty(),
        chunk_size=_CHUNK_BYTES,
        timeout=_TIMEOUT_SECONDS,
        headers={"Accept-Encoding": "identity"},
    )
    try:
        download(source.url, str(path), None)
    except (OSError, ValueError) as error:
        # Every error of requests is an OSError, and so is a full disk; a header that is no
        # number is a ValueError.
        raise DownloadFailed(
            "the download failed",
            got=error,
            where=source.url,
            next_step="check the network and run again; nothing of it was kept",
        ) from error
    return path


def _pip_download(source: PypiSource, folder: Path) -> Path:
    """The wheel, by pip and so by the user's own index, proxy and certificate settings."""
    requirement = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--dest", str(folder), requirement]
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
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
    last = (errors or other or [""])[-1]
    return last.removeprefix("ERROR:").strip()


def _pip_advice(output: str) -> str:
    if "No module named pip" in output:
        return "this Python has no pip: run python -m ensurepip"
    if "WARNING: Retrying" in output:
        return "pip could not reach its index: check the network and pip's settings"
    return "check pip's index settings (pip config list)"
