"""Paths and numbers that a user gives by an option, checked while the options are parsed."""

from __future__ import annotations

import argparse
from pathlib import Path

from validation.errors import ArtefactError
from validation.files.outside import special_file
from validation.files.targets import require_writable_folder
from validation.files.terminal import printable


def parse_count(text: str) -> int:
    """A whole number, 1 or more."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {printable(text)}")
    return count


def parse_existing_file(text: str) -> Path:
    """A file that exists."""
    path = Path(text).expanduser()
    if not path.is_file():
        fault = "a folder, not a file" if path.is_dir() else special_file(path) or "no such file"
        raise argparse.ArgumentTypeError(f"{fault}: {printable(text)}")
    return path


def parse_existing_folder(text: str) -> Path:
    """A folder that exists."""
    path = Path(text).expanduser()
    if not path.is_dir():
        fault = "a file, not a folder" if path.is_file() else "no such folder"
        raise argparse.ArgumentTypeError(f"{fault}: {printable(text)}")
    return path


def parse_path(text: str) -> Path:
    """A folder that exists or can be made."""
    path = Path(text).expanduser()
    if not _can_be_written(path):
        raise argparse.ArgumentTypeError(f"the folder cannot be written: {printable(text)}")
    return path


def _can_be_written(folder: Path) -> bool:
    """True for a folder that exists or can be made."""
    try:
        require_writable_folder(folder)
    except ArtefactError:
        return False
    return True


def parse_file(text: str) -> Path:
    """A file that exists or can be made."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"a folder, not a file: {text!r}")
    if not path.is_file() and not _can_be_written(path.parent):
        raise argparse.ArgumentTypeError(f"the file cannot be written: {printable(text)}")
    return path
