"""The old guide's steps, taken with TensorFlow's own command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from validation.comparison.guide_facts import GuideFacts, check_guide
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.record.lines import Entry
from validation.record.run import Stage
from validation.specs.contracts import DETECTION_OUTPUTS, IMAGE_TENSOR, Preprocessing
from validation.specs.input_stats import GUIDE_STATS, InputStats
from validation.specs.variants import Scheme, variant_of
from validation.tflite.facts import read_tflite
from validation.workspace import reference
from validation.workspace.context import CheckContext
from validation.workspace.memory import make_room
from validation.workspace.model_build import GUIDE_DEFAULT
from validation.workspace.products import makers


def guide(context: CheckContext) -> list[Entry]:
    """The old guide's command makes the same file, and refuses the inference graph."""
    return [check_guide(guide_facts(context), context.policy, context.key)]


def guide_facts(context: CheckContext) -> GuideFacts:
    """What became of the guide's steps, kept as a product: the tools change, not the model."""
    build, variant = context.build.source_of(context.key.variant), context.key.variant
    quantised = variant_of(variant).scheme is Scheme.UINT8
    shipped = reference.shipped_graph(build.archive) if quantised else None
    graph = shipped or build.exported(GUIDE_DEFAULT).graph
    own = build.archive.frozen_graph
    stats = GUIDE_STATS if quantised else None
    size = build.exported().contract.preprocessing

    def find(folder: Path) -> GuideFacts:
        return _tried(graph, own, stats, size, folder, shipped=shipped is not None)

    made_from = {
        "graph": file_sha256(graph),
        "inference_graph": None if own is None else file_sha256(own),
        "shipped": shipped is not None,
        "stats": unstructure(stats),
        **makers("convert"),
    }
    return build.work.facts(
        build.name, Stage.TFLITE_CONVERT, "tflite_convert", made_from, GuideFacts, find
    )


def _tried(
    graph: Path,
    own: Path | None,
    stats: InputStats | None,
    size: Preprocessing,
    folder: Path,
    *,
    shipped: bool,
) -> GuideFacts:
    from validation.convert.conversion import conversion_of
    from validation.convert.tflite import convert
    from validation.convert.tflite_convert_cli import guide_arguments, tflite_convert

    theirs, ours = folder / "theirs.tflite", folder / "ours.tflite"
    shape = (1, size.height, size.width, 3)
    arguments = guide_arguments(graph, theirs, shape, stats)
    runs = [arguments]
    if own is not None:
        flags = guide_arguments(
            own, folder / "none.tflite", shape, None,
            inputs=(IMAGE_TENSOR,), outputs=DETECTION_OUTPUTS,
        )  # fmt: skip
        # Custom ops allowed, whatever the converter does not know would be passed on.
        runs.append(flags[:-1])
    # The program needs nine times the weights beside this process.
    make_room(graph)
    run, *refused = tflite_convert(*runs)
    convert(graph, conversion_of("uint8" if stats else "float", input_stats=stats), ours)
    file = read_tflite(theirs) if run.exit_code == 0 else None
    facts = GuideFacts(
        command=" ".join(_without_folders(arguments, graph, theirs)),
        exit_code=run.exit_code,
        complaint=run.error,
        differing_bytes=-1 if file is None else _differing_bytes(theirs, ours),
        inputs=() if file is None else tuple(spec.name for spec in file.inputs),
        outputs=() if file is None else tuple(spec.name for spec in file.outputs),
        shipped_graph=shipped,
        inference_graph="" if own is None else own.name,
        refusal=refused[0].error if refused else "",
    )
    for path in (theirs, ours):
        path.unlink(missing_ok=True)
    return facts


def _without_folders(arguments: tuple[str, ...], *paths: Path) -> list[str]:
    words = ["tflite_convert", *arguments]
    for path in paths:
        words = [word.replace(str(path), path.name) for word in words]
    return words


def _differing_bytes(one: Path, other: Path) -> int:
    sides = [np.frombuffer(path.read_bytes(), np.uint8) for path in (one, other)]
    short = min(map(len, sides))
    lengths = max(map(len, sides)) - short
    return int(np.count_nonzero(sides[0][:short] != sides[1][:short])) + lengths
