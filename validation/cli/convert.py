"""``python -m validation convert``: tflite_convert's step, under its flags."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from validation.calibration.feeding import Calibration, calibration_of
from validation.calibration.images import drawn_from_folder
from validation.cli.bundled import CALIBRATION_WORDS, calibration_place
from validation.cli.flags import Commands, add_flag, add_json, add_parser, say, say_as_stored
from validation.cli.given import require_graph
from validation.cli.output import lines_beside, print_json, print_line, written
from validation.errors import ArtefactMissing, UsageError
from validation.export.exported import CONTRACT_FILE, contract_beside
from validation.files.native_log import held_back
from validation.files.targets import require_writable, written_bytes
from validation.files.temporary import scratch
from validation.inference.feed_sources import normalised
from validation.kinds.kind import Wanted
from validation.labels.label_list import LabelList
from validation.metadata.class_labels import labels_named
from validation.metadata.detector import detector_metadata, image_size, written_names
from validation.metadata.packing import write_with_metadata
from validation.policy.load import load_policy
from validation.specs.contracts import (
    INPUT_NAME,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    RAW_OUTPUTS,
    Preprocessing,
    SsdContract,
)
from validation.specs.input_stats import InputStats, describe_stats
from validation.specs.variants import VARIANTS, variant_of
from validation.tflite.facts import read_tflite

_EXAMPLE = r"""--graph_def_file=out/tflite_graph.pb \
    --output_file=out/detect.tflite"""


# How the input is fed, and class names by id.
_MetadataSource = tuple[Preprocessing | InputStats, LabelList | None]


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "convert",
        "make a .tflite file, as tflite_convert did",
        "Convert an exported graph to a .tflite file.",
        _EXAMPLE,
        _convert,
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
        help="the guide's names for the variants float and uint8",
    )
    parser.add_argument(
        "--mean_values",
        type=float,
        metavar="MEAN",
        help="for uint8: the byte that means 0.0 (default: from the contract beside the "
        "graph, 127.5 for [-1, 1])",
    )
    parser.add_argument(
        "--std_dev_values",
        type=float,
        metavar="STD",
        help="for uint8: steps between 0.0 and 1.0 (default: as --mean_values)",
    )
    parser.add_argument(
        "--representative_images",
        type=Path,
        metavar="DIR",
        help="for int8: images to calibrate with; the policy says how many are drawn"
        + CALIBRATION_WORDS,
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
    add_flag(parser, "--allow_custom_ops", True, f"{POSTPROCESS_NAME} is one")
    add_flag(
        parser,
        "--metadata",
        False,
        "write TFLite metadata into the file: app libraries reject a float model without",
    )
    parser.add_argument(
        "--label_map",
        metavar="FILE-or-coco",
        help="for --metadata: class names as .pbtxt, one a line, numbered lines, CSV, JSON, "
        "data.yaml or a .tflite with labels; 'coco' means COCO's 90 ids (default: no labels)",
    )
    add_json(parser)


def _convert(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    require_graph(options.graph_def_file, Wanted.CONVERTIBLE_GRAPH)
    require_writable(options.output_file)
    stats = _input_stats(options)
    contract = contract_beside(options.graph_def_file)
    calibration = _calibration(options, contract)
    metadata = _metadata_source(options, contract, stats)
    say("loading TensorFlow")
    with held_back():
        from validation.convert.conversion import conversion_of
        from validation.convert.tflite import convert, default_variant

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
    missing = _left_out(conversion.output_arrays)
    if missing:
        say(f"the file will lack {', '.join(missing)}: apps read all four outputs of the op")
    if conversion.input_stats is not None and contract is not None:
        say(describe_stats(conversion.input_stats, contract.preprocessing))
    if _are_raw(conversion.output_arrays):
        variant = variant_of(variant).raw_variant
    say(f"converting {options.graph_def_file.name} to {variant}")
    with held_back():
        path = _made(partial(convert, options.graph_def_file, conversion), options, metadata)
    say(f"done in {time.perf_counter() - started:.1f} s")
    with lines_beside(path):
        if options.json:
            print_json({"file": str(path), "bytes": written_bytes(path), "variant": variant})
        else:
            print_line(written(path))


def _made(
    make: Callable[[Path], Path], options: argparse.Namespace, metadata: _MetadataSource | None
) -> Path:
    """The file in place; one without the metadata that was asked for is never left there."""
    output: Path = options.output_file
    if metadata is None:
        return make(output)
    with scratch() as folder:
        plain = make(folder / output.name)
        file = read_tflite(plain)
        fed, labels = metadata
        if isinstance(fed, InputStats):
            fed = normalised(*image_size(file), fed)
            if labels is not None and file.postprocess is not None:
                _say_names(labels, file.postprocess.num_classes)
        return write_with_metadata(plain, detector_metadata(file, fed, labels), output)


def _metadata_source(
    options: argparse.Namespace, contract: SsdContract | None, stats: InputStats | None
) -> _MetadataSource | None:
    """What the file itself does not know; None where no metadata is asked for."""
    if not options.metadata:
        if options.label_map is not None:
            raise UsageError(
                "labels go into the metadata", expected="--metadata", got="--label_map alone"
            )
        return None
    # A shipped tflite_graph.pb has no contract; its mean and std are then the caller's to state.
    fed = contract.preprocessing if contract is not None else stats
    if fed is None:
        raise ArtefactMissing(
            "the preprocessing is not known, and the metadata must state it",
            expected=f"{CONTRACT_FILE}, or --mean_values and --std_dev_values",
            where=options.graph_def_file.parent,
            next_step="export the graph here: python -m validation export ...",
        )
    if options.label_map is None:
        say("no --label_map: the metadata names no classes")
        return fed, None
    labels = labels_named(options.label_map)
    if contract is not None:  # refused before minutes of conversion
        _say_names(labels, contract.num_classes)
    return fed, labels


def _say_names(labels: LabelList, num_classes: int) -> None:
    names = written_names(labels, num_classes)
    say(f"labels: {names.describe()} ({names.source})")


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
    if options.representative_images is None:
        return None
    folder = calibration_place(options.representative_images)
    if contract is None:
        raise ArtefactMissing(
            "the preprocessing of the representative images is not known",
            expected=CONTRACT_FILE,
            where=options.graph_def_file.parent,
            next_step="export the graph here: python -m validation export ...",
        )
    chosen = drawn_from_folder(folder, load_policy(), folder.name)
    say(f"calibrating on {len(chosen.images)} images of {chosen.source}")
    say_as_stored(chosen.as_stored)
    return calibration_of(chosen, contract.preprocessing)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _left_out(names: Sequence[str]) -> list[str]:
    """Outputs of the op that were not requested, where others were."""
    asked = {name.removesuffix(":0") for name in names} & set(POSTPROCESS_OUTPUTS)
    return [name for name in POSTPROCESS_OUTPUTS if name not in asked] if asked else []


def _are_raw(names: Sequence[str]) -> bool:
    """True for the two raw outputs, in any order."""
    return {name.removesuffix(":0") for name in names} == set(RAW_OUTPUTS)


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
