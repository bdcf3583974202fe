"""``python -m validation export``: export_tflite_ssd_graph.py's step, under its flags."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from validation.cli.flags import Commands, add_flag, add_json, add_parser, say
from validation.cli.given import read_config, require_graph
from validation.cli.output import print_json, print_line
from validation.errors import UsageError
from validation.export.checkpoint import check_prefix
from validation.export.exported import ExportOptions
from validation.files.arguments import parse_count
from validation.files.native_log import held_back
from validation.files.targets import require_writable_folder
from validation.kinds.kind import Wanted
from validation.pipeline.config import PipelineConfig
from validation.specs.contracts import EXPORTER_DEFAULT_MAX_DETECTIONS, POSTPROCESS_NAME

_EXAMPLE = r"""\
    --frozen_graph=ssd/frozen_inference_graph.pb \
    --pipeline_config_path=ssd/pipeline.config \
    --output_directory=out --use_regular_nms=true --max_detections=100"""


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "export",
        "make tflite_graph.pb, as export_tflite_ssd_graph.py did",
        "Cut an SSD's inference graph into the graph that TFLite can convert.",
        _EXAMPLE,
        _export,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--frozen_graph", type=Path, metavar="PB", help="frozen_inference_graph.pb of the archive"
    )
    source.add_argument(
        "--trained_checkpoint_prefix",
        type=Path,
        metavar="PREFIX",
        help="model.ckpt: .index and .data-* beside it, and .meta or --pipeline_config_path",
    )
    parser.add_argument(
        "--pipeline_config_path",
        type=Path,
        metavar="CONFIG",
        help="pipeline.config; must agree with the graph (default: none, nothing is compared)",
    )
    parser.add_argument(
        "--output_directory", type=Path, required=True, metavar="DIR", help="created if missing"
    )
    add_flag(parser, "--add_postprocessing_op", True, f"end the graph in {POSTPROCESS_NAME}")
    parser.add_argument(
        "--max_detections",
        type=parse_count,
        default=EXPORTER_DEFAULT_MAX_DETECTIONS,
        metavar="N",
        help="detections the op returns (default: %(default)s, the old exporter's; "
        "COCO's evaluation needs 100)",
    )
    parser.add_argument(
        "--max_classes_per_detection",
        type=parse_count,
        default=1,
        metavar="N",
        help="classes per box in fast NMS (default: %(default)s)",
    )
    parser.add_argument(
        "--detections_per_class",
        type=parse_count,
        default=100,
        metavar="N",
        help="detections kept per class in regular NMS (default: %(default)s)",
    )
    add_flag(parser, "--use_regular_nms", False, "suppress within each class, as the OD API does")
    add_json(parser)


def _export(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    config = options.pipeline_config_path and read_config(options.pipeline_config_path)
    prefix: Path | None = options.trained_checkpoint_prefix
    source: Path | None = options.frozen_graph
    # Refused before TensorFlow is loaded, which takes seconds.
    if prefix is not None:
        check_prefix(prefix)
        source = _meta_beside(prefix, config)
    if source is not None:
        require_graph(source, Wanted.INFERENCE_GRAPH)
    require_writable_folder(options.output_directory)
    flags = ExportOptions(
        add_postprocessing_op=options.add_postprocessing_op,
        max_detections=options.max_detections,
        detections_per_class=options.detections_per_class,
        max_classes_per_detection=options.max_classes_per_detection,
        use_regular_nms=options.use_regular_nms,
    )
    say("loading TensorFlow")
    with held_back():
        from validation.export.from_checkpoint import export_model
        from validation.export.graph_io import write_export

    say(f"exporting {(source or prefix or Path()).name}")
    with held_back():
        export, route = export_model(source, prefix, config, flags)
    written = write_export(options.output_directory, export)
    contract = written.contract
    size = contract.preprocessing
    say(f"route: {route}")
    say(f"done in {time.perf_counter() - started:.1f} s")
    files = (written.graph.with_suffix(".pbtxt"), written.graph.with_suffix(".json"))
    if options.json:
        print_json(
            {
                "graph": str(written.graph),
                "files": [str(path) for path in (*files, written.anchors)],
                "route": route,
                "contract": contract,
            }
        )
        return
    print_line(
        f"{written.graph}: {size.height}x{size.width}, {contract.num_anchors} anchors, "
        f"{contract.num_classes} classes"
    )
    for path in (*files, written.anchors):
        print_line(path)


def _meta_beside(prefix: Path, config: PipelineConfig | None) -> Path | None:
    meta = prefix.with_name(f"{prefix.name}.meta")
    if meta.is_file():
        return meta
    if config is None:
        raise UsageError(
            "a checkpoint alone does not say what graph it belongs to",
            expected=f"--pipeline_config_path, or {meta.name} beside the checkpoint",
            where=prefix.parent,
        )
    return None
