"""SavedModels around a frozen graph, as the OD API's exporters for TensorFlow 1 and 2 do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

_OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


def write_tf1(
    folder: Path,
    graph: Any,
    *,
    outputs: Mapping[str, str] | None = None,
    input_name: str = "image_tensor",
    signatures: tuple[str, ...] = ("serving_default",),
    checkpoint: Path | None = None,
) -> Path:
    """Write what export_inference_graph.py leaves in saved_model/; returns the folder.

    Args:
        folder: Is made.
        graph: GraphDef, or a tf.Graph with variables that ``checkpoint`` has the values of.
        outputs: Node by name in the signature; None: the four of detection.
        input_name: Node of the input, which the signature calls ``inputs``.
        signatures: Names of the one signature.
        checkpoint: Prefix; None: the graph is frozen.
    """
    v1 = tf.compat.v1
    scope = graph
    if not isinstance(graph, tf.Graph):
        scope = tf.Graph()
        with scope.as_default():
            v1.import_graph_def(graph, name="")
    with scope.as_default(), v1.Session(graph=scope) as session:
        if checkpoint is not None:
            v1.train.Saver().restore(session, str(checkpoint))
        named = outputs or {name: name for name in _OUTPUTS}
        signature = v1.saved_model.predict_signature_def(
            {"inputs": scope.get_tensor_by_name(f"{input_name}:0")},
            {key: scope.get_tensor_by_name(f"{node}:0") for key, node in named.items()},
        )
        builder = v1.saved_model.builder.SavedModelBuilder(str(folder))
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map=dict.fromkeys(signatures, signature)
        )
        builder.save()
    return folder


def write_tf2(
    folder: Path,
    graph: Any,
    *,
    raw: tuple[str, str] | None = None,
    scale: float = 1.0,
    change_raw: Callable[[Any, Any], tuple[Any, Any]] = lambda boxes, scores: (boxes, scores),
    size: tuple[int | None, int | None] = (None, None),
    resized_to: tuple[int, int] | None = None,
) -> Path:
    """Write what exporter_main_v2.py leaves in saved_model/; returns the folder.

    Args:
        folder: Is made.
        graph: Frozen GraphDef from image_tensor to the four outputs.
        raw: Its tensors of decoded boxes and converted scores before the NMS.
        scale: A variable that the scores are multiplied by, for there is one at least.
        change_raw: Makes what is given of those two, [1, N, 4] and [1, N, C + 1].
        size: It takes images of this height and width alone.
        resized_to: It resizes images to this size by itself, as TensorFlow 2's image.resize
            does: by pixel centres.
    """
    nodes = (*_OUTPUTS, *(raw or ()))
    keys = (*_OUTPUTS, *(("raw_detection_boxes", "raw_detection_scores") if raw else ()))
    tensors = [node if ":" in node else f"{node}:0" for node in nodes]
    inside = tf.compat.v1.wrap_function(
        lambda: tf.compat.v1.import_graph_def(graph, name=""), []
    ).prune("image_tensor:0", tensors)

    class _Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tf.Variable(scale, name="scale")

        @tf.function(input_signature=[tf.TensorSpec([1, *size, 3], tf.uint8, name="input_tensor")])
        def detect(self, input_tensor: Any) -> dict[str, Any]:
            if resized_to is not None:
                resized = tf.image.resize(input_tensor, resized_to)
                input_tensor = tf.cast(tf.round(resized), tf.uint8)
            found = dict(zip(keys, inside(input_tensor), strict=True))
            found["detection_scores"] *= self.scale
            if raw:
                boxes, scores = change_raw(*(found[key] for key in keys[-2:]))
                found |= zip(keys[-2:], (boxes, scores), strict=True)
            return {key: tf.cast(value, tf.float32) for key, value in found.items()}

    module = _Module()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.detect})
    return folder
