"""``python -m validation visualize``: a picture of a .tflite file or of a TensorFlow graph."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from validation.cli.flags import Commands, add_json, add_parser, say
from validation.cli.output import lines_beside, print_json, print_line, written
from validation.diagrams.dot import dot_text
from validation.diagrams.drawing import drawn
from validation.diagrams.folding import fold
from validation.diagrams.graphviz import (
    DRAWN_SUFFIXES,
    TEXT_SUFFIXES,
    require_drawable,
    write_picture,
)
from validation.diagrams.of_graph_def import graph_def_operations
from validation.diagrams.of_tflite import tflite_operations
from validation.diagrams.operations import OperationGraph
from validation.errors import GraphError, UsageError
from validation.files.native_log import held_back
from validation.files.targets import require_writable, written_bytes
from validation.inspection.kinds import GRAPH_FORMS, kind_of
from validation.kinds.kind import Kind, Wanted


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "visualize",
        "draw a .tflite file or a TensorFlow graph",
        "Draw a model as Graphviz DOT, or by Graphviz's program dot as SVG, PDF or PNG.",
        "out/detect.tflite --output_file=detect.svg",
        _visualize,
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=".tflite, or a GraphDef: tflite_graph.pb, frozen_inference_graph.pb, .pbtxt, .meta",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="PICTURE",
        help=f"the suffix says what is written: {', '.join(TEXT_SUFFIXES)}; "
        f"{', '.join(DRAWN_SUFFIXES)} by the program dot of Graphviz (default: FILE's name "
        f"with {TEXT_SUFFIXES[0]}, in the current folder)",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="draw each operation (default: one node for each block or scope)",
    )
    add_json(parser)


def _visualize(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    source: Path = options.file
    target: Path = options.output_file or Path(source.with_suffix(TEXT_SUFFIXES[0]).name)
    # Refused before TensorFlow is loaded, which takes seconds.
    require_drawable(target)
    require_writable(target)
    kind = kind_of(source, Wanted.DRAWN).kind
    if target.exists() and target.samefile(source):
        raise UsageError("the picture would replace the model", where=target)
    graph = _read(source, kind)
    folded = fold(graph, full=options.full)
    say(f"drawing {len(graph.operations)} operations as {len(folded.blocks)} nodes")
    path = write_picture(dot_text(drawn(folded)), target)
    say(f"done in {time.perf_counter() - started:.1f} s")
    with lines_beside(path):
        if options.json:
            print_json(
                {
                    "file": str(path),
                    "bytes": written_bytes(path),
                    "operations": len(graph.operations),
                    "nodes": len(folded.blocks),
                }
            )
        else:
            print_line(written(path))


def _read(source: Path, kind: Kind) -> OperationGraph:
    if kind is Kind.TFLITE:
        return tflite_operations(source)
    say("loading TensorFlow")
    with held_back():
        from validation.export.evaluation import graph_tensors
        from validation.export.graph_io import read_graph

        graph = read_graph(source, GRAPH_FORMS[kind])
        try:
            specs, failure = graph_tensors(graph), None
        except GraphError as error:
            # The wiring can be drawn all the same.
            specs, failure = {}, error
    if failure is not None:
        say(f"drawn without shapes: {failure}")
    return graph_def_operations(graph, source.name, specs)
