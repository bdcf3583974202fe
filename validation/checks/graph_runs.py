"""A model's exported graph run in TensorFlow with one of its attributes changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from validation.diagnosis.agreement import Found
from validation.diagnosis.raw_outputs import RawOutputs
from validation.export.exported import ExportedGraph, read_anchors
from validation.inference.tflite import run_batchwise
from validation.isolation.activity import alive
from validation.preprocess.image import ImageFile
from validation.specs.contracts import RAW_OUTPUTS
from validation.workspace.context import CheckContext


def with_epsilon_undone(
    context: CheckContext, epsilon: float, images: Sequence[ImageFile]
) -> tuple[Found, Found] | None:
    """What the graph detects as it is and with this epsilon; None where it has no batch norm.

    Args:
        context: A file that was made here.
        epsilon: For every batch norm.
        images: Some of the session's.
    """
    from validation.export.graph_io import read_graph
    from validation.export.usual_epsilon import with_epsilon

    export = context.build.exported(context.build.options, add_postprocessing_op=False)
    own = read_graph(export.graph)
    changed = with_epsilon(own, epsilon)
    if changed is None:
        return None
    return _detected(context, export, own, images), _detected(context, export, changed, images)


def _detected(
    context: CheckContext, export: ExportedGraph, graph: Any, images: Sequence[ImageFile]
) -> Found:
    from validation.runtimes.session import SessionRuntime

    attributes, prepared = context.subject.postprocess, export.contract.preprocessing
    anchors, size = read_anchors(export), context.subject.shared_size
    boxes, scores = RAW_OUTPUTS
    found = {}
    with SessionRuntime(graph, RAW_OUTPUTS) as runtime:
        for image in images:
            feed = context.runs.feeds.of(image, prepared, size)
            out = run_batchwise(runtime, feed[np.newaxis])
            raw = RawOutputs.of_image(out[boxes], out[scores], anchors, attributes)
            found[image.key] = raw.detections()
            alive()
    return found
