"""``python -m validation inspect``: what a model file holds, and how to use it."""

from __future__ import annotations

import argparse
from pathlib import Path

from validation.cli.flags import Commands, add_parser, say
from validation.cli.output import print_json
from validation.errors import ValidationError
from validation.files.native_log import held_back
from validation.files.structured import unstructure
from validation.inspection.answer import as_text, needs_tensorflow, read_facts
from validation.inspection.kinds import kind_of

_NEXT_STEP = "see where the file came from, and get or make it again"


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "inspect",
        "show what a model file holds, and how to feed and read it",
        "Describe a .tflite, a graph, a checkpoint or a pipeline.config: inputs, outputs, "
        "preprocessing, post-processing, quantisation.",
        "out/detect.tflite",
        _inspect,
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
    parser.add_argument("--json", action="store_true", help="print every fact as JSON")


def _inspect(options: argparse.Namespace) -> None:
    file = kind_of(options.file)
    if needs_tensorflow(file.kind):
        say("loading TensorFlow")
    try:
        with held_back():
            facts = read_facts(file)
    except ValidationError as error:
        # What is usual elsewhere is to inspect the file.
        error.next_step = error.next_step or _NEXT_STEP
        raise
    if options.json:
        print_json({"kind": file.kind.value, **unstructure(facts)})
    else:
        print(as_text(facts, everything=options.all))
