"""The work folder: products addressed by what they were made from.

A product's folder is named by the hash of everything that it depends on: input hashes,
options, versions and the code that makes it. A folder that exists was complete, and two
processes never make it twice. Beside its files lies what they were: a session compares it when it
first finds the product, and makes anew what a failing disk or another program has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from validation.errors import ArtefactError, ValidationError
from validation.files.atomic import atomic_folder, copy_atomic
from validation.files.digest import file_sha256
from validation.files.manifest import first_difference, listed, read_manifest, write_manifest
from validation.files.structured import read_json, write_json
from validation.files.temporaries import sweep
from validation.files.temporary import remove_folder, temporary_folder
from validation.isolation.activity import doing
from validation.isolation.board import Activity
from validation.preprocess.image import ImageFile
from validation.record.installed import installed_version
from validation.record.run import Stage, Step
from validation.workspace.memory import give_back, make_room
from validation.zoo.locks import held

_PACKAGE = Path(__file__).parents[1]
_MADE_FROM = "made_from.json"
_MANIFEST = "manifest.txt"
# Part of every address: products without a manifest are others.
_LAYOUT = 2
_FACTS = "facts.json"

_Facts = TypeVar("_Facts")


class ProductCache:
    """A folder of products, made at most once each.

    Args:
        root: Made if it is not there.
        on_step: Called with every step and its wall time, cached or not.
        brought: Folders of products that other machines made; a product of them is copied, not
            made.
    """

    def __init__(
        self, root: Path, on_step: Callable[[Step], None], brought: Sequence[Path] = ()
    ) -> None:
        self._root = root
        self._brought = tuple(brought)
        self._on_step = on_step
        self._reported: set[Path] = set()
        self._refused: dict[Path, ValidationError] = {}

    def product(
        self,
        model: str,
        stage: Stage,
        step: str,
        made_from: Mapping[str, object],
        make: Callable[[Path], None],
        *,
        file: Path | None = None,
    ) -> Path:
        """The folder of one product; made now if it is not there.

        Args:
            model: For the step's report.
            stage: That makes it; each has a sub-folder of its own.
            step: For the step's report.
            made_from: Everything the product depends on, as JSON types.
            make: Fills an empty folder; on an error nothing is kept.
            file: What native code is given, kept for a bug report where that ends the process.

        A product that is not as it was made is made again, and its step names the file.

        Raises:
            ArtefactError: The work folder cannot be written.
        """
        started = time.perf_counter()
        text = json.dumps(made_from, sort_keys=True)
        name = hashlib.sha256(f"{_LAYOUT} {text}".encode()).hexdigest()[:20]
        folder = self._root / stage / name
        if folder in self._reported:
            return folder
        if folder in self._refused:
            # Every check that needs the product fails alike; none makes the user wait again.
            # Without the trace of the last time: each would make the next one longer.
            raise self._refused[folder].with_traceback(None)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with held(folder.with_suffix(".lock"), f"{model}: {step}" if model else step):
                sweep(folder.parent)
                found = folder.is_dir()
                damaged = _damage(folder) if found else ""
                brought = None
                if not found or damaged:
                    brought = self._brought_here(folder.relative_to(self._root))
                    make_room(file)
                    with doing(Activity(step, str(folder), stage, str(file or ""))):
                        _fill(folder, text, make if brought is None else partial(_copy, brought))
        except ValidationError as error:
            self._refused[folder] = error
            raise
        except OSError as error:
            raise ArtefactError(
                "the work folder cannot be written",
                got=error.strerror or repr(error),
                where=error.filename or folder,
                next_step="choose another with --cache-dir",
            ) from error
        self._reported.add(folder)
        seconds = time.perf_counter() - started
        cached = (found and not damaged) or brought is not None
        self._on_step(Step(model, stage, step, seconds, cached, damaged=damaged))
        return folder

    def _brought_here(self, address: Path) -> Path | None:
        """A whole product of this address that another machine made; None without one."""
        there = (root / address for root in self._brought)
        return next((each for each in there if each.is_dir() and not _damage(each)), None)

    def facts(
        self,
        model: str,
        stage: Stage,
        step: str,
        made_from: Mapping[str, object],
        kind: type[_Facts],
        find: Callable[[Path], _Facts],
    ) -> _Facts:
        """A frozen dataclass as a product, kept as JSON; see `product`.

        ``find`` makes it, and may leave files in the folder that it is given.
        """

        def make(folder: Path) -> None:
            write_json(folder / _FACTS, find(folder))

        return read_json(self.product(model, stage, step, made_from, make) / _FACTS, kind)


def _fill(folder: Path, made_from: str, make: Callable[[Path], None]) -> None:
    try:
        # The caller has the lock.
        with atomic_folder(folder, replace=True) as scratch:
            make(scratch)
            (scratch / _MADE_FROM).write_text(made_from, encoding="utf-8")
            write_manifest(scratch / _MANIFEST, listed(scratch))
    finally:
        give_back()


def _copy(source: Path, folder: Path) -> None:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and str(name) not in (_MADE_FROM, _MANIFEST):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy_atomic(path, folder / name)


def _damage(folder: Path) -> str:
    """The first file of a product that is not as it was made; empty where all are."""
    files = read_manifest(folder / _MANIFEST)
    return _MANIFEST if files is None else first_difference(folder, files, (_MANIFEST,))


def folder_for(owner: object) -> Path:
    """A temporary folder that lasts as long as its owner."""
    folder = temporary_folder()
    weakref.finalize(owner, remove_folder, folder)
    return folder


@contextlib.contextmanager
def timed(model: str, stage: Stage, step: str, on_step: Callable[[Step], None]) -> Iterator[None]:
    """Report how long a block took that makes no product; nothing is reported if it fails."""
    started = time.perf_counter()
    yield
    on_step(Step(model, stage, step, time.perf_counter() - started, cached=False))


def image_sha256(image: ImageFile) -> str:
    """Hash of an image file's bytes; of one that is read turned, another one."""
    return file_sha256(image.path) + (" turned" if image.turned else "")


def file_hashes(folder: Path) -> dict[str, str]:
    """Hash of every file of a folder and of those below it, by its path there."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): file_sha256(each) for each in files}


@cache
def code_sha256(*rooms: str) -> str:
    """Hash of the code and tables of some rooms: a product of others is another product."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((_PACKAGE / room).rglob("*")):
            if path.suffix in (".py", ".toml", ".binpb"):
                digest.update(path.name.encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def makers(*rooms: str) -> dict[str, str]:
    """What makes a product besides its input: TensorFlow's version and the code of rooms."""
    return {"tensorflow": installed_version("tensorflow"), "code": code_sha256(*rooms)}
