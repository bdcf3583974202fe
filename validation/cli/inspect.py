"""``python -m validation inspect``: what a model's file holds, and how to use it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from validation.cli.flags import Commands, add_parser, say
from validation.files.native_log import held_back
from validation.files.structured import unstructure
from validation.inspection.answer import as_text, needs_tensorflow, read_facts
from validation.inspection.kinds import kind_of

_EXAMPLE = "out/detect.tflite"


def add_command(commands: Commands) -> argparse.ArgumentParser:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "inspect",
        "tell what a model's file holds and how it is fed and read",
        "Tell of a .tflite, a graph, a checkpoint or a pipeline.config: inputs, outputs, "
        "preprocessing, post-processing, quantisation.",
        _EXAMPLE,
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=".tflite, .pb, .pbtxt, pipeline.config, or a checkpoint: its prefix, .index or .meta",
    )
    parser.add_argument(
        "--all", action="store_true", help="list every variable of a checkpoint (default: a few)"
    )
    parser.add_argument("--json", action="store_true", help="for programs: every fact, as JSON")
    parser.set_defaults(command=_inspect)
    return parser


def _inspect(options: argparse.Namespace) -> None:
    found = kind_of(options.file)
    if needs_tensorflow(found.kind):
        say("loading TensorFlow")
    with held_back():
        facts = read_facts(found)
    if options.json:
        print(json.dumps({"kind": found.kind.value, **unstructure(facts)}, indent=2))
    else:
        print(as_text(facts, everything=options.all))
