"""Command-line options, each parsed by a function that fails with one clear line.

PYTEST_DONT_REWRITE: `validation run` has imported this before pytest does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from validation.cluster.address import add_cluster_flags
from validation.coco.flags import add_labelled_image_flags
from validation.coco.found import is_file, is_folder
from validation.coco.record_files import matching_files
from validation.errors import ValidationError, did_you_mean
from validation.files.arguments import (
    parse_existing_file,
    parse_existing_folder,
    parse_file,
)
from validation.files.terminal import printable
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.metadata.class_labels import COCO_LABELS
from validation.plugin import baseline, given, share_options
from validation.signoff.exit_codes import Require
from validation.specs.input_stats import GUIDE_STATS, parse_input_stats
from validation.specs.variants import VARIANTS
from validation.workspace.groups import group_names
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.lockfile import LOCK_NAME


def parse_toml(text: str) -> Path:
    """A file that may be TOML; one that is evidently something else is called by its name."""
    path = parse_existing_file(text)
    try:
        require_kind(path, Wanted.TOML)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(printable(str(error))) from error
    return path


def parse_folder(text: str) -> Path:
    """A folder to write into; whether that can be done is tried when the session starts."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{error}: {text}") from error


def parse_variant(text: str) -> str:
    """One of the variants."""
    if text not in VARIANTS:
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(VARIANTS)}, got {text!r}; {did_you_mean(text, VARIANTS)}"
        )
    return text


def parse_label_map(text: str) -> str:
    """A file that exists, or the name of the list that has one."""
    return text if text == COCO_LABELS else str(parse_existing_file(text))


def parse_data_set(text: str) -> Path:
    """A file or folder that exists, or a pattern that files match."""
    path = Path(text).expanduser()
    if not is_file(path) and not is_folder(path) and not matching_files(path):
        raise argparse.ArgumentTypeError(f"no such file: {printable(text)}")
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, in one group."""
    group = parser.getgroup("validation", "SSD to TFLite validation")

    def add(*names: str, **declared: object) -> None:
        group.addoption(*names, **declared)
        # pytest knows no second spelling by itself; in its help one is enough.
        others = {f"--{name[2:].replace('-', '_')}" for name in names} - set(names)
        if others:
            dest = names[0].removeprefix("--").replace("-", "_")
            hidden = {**declared, "help": argparse.SUPPRESS, "dest": dest}
            group.addoption(*sorted(others), **hidden)

    add_options(add)


def add_options(add: Callable[..., object]) -> None:
    """Add each option by a function that takes what argparse's ``add_argument`` takes."""
    add(
        "--zoo",
        default=BUNDLED_GROUP,
        metavar="GROUP-or-FOLDER",
        help=f"models to test: {_groups()}, or a folder of zoo archives (default: {BUNDLED_GROUP})",
    )
    add(
        "--model",
        action="append",
        metavar="GLOB",
        help="only models whose name matches, may be repeated (default: *)",
    )
    add(
        "--variant",
        action="append",
        type=parse_variant,
        metavar="NAME",
        help=f"only this variant, may be repeated: {', '.join(VARIANTS)} (default: float, raw, "
        "float16, dynamic, and int8 where there are representative images; uint8 and uint8-raw "
        "of quantised models; float and raw of synthetic ones)",
    )
    given.add_options(add)
    add_labelled_image_flags(
        add,
        annotations=parse_data_set,
        images=parse_existing_folder,
        otherwise="the scenes that ship with the bundled models; else none, accuracy is UNKNOWN",
    )
    add(
        "--until-decided",
        action="store_true",
        help="look at 250, 500, 1,000 ... random labelled images, and stop where every file is "
        "decided, see docs/until-decided.md (default: judge on all images)",
    )
    add(
        "--representative-images",
        type=parse_existing_folder,
        metavar="DIR",
        help="images to calibrate int8 with (default: other scenes for the bundled models; else "
        "some labelled images, not scored then)",
    )
    add(
        "--canaries",
        type=parse_toml,
        metavar="FILE",
        help="your own images with one known object each: a TOML list, see docs/canaries.md "
        "(default: four photographs, or four scenes for the bundled models)",
    )
    add(
        "--input-stats",
        type=parse_input_stats,
        metavar="MEAN/STD",
        help="real values are (pixel - mean) / std: of uint8 variants, or with --reference of "
        f"given files; guide: {GUIDE_STATS} (default: the extractor's own preprocessing)",
    )
    add(
        "--policy",
        type=parse_toml,
        metavar="FILE",
        help="your own limits and settings, in the layout of policy.toml, laid over the built-in "
        "ones (default: the built-in ones alone)",
    )
    baseline.add_options(add)
    add(
        "--require",
        choices=tuple(Require),
        default=Require.WARN,
        help="the worst verdict that ends with exit code 0 (default: warn); FAIL ends with 1, "
        "UNKNOWN with 10",
    )
    add(
        "--label-map",
        type=parse_label_map,
        metavar="FILE-or-coco",
        help="class names: .pbtxt, one a line, numbered lines, CSV, JSON, data.yaml or a .tflite "
        "with labels; 'coco' means COCO's 90 ids (default: the archive's own)",
    )
    add(
        "--report-dir",
        type=parse_folder,
        default=Path("reports"),
        metavar="DIR",
        help="where each run's folder is made (default: reports)",
    )
    add(
        "--cache-dir",
        type=parse_folder,
        metavar="DIR",
        help="downloads and products (default: the user's cache)",
    )
    add(
        "--lock-file",
        type=parse_file,
        metavar="FILE",
        help="hashes of archives trusted on first download; new ones are added "
        f"(default: {LOCK_NAME} in the cache)",
    )
    share_options.add_options(add)
    add(
        "--latency-table",
        action="store_true",
        help="show pytest-benchmark's table of the samples as well (default: only with its own "
        "options for it, such as --benchmark-columns)",
    )
    add(
        "--pack",
        action="store_true",
        help="pack every file with its worst image for `validation replay` (default: only "
        "those with a check that failed)",
    )
    add_cluster_flags(add)
    add(
        "--one-process",
        action="store_true",
        help="one child process (default: two, where memory allows)",
    )
    add(
        "--no-isolation",
        action="store_true",
        help="checks run in pytest's own process, for a debugger; a crash "
        "ends it (default: only with --pdb or --trace)",
    )
    add(
        "--offline",
        action="store_true",
        help="never use the network (default: off)",
    )


def _groups() -> str:
    try:
        return ", ".join(group_names())
    except ValidationError:  # reported in full when the session starts
        return "a group of the catalogue"
