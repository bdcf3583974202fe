"""Named ways to be wrong: each turns a clean model into one that must not be signed.

Each fault is put in where it arises, see `fault_injection`, and names the checks that
must see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import fault_injection as put
import numpy as np

from validation.faults import file_edits as surgery
from validation.faults import graph_edits as graphs
from validation.record.detections import Detections

FLOAT, RAW = ("float",), ("raw",)
BOTH = ("float", "raw")


@dataclass(frozen=True)
class Fault:
    """One way to be wrong.

    Args:
        name: What is wrong.
        inject: Makes it so for the time of a patch; may write to a folder.
        trips: Check and variants that must fail by it; others may as well.
        blind: Checks that cannot see it, because both of their sides share it.
    """

    name: str
    inject: put.Inject
    trips: Mapping[str, tuple[str, ...]]
    blind: tuple[str, ...] = ()


_ALL_OF_THE_FILE = {
    "tflite_contract": BOTH,
    "end_to_end_parity": BOTH,
    "canaries": BOTH,
    "accuracy": BOTH,
    "operating_point": BOTH,
    "latency": BOTH,
}
_RESULTS = {
    "end_to_end_parity": BOTH,
    "canaries": BOTH,
    "accuracy": BOTH,
    "operating_point": BOTH,
}
# Both of their sides are fed alike, whatever that is.
_SAME_FEED_BOTH_SIDES = ("postprocess_parity", "tflite_contract")

FAULTS = (
    # ------------------------------------------------------------------ archive and export
    Fault("archive without graph", put.no_graph, {"archive": BOTH, "export_contract": BOTH}),
    Fault(
        "exporter drops use_regular_nms",
        put.in_graph(graphs.drop_attribute("use_regular_nms")),
        {"export_contract": FLOAT, "tflite_contract": FLOAT},
    ),
    Fault(
        "exporter's default of 10 detections",
        put.in_graph(graphs.set_attribute("max_detections", i=10)),
        {"export_contract": FLOAT, "tflite_contract": FLOAT},
    ),
    Fault(
        "score threshold baked high",
        put.in_graph(graphs.set_attribute("nms_score_threshold", f=0.3)),
        {"export_contract": FLOAT, "tflite_contract": FLOAT},
    ),
    Fault(
        "batch norm in training mode",
        put.in_graph(graphs.set_attribute("is_training", b=True)),
        {"export_contract": BOTH},
    ),
    Fault("input under another name", put.in_graph(graphs.rename_input), {"export_contract": BOTH}),
    Fault(
        "anchors of another model beside the raw file",
        put.in_export(put.shift_anchors),
        {"postprocess_parity": FLOAT, "end_to_end_parity": RAW, "accuracy": RAW},
    ),
    # ------------------------------------------------------------------------ .tflite file
    Fault("file cut in half", put.cut_file, _ALL_OF_THE_FILE),
    Fault(
        "outputs in another order",
        put.in_file(surgery.swap_outputs(0, 1)),
        {"tflite_contract": BOTH},
    ),
    Fault(
        "names of classes and scores swapped",
        put.in_file(put.only_with_op(surgery.swap_output_names(1, 2))),
        {"tflite_contract": FLOAT, "end_to_end_parity": FLOAT, "accuracy": FLOAT},
    ),
    Fault(
        "names of raw outputs swapped",
        put.in_file(put.only_raw(surgery.swap_output_names(0, 1))),
        {"tflite_contract": RAW, "raw_parity": RAW, "end_to_end_parity": RAW},
    ),
    Fault(
        "max_detections 10 in the file",
        put.in_file(surgery.change_attributes(max_detections=10)),
        {"tflite_contract": FLOAT, "postprocess_parity": FLOAT},
    ),
    Fault(
        "box scales of another coder",
        put.in_file(surgery.change_attributes(h_scale=4.0, w_scale=4.0)),
        {"tflite_contract": FLOAT, "postprocess_parity": FLOAT},
    ),
    Fault(
        "NMS keeps what overlaps",
        put.in_file(surgery.change_attributes(nms_iou_threshold=0.95)),
        {"tflite_contract": FLOAT, "postprocess_parity": FLOAT, "end_to_end_parity": FLOAT},
    ),
    Fault(
        "anchor table shifted",
        put.in_file(surgery.change_weights("anchors", put.shift_rows)),
        {"postprocess_parity": FLOAT, "end_to_end_parity": FLOAT, "accuracy": FLOAT},
        blind=("tflite_contract", "raw_parity"),
    ),
    Fault(
        "one NaN among the weights",
        put.in_file(surgery.change_weights("Conv2d_1/Conv2D", put.set_nan)),
        {"raw_parity": RAW, **_RESULTS},
        blind=("tflite_contract",),
    ),
    Fault(
        "weights rounded to 8 bits",
        put.in_file(surgery.change_weights("Conv2D", lambda w: np.round(w * 64) / 64)),
        {"raw_parity": RAW, "end_to_end_parity": BOTH},
        blind=("tflite_contract",),
    ),
    Fault(
        "class filters one on",
        put.in_file(surgery.change_weights("ClassPredictor/Conv2D", put.roll_classes)),
        {"raw_parity": RAW, **_RESULTS},
        blind=("tflite_contract",),
    ),
    Fault(
        "one convolution left out",
        put.in_file(surgery.change_weights("Conv2d_3/Conv2D", np.zeros_like)),
        {"raw_parity": RAW, "end_to_end_parity": BOTH},
        blind=("tflite_contract",),
    ),
    # ------------------------------------------------------------------------------- feed
    Fault(
        "BGR instead of RGB",
        put.in_feed(lambda feed: feed[..., ::-1]),
        {"end_to_end_parity": BOTH},
        blind=_SAME_FEED_BOTH_SIDES,
    ),
    Fault(
        "range 0..1 instead of -1..1",
        put.in_feed(lambda feed: (feed + 1) / 2),
        {"end_to_end_parity": BOTH, "accuracy": BOTH},
        blind=_SAME_FEED_BOTH_SIDES,
    ),
    Fault(
        "pixels not normalised",
        put.in_feed(lambda feed: (feed + 1) * 127.5),
        {"end_to_end_parity": BOTH, "accuracy": BOTH},
        blind=("tflite_contract",),
    ),
    Fault(
        "128 instead of 127.5",
        put.in_feed(lambda feed: ((feed + 1) * 127.5 - 128) / 128),
        {"end_to_end_parity": BOTH},
        blind=_SAME_FEED_BOTH_SIDES,
    ),
    Fault(
        "Pillow's resize",
        put.other_resize,
        {"end_to_end_parity": BOTH},
        blind=_SAME_FEED_BOTH_SIDES,
    ),
    Fault(
        "image mirrored",
        put.in_feed(lambda feed: feed[:, :, ::-1]),
        _RESULTS,
        blind=_SAME_FEED_BOTH_SIDES,
    ),
    # ----------------------------------------------------------------- reading the results
    Fault(
        "label offset left out", put.other_label_offset, {"postprocess_parity": FLOAT, **_RESULTS}
    ),
    Fault(
        "classes one too high",
        put.on_each(put.classes(lambda ids: ids + 1)),
        {"postprocess_parity": FLOAT, **_RESULTS},
    ),
    Fault(
        "x and y swapped",
        put.on_each(put.boxes(lambda boxes: boxes[:, [1, 0, 3, 2]])),
        {"postprocess_parity": FLOAT, **_RESULTS},
    ),
    Fault(
        "an image lost",
        put.in_results(put.without_an_image),
        {"end_to_end_parity": BOTH, "accuracy": BOTH},
    ),
    Fault("results of the image before", put.in_results(put.one_image_late), _RESULTS),
    Fault(
        "one NaN score",
        put.on_one(put.first_score_nan),
        {"end_to_end_parity": BOTH, "accuracy": BOTH, "plausibility": BOTH},
    ),
    Fault("a detection twice", put.on_one(put.doubled), {"end_to_end_parity": BOTH}),
    Fault(
        "scores a per mille too low",
        put.on_each(put.scores(lambda scores: scores * 0.999)),
        {"postprocess_parity": FLOAT, "end_to_end_parity": BOTH},
    ),
    Fault(
        "boxes a pixel off",
        put.on_each(put.boxes(lambda boxes: boxes + 1 / 300)),
        {"postprocess_parity": FLOAT, "end_to_end_parity": BOTH},
    ),
    Fault("nothing found", put.on_each(lambda _: Detections((), (), ())), _RESULTS),
    Fault(
        "nothing found on either side",
        put.both_blind,
        {
            "postprocess_parity": FLOAT,
            "end_to_end_parity": BOTH,
            "canaries": BOTH,
            "accuracy": BOTH,
        },
    ),
    # ------------------------------------------------------------------------ raw outputs
    Fault(
        "noise on the raw outputs",
        put.on_raw(put.noise),
        {"raw_parity": RAW, "postprocess_parity": FLOAT},
    ),
    Fault("one NaN among the raw outputs", put.on_raw(put.one_nan), {"raw_parity": RAW}),
    Fault(
        "the same answer to every image",
        put.on_raw(lambda array: np.broadcast_to(array[:1], array.shape)),
        {"raw_parity": RAW, "postprocess_parity": FLOAT},
    ),
    # ------------------------------------------------------------------------------- time
    Fault("stalls", put.samples(5000, 50), {"latency": BOTH}),
    Fault("a handful of samples", put.samples(5, 3), {"latency": BOTH}),
)
