"""The guide's steps as commands: ``python -m validation export`` and ``convert``.

Flags have the names that export_tflite_ssd_graph.py and tflite_convert gave them.
Exit codes: 0 done, 1 failed, 2 wrong use. An error is one line; ``--debug`` adds the
trace.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from validation import __version__
from validation.cli_fakequant import add_command as add_fakequant
from validation.contracts import (
    EXPORTER_DEFAULT_MAX_DETECTIONS,
    INPUT_NAME,
    POSTPROCESS_NAME,
    SsdContract,
)
from validation.convert.calibration import Calibration
from validation.errors import ArtefactMissing, UsageError, ValidationError
from validation.export.exported import CONTRACT_FILE, contract_beside
from validation.export.options import ExportOptions
from validation.export.prefix import check_prefix
from validation.inference.representative import calibration_of, drawn_from
from validation.input_stats import InputStats, told_stats
from validation.native_log import held_back
from validation.pipeline.config import PipelineConfig, load_pipeline
from validation.policy import load_policy
from validation.variants import VARIANTS

_EXPORT_EXAMPLE = """example:
  python -m validation export \\
    --frozen_graph=ssd/frozen_inference_graph.pb \\
    --pipeline_config_path=ssd/pipeline.config \\
    --output_directory=out --use_regular_nms=true --max_detections=100
"""
_CONVERT_EXAMPLE = """example:
  python -m validation convert --graph_def_file=out/tflite_graph.pb \\
    --output_file=out/detect.tflite
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    # TensorFlow's start-up notes would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options.command(options)
    except ValidationError as error:
        if options.debug:
            raise
        print(f"{parser.prog}: {type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; nothing half-written is left", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="validation",
        description="Export and convert TensorFlow 1 Object Detection API SSD models.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_export(commands)
    _add_convert(commands)
    _add_debug(add_fakequant(commands))
    return parser


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "export",
        help="make tflite_graph.pb, as export_tflite_ssd_graph.py did",
        description="Cut an SSD's inference graph into the graph that TFLite can convert.",
        epilog=_EXPORT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
        help="pipeline.config; must agree with the graph (default: not compared)",
    )
    parser.add_argument(
        "--output_directory", type=Path, required=True, metavar="DIR", help="made if need be"
    )
    _add_flag(parser, "--add_postprocessing_op", True, f"end the graph in {POSTPROCESS_NAME}")
    parser.add_argument(
        "--max_detections",
        type=_positive,
        default=EXPORTER_DEFAULT_MAX_DETECTIONS,
        metavar="N",
        help="detections the op returns (default: %(default)s, the old exporter's; "
        "COCO's evaluation wants 100)",
    )
    parser.add_argument(
        "--max_classes_per_detection",
        type=_positive,
        default=1,
        metavar="N",
        help="classes of one box, in fast NMS (default: %(default)s)",
    )
    parser.add_argument(
        "--detections_per_class",
        type=_positive,
        default=100,
        metavar="N",
        help="kept for each class, in regular NMS (default: %(default)s)",
    )
    _add_flag(parser, "--use_regular_nms", False, "suppress for each class, as the OD API does")
    _add_debug(parser)
    parser.set_defaults(command=_export)


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "convert",
        help="make a .tflite file, as tflite_convert did",
        description="Convert an exported graph to a .tflite file.",
        epilog=_CONVERT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--graph_def_file", type=Path, required=True, metavar="PB", help="tflite_graph.pb"
    )
    parser.add_argument(
        "--output_file", type=Path, required=True, metavar="TFLITE", help="the file to write"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--variant",
        metavar="NAME",
        help=f"{', '.join(VARIANTS)}; raw ones end in the raw outputs (default: uint8 where the "
        "graph has FakeQuant nodes, else float; raw where it has no post-processing op)",
    )
    kind.add_argument(
        "--inference_type",
        choices=["FLOAT", "QUANTIZED_UINT8"],
        help="the guide's words for the variants float and uint8",
    )
    parser.add_argument(
        "--mean_values",
        type=float,
        metavar="MEAN",
        help="for uint8: the byte that stands for 0.0 (default: from the contract beside the "
        "graph, 127.5 for [-1, 1])",
    )
    parser.add_argument(
        "--std_dev_values",
        type=float,
        metavar="STD",
        help="for uint8: bytes in 1.0 (default: as --mean_values)",
    )
    parser.add_argument(
        "--representative_images",
        type=Path,
        metavar="DIR",
        help="for int8: images that ranges are found with; as many are drawn as the policy says",
    )
    parser.add_argument(
        "--input_arrays", metavar="NAMES", help=f"comma-separated (default: {INPUT_NAME})"
    )
    parser.add_argument(
        "--output_arrays", metavar="NAMES", help="comma-separated (default: the variant's)"
    )
    parser.add_argument(
        "--input_shapes",
        metavar="SHAPES",
        help="such as 1,300,300,3, colon-separated for several (default: the graph's own)",
    )
    _add_flag(parser, "--allow_custom_ops", True, f"{POSTPROCESS_NAME} is one")
    _add_debug(parser)
    parser.set_defaults(command=_convert)


def _add_flag(parser: argparse.ArgumentParser, name: str, default: bool, told: str) -> None:
    """Add a boolean that can be given bare, or as ``=true`` and ``=false`` as the guide does."""
    parser.add_argument(
        name,
        type=_boolean,
        nargs="?",
        const=True,
        default=default,
        metavar="BOOL",
        help=f"{told} (default: {str(default).lower()})",
    )


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug", action="store_true", help="show the trace of an error")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in ("true", "1")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return number


def _export(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    config = options.pipeline_config_path and load_pipeline(options.pipeline_config_path)
    prefix: Path | None = options.trained_checkpoint_prefix
    source: Path | None = options.frozen_graph
    # Refused before TensorFlow is loaded, which takes seconds.
    if prefix is not None:
        check_prefix(prefix)
        source = _meta_beside(prefix, config)
    if source is not None and not source.is_file():
        raise ArtefactMissing("no such graph", where=source)
    flags = ExportOptions(
        add_postprocessing_op=options.add_postprocessing_op,
        max_detections=options.max_detections,
        detections_per_class=options.detections_per_class,
        max_classes_per_detection=options.max_classes_per_detection,
        use_regular_nms=options.use_regular_nms,
    )
    _say("loading TensorFlow")
    with held_back():
        from validation.export.graph_io import write_export
        from validation.export.routes import export_model

    _say(f"exporting {(source or prefix or Path()).name}")
    with held_back():
        export, route = export_model(source, prefix, config, flags)
    written = write_export(options.output_directory, export)
    contract = written.contract
    size = contract.preprocessing
    _say(f"route: {route}")
    _say(f"done in {time.perf_counter() - started:.1f} s")
    print(
        f"{written.graph}: {size.height}x{size.width}, {contract.num_anchors} anchors, "
        f"{contract.num_classes} classes"
    )
    for path in (
        written.graph.with_suffix(".pbtxt"),
        written.graph.with_suffix(".json"),
        written.anchors,
    ):
        print(path)


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


def _convert(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    if not options.graph_def_file.is_file():
        raise ArtefactMissing("no such graph", where=options.graph_def_file)
    stats = _input_stats(options)
    contract = contract_beside(options.graph_def_file)
    calibration = _calibration(options, contract)
    _say("loading TensorFlow")
    with held_back():
        from validation.convert.tflite import conversion_of, convert, default_variant

    variant = options.variant or default_variant(options.graph_def_file, options.inference_type)
    usual = conversion_of(
        variant,
        preprocessing=contract.preprocessing if contract else None,
        input_stats=stats,
        calibration=calibration,
    )
    inputs = _names(options.input_arrays) or usual.input_arrays
    conversion = dataclasses.replace(
        usual,
        input_arrays=inputs,
        output_arrays=_names(options.output_arrays) or usual.output_arrays,
        input_shapes=_shapes(options.input_shapes, inputs),
        allow_custom_ops=options.allow_custom_ops,
    )
    if conversion.input_stats is not None and contract is not None:
        _say(told_stats(conversion.input_stats, contract.preprocessing))
    _say(f"converting {options.graph_def_file.name} to {variant}")
    with held_back():
        path = convert(options.graph_def_file, conversion, options.output_file)
    _say(f"done in {time.perf_counter() - started:.1f} s")
    print(f"{path}: {path.stat().st_size} bytes")


def _input_stats(options: argparse.Namespace) -> InputStats | None:
    mean, std = options.mean_values, options.std_dev_values
    if (mean is None) != (std is None):
        raise UsageError(
            "mean and std belong together",
            expected="--mean_values and --std_dev_values, or neither",
            got="--mean_values" if std is None else "--std_dev_values",
        )
    return None if mean is None or std is None else InputStats(mean, std)


def _calibration(options: argparse.Namespace, contract: SsdContract | None) -> Calibration | None:
    folder: Path | None = options.representative_images
    if folder is None:
        return None
    if contract is None:
        raise ArtefactMissing(
            "nothing says how representative images are to be prepared",
            expected=CONTRACT_FILE,
            where=options.graph_def_file.parent,
            next_step="export the graph here: python -m validation export ...",
        )
    images = drawn_from(folder, load_policy())
    _say(f"calibrating on {len(images)} images of {folder.name}")
    return calibration_of(images, contract.preprocessing, load_policy())


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _shapes(text: str | None, inputs: Sequence[str]) -> dict[str, tuple[int, ...]] | None:
    if text is None:
        return None
    shapes = text.split(":")
    try:
        sides = [tuple(int(side) for side in shape.split(",")) for shape in shapes]
        return dict(zip(inputs, sides, strict=True))
    except ValueError as error:
        raise UsageError(
            "a shape for each input is needed",
            expected="such as 1,300,300,3 for each of " + ", ".join(inputs),
            got=text,
            where="--input_shapes",
        ) from error


def _say(text: str) -> None:
    print(f"validation: {text}", file=sys.stderr, flush=True)
