"""``python -m validation replay``: a failing case of a run, run again here."""

from __future__ import annotations

import argparse
from pathlib import Path

from validation.cli.flags import Commands, add_json, add_parser
from validation.cli.output import print_json, print_line
from validation.errors import UsageError, ValidationError
from validation.files.temporary import scratch
from validation.packs.reading import read_pack
from validation.packs.replaying import replay
from validation.packs.text import lines_of
from validation.workspace.surroundings import package_versions

_REPRODUCED, _ANOTHER = 0, 1


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "replay",
        "run a failing case of a run again",
        "Run the .tflite of a failing-case pack on its image with the LiteRT that is installed. "
        "Exit code 0: it still does what the run recorded; 1: it does something else; 2: the pack "
        "cannot be used. Neither TensorFlow nor the archive is needed.",
        "reports/2026-01-31T02-00-00Z-4711/packs/ssd_mobilenet_v2-int8.zip",
        _replay,
    )
    parser.add_argument(
        "pack", type=Path, metavar="PACK", help="a .zip of the folder packs/ of a run"
    )
    add_json(parser)


def _replay(options: argparse.Namespace) -> int:
    try:
        pack = read_pack(options.pack)
        with scratch() as folder:
            found = replay(pack, folder, package_versions())
    except ValidationError as error:
        # 1 is the answer of a pack that was run.
        error.exit_code = UsageError.exit_code
        raise
    if options.json:
        print_json(found)
    else:
        for line in lines_of(found):
            print_line(line)
    return _REPRODUCED if found.holds else _ANOTHER
