"""Catalogue entries for the archives that lie in a folder of this machine."""

from __future__ import annotations

from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing, UsageError
from validation.files.guard import said
from validation.files.outside import special_file
from validation.zoo.entry import CatalogueEntry, FolderSource
from validation.zoo.layout import list_folder, looks_like_archive
from validation.zoo.quantised import looks_quantised

_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar")


def archives_at(path: Path) -> dict[str, Path]:
    """The archives at a path by the name of their model.

    An archive is a sub-folder that holds a model's files, a tar file, or the path itself.
    Where an archive lies both packed and unpacked the unpacked one is taken: somebody
    unpacked it to use it.

    Args:
        path: A folder, or one tar file.

    Returns:
        Sorted by name; empty if nothing is an archive. No archive is opened.

    Raises:
        ArtefactMissing: The folder cannot be listed.
        ArtefactError: A FIFO or a device.
        UsageError: Two archives would give models of the same name.
    """
    path = path.resolve()
    if special := special_file(path):
        raise ArtefactError("no archive", got=special, where=path)
    inside = (path,) if path.is_file() else list_folder(path)
    visible = [each for each in inside if not each.name.startswith(".")]
    folders = [each for each in visible if _is_archive_folder(each)]
    if path.is_dir() and looks_like_archive(path):
        folders.append(path)
    tars = [each for each in visible if is_packed(each)]
    archives = _by_name(tars, path) | _by_name(folders, path)
    return {name: archives[name] for name in sorted(archives)}


def _is_archive_folder(path: Path) -> bool:
    """True also for a folder that cannot be looked into: its check says so."""
    try:
        return path.is_dir() and looks_like_archive(path)
    except (ArtefactMissing, OSError):
        return True


def is_packed(path: Path) -> bool:
    """True for a file with the name of a tar archive, whatever it turns out to be."""
    return path.name.endswith(_TAR_SUFFIXES) and not path.is_dir()


def entry_of(name: str, path: Path, group: str) -> CatalogueEntry:
    """The entry of one archive of a folder.

    The archive is opened to see whether it is of the quantised kind, which takes a second for
    a large tar file: to be asked for the chosen models only.

    Returns:
        Without digest, which is computed when the archive is obtained. One that cannot be read
        has the reason as its problem, and fails when it is obtained.
    """
    quantised, problem = False, ""
    try:
        quantised = looks_quantised(path)
    except ArtefactError as error:
        problem = f"cannot be read: {error.got or error.what}"
    # Files come from anywhere: whatever one of them raises, the others are still listed.
    except Exception as error:
        problem = f"cannot be read: {said(error)}"
    return CatalogueEntry(
        name=name,
        group=group,
        source=FolderSource(path),
        quantised=quantised,
        origin=str(path),
        description="archive given by the user",
        problem=problem,
    )


def _by_name(paths: list[Path], where: Path) -> dict[str, Path]:
    by_name: dict[str, Path] = {}
    for path in paths:
        name = _model_name(path)
        if name in by_name:
            raise UsageError(
                f"two archives for the model {name!r}",
                got=f"{by_name[name]} and {path}",
                where=where,
                next_step="rename one of them",
            )
        by_name[name] = path
    return by_name


def _model_name(path: Path) -> str:
    suffixes = () if path.is_dir() else _TAR_SUFFIXES
    suffix = next((suffix for suffix in suffixes if path.name.endswith(suffix)), "")
    return path.name.removesuffix(suffix)
