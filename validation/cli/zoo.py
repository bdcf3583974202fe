"""``python -m validation zoo``: list models, fetch them, show what is in them."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from validation.cli.flags import Commands, add_json, add_parser, say
from validation.cli.output import print_error_line, print_json, print_line
from validation.errors import ArtefactError, UsageError, ValidationError, did_you_mean, first_few
from validation.files.arguments import parse_file, parse_path
from validation.files.atomic import atomic_folder
from validation.files.manifest import first_difference, listed
from validation.files.native_log import held_back
from validation.files.targets import ANOTHER
from validation.inspection.of_archive import ArchiveFacts, archive_facts, entry_facts
from validation.inspection.text_of_archive import ModelRow, text_of_archive, text_of_models
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.record.damage import damage_lines, damage_notice
from validation.record.run import Step
from validation.workspace.groups import chosen_models, every_model, named_models
from validation.workspace.products import ProductCache
from validation.workspace.synthetic import GROUP, synthetic_archive
from validation.zoo.archives import Archive, obtain
from validation.zoo.cache import default_cache_dir
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import CatalogueEntry
from validation.zoo.folders import archives_at, entry_of, is_packed
from validation.zoo.layout import find_model_files
from validation.zoo.lockfile import LOCK_NAME, check_lock_file
from validation.zoo.presence import Presence, download_bytes, presence
from validation.zoo.refusals import refuse


def add_command(commands: Commands) -> None:
    """Declare the command and its own commands; each has its function as ``command``."""
    parser = add_parser(
        commands,
        "zoo",
        "list models, fetch them, show what is in an archive",
        "The models of the catalogue, and archives of your own.",
        "list",
    )
    own = parser.add_subparsers(required=True, metavar="COMMAND")

    parser = add_parser(
        own,
        "list",
        "every model by name",
        "List the models of a group, of a folder, or of all groups.",
        "--zoo tf1",
        _list,
    )
    _add_zoo(parser, "default: all groups")
    _add_cache(parser)
    parser.add_argument("--json", action="store_true", help="print the list as JSON")

    parser = add_parser(
        own,
        "fetch",
        "download archives",
        "Fetch, verify and unpack archives; print the folder of each. A download that fails does "
        "not stop the others.",
        "ssdlite_mobilenet_v2_person",
        _fetch,
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="names, or patterns such as 'ssd_mobilenet_*'"
    )
    _add_zoo(parser, "default: the catalogue; synthetic models are built, which needs TensorFlow")
    _add_cache(parser)
    parser.add_argument(
        "--offline", action="store_true", help="never use the network: only what is cached"
    )
    parser.add_argument(
        "--output_directory",
        type=parse_path,
        metavar="DIR",
        help="copy each model's folder there (default: it stays in the cache; do not change it)",
    )
    add_json(parser)

    parser = add_parser(
        own,
        "show",
        "what is in an archive, and the way from it to a .tflite",
        "Show what an archive holds, which routes it allows, and what is known of its model.",
        "ssd_mobilenet_v1",
        _show,
    )
    parser.add_argument(
        "archive", metavar="ARCHIVE", help="a model of the catalogue, a folder, or a .tar.gz"
    )
    _add_cache(parser)
    parser.add_argument("--json", action="store_true", help="print every fact as JSON")


def _add_zoo(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--zoo",
        metavar="GROUP-or-FOLDER",
        help=f"a group of the catalogue, {GROUP}, or a folder of archives ({default})",
    )


def _add_cache(parser: argparse.ArgumentParser) -> None:
    """By the names that the suites use, and with underscores as in the other commands."""
    parser.add_argument(
        "--cache_dir",
        "--cache-dir",
        type=parse_path,
        metavar="DIR",
        help="downloads and unpacked archives (default: the user's cache folder)",
    )
    parser.add_argument(
        "--lock_file",
        "--lock-file",
        type=parse_file,
        metavar="FILE",
        help=f"hashes of archives trusted on first download (default: {LOCK_NAME} in the cache)",
    )


def _cache(options: argparse.Namespace) -> Path:
    if options.lock_file is not None:
        check_lock_file(options.lock_file)
    cache: Path = options.cache_dir or default_cache_dir()
    return cache


def _list(options: argparse.Namespace) -> None:
    cache = _cache(options)
    entries = every_model() if options.zoo is None else chosen_models(options.zoo)
    rows = [
        ModelRow(
            entry.name,
            entry.group,
            download_bytes(entry),
            entry.quantised,
            entry.licence,
            entry.published,
            "built on demand"
            if entry.group == GROUP
            else entry.problem or presence(entry, cache, options.lock_file).value,
            entry.description,
        )
        for entry in entries
    ]
    if options.json:
        print_json(rows)
    else:
        print(text_of_models(rows))


def _fetch(options: argparse.Namespace) -> int:
    cache = _cache(options)
    failed: list[str] = []
    folders: dict[str, Path] = {}
    for entry in named_models(options.models, options.zoo):
        say(f"{'making' if entry.group == GROUP else 'fetching'} {entry.name}")
        try:
            archive = _obtained(entry, cache, options)
            _say_damage_of(archive)
            folder = find_model_files(archive.root, archive.entry.subfolder).folder
            if options.output_directory is not None:
                folder = _copied(folder, options.output_directory / entry.name)
        except ValidationError as error:
            if options.debug:
                raise
            failed.append(entry.name)
            print_error_line(error)
            continue
        folders[entry.name] = folder
        if not options.json:
            print_line(folder, flush=True)
    if failed:
        say(f"{len(failed)} not fetched: {first_few(failed)}")
    if options.json:
        print_json(
            {"folders": {name: str(path) for name, path in folders.items()}, "failed": failed}
        )
    return 1 if failed else 0


def _copied(folder: Path, target: Path) -> Path:
    """A complete copy or none, which never replaces anything; a same one is used as it is."""
    try:
        if target.is_dir() and any(target.iterdir()):
            return _same(folder, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_folder(target) as scratch:
                shutil.copytree(folder, scratch, dirs_exist_ok=True)
        except ArtefactError:
            # Another process may have fetched the same meanwhile.
            return _same(folder, target)
    except OSError as error:
        raise ArtefactError(
            "the folder cannot be made",
            got=error.strerror or error,
            where=target,
            next_step=ANOTHER,
        ) from error
    return target


def _same(folder: Path, target: Path) -> Path:
    """The target, if it holds the same files.

    Raises:
        ArtefactError: It holds others, or is no folder.
    """
    other = first_difference(target, listed(folder)) if target.is_dir() else target.name
    if other:
        raise ArtefactError(
            "the target exists already, with other files",
            expected="the same files, an empty folder or nothing",
            got=f"another {other}",
            where=target,
            next_step="remove it, or name another --output_directory",
        )
    say(f"{target} holds these files already")
    return target


def _obtained(entry: CatalogueEntry, cache: Path, options: argparse.Namespace) -> Archive:
    if entry.group == GROUP:
        with held_back():
            return synthetic_archive(entry, ProductCache(cache / "work", _say_damage), cache)
    return obtain(entry, cache, offline=options.offline, lock_file=options.lock_file)


def _say_damage_of(archive: Archive) -> None:
    if archive.damaged:
        say(damage_notice(archive.entry.name, "fetch", archive.damaged))


def _say_damage(step: Step) -> None:
    for line in damage_lines([step]):
        say(line)


def _show(options: argparse.Namespace) -> None:
    facts = _facts(options.archive, _cache(options), options.lock_file)
    if options.json:
        print_json(facts)
    else:
        print(text_of_archive(facts))


def _facts(name: str, cache: Path, lock_file: Path | None) -> ArchiveFacts:
    entry = _entry(name)
    present = presence(entry, cache, lock_file)
    if present is Presence.ABSENT and entry in load_catalogue().entries:
        refuse(entry.name)
        return entry_facts(entry, present.value)
    archive = obtain(entry, cache, offline=True, lock_file=lock_file)
    _say_damage_of(archive)
    return archive_facts(archive, present.value)


def _entry(name: str) -> CatalogueEntry:
    """A catalogue name wins over a folder (type ``./name``), a folder over an archive's name."""
    known = {entry.name: entry for entry in load_catalogue().entries}
    if name in known:
        return known[name]
    path = Path(name).expanduser()
    called = [entry for entry in known.values() if entry.is_called(name)]
    if called and not path.exists():
        if len(called) > 1:
            raise UsageError(
                f"{len(called)} models are called {name!r}",
                expected=first_few(entry.name for entry in called),
            )
        return called[0]
    refuse(name)
    if not path.exists():
        raise UsageError(
            f"no model and no archive {name!r}",
            expected="a model of the catalogue, a folder, or a .tar.gz",
            next_step=None if "/" in name else did_you_mean(name, known),
        )
    archives = {} if path.is_file() and not is_packed(path) else archives_at(path)
    if not archives:
        require_kind(path, Wanted.ARCHIVE, UsageError)
    if len(archives) != 1:
        raise UsageError(
            "no archive found" if not archives else f"{len(archives)} archives in one folder",
            expected="one model's folder, or one .tar.gz",
            got=first_few(archives) if archives else None,
            where=path,
            next_step=f"python -m validation zoo list --zoo {path}" if archives else None,
        )
    ((model, folder),) = archives.items()
    return entry_of(model, folder, str(folder))
