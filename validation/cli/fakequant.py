"""``python -m validation fakequant``: a quantised archive from a float model and images."""

from __future__ import annotations

import argparse
import contextlib
import functools
import time
from collections.abc import Iterator
from pathlib import Path

from validation.calibration.feeding import model_feeds
from validation.calibration.images import drawn_from_folder
from validation.calibration.ranges import RangeMethod
from validation.cli.flags import Commands, add_json, add_parser, say, say_as_stored
from validation.cli.given import read_config, require_graph
from validation.cli.output import print_json, print_line
from validation.errors import ArtefactError, UsageError
from validation.export.checkpoint import check_prefix
from validation.files.atomic import atomic_folder
from validation.files.native_log import held_back
from validation.files.outside import read_text
from validation.files.targets import ANOTHER, require_writable_folder
from validation.kinds.kind import Wanted
from validation.policy.load import load_policy

_EXAMPLE = r"""\
    --frozen_graph=ssd/frozen_inference_graph.pb \
    --pipeline_config_path=ssd/pipeline.config \
    --representative_images=coco/val2017 --output_directory=ssd_quantized"""


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "fakequant",
        "make a quantised archive from a float model and images",
        "Calibrate quantisation ranges on representative images and write an archive in "
        "the zoo's quantised layout.",
        _EXAMPLE,
        _fakequant,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--frozen_graph", type=Path, metavar="PB", help="frozen_inference_graph.pb of the model"
    )
    source.add_argument(
        "--trained_checkpoint_prefix", type=Path, metavar="PREFIX", help="its float checkpoint"
    )
    parser.add_argument(
        "--pipeline_config_path",
        type=Path,
        required=True,
        metavar="CONFIG",
        help="pipeline.config of the float model",
    )
    parser.add_argument(
        "--representative_images",
        type=Path,
        required=True,
        metavar="DIR",
        help="images to calibrate with; the policy says how many are drawn. Accuracy "
        "measured on the same images is too good",
    )
    parser.add_argument(
        "--range_method",
        choices=[str(method) for method in RangeMethod],
        default=str(RangeMethod.LEAST_ERROR),
        help="how the ranges of activations are chosen (default: %(default)s)",
    )
    parser.add_argument(
        "--output_directory", type=Path, required=True, metavar="DIR", help="a new or empty folder"
    )
    add_json(parser)


def _fakequant(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    output: Path = options.output_directory
    _require_room(output)
    require_writable_folder(output)
    prefix: Path | None = options.trained_checkpoint_prefix
    frozen: Path | None = options.frozen_graph
    # Refused before TensorFlow is loaded, which takes seconds.
    if prefix is not None:
        check_prefix(prefix)
    elif frozen is not None:
        require_graph(frozen, Wanted.INFERENCE_GRAPH)
    config = read_config(options.pipeline_config_path)
    policy = load_policy()
    folder: Path = options.representative_images
    chosen = drawn_from_folder(folder, policy, folder.name)
    method = RangeMethod(options.range_method)
    say("loading TensorFlow")
    with held_back():
        from validation.calibration import fakequant_archive
        from validation.export.graph_io import read_graph

    facts = fakequant_archive.CalibrationFacts(
        source=chosen.source,
        images=tuple(image.key for image in chosen.images),
        seed=chosen.seed,
        method=method,
        percent=(
            policy.setting("calibration_percentile") if method is RangeMethod.PERCENTILE else None
        ),
    )
    say(f"calibrating on {len(chosen.images)} images of {facts.source}, seed {facts.seed}")
    say_as_stored(chosen.as_stored)
    with held_back(), _whole(output) as archive:
        weights = (
            fakequant_archive.weights_of_checkpoint(prefix)
            if prefix is not None
            else fakequant_archive.weights_of_frozen_graph(read_graph(options.frozen_graph))
        )
        text = read_text(options.pipeline_config_path)
        feeds = functools.partial(model_feeds, chosen)
        fakequant_archive.write_fakequant(archive, config, text, weights, feeds, facts)
    say(f"done in {time.perf_counter() - started:.1f} s")
    files = [str(path) for path in sorted(output.iterdir())]
    if options.json:
        print_json({"files": files, "calibration": facts})
        return
    for file in files:
        print_line(file)


def _require_room(output: Path) -> None:
    if output.is_file() or (output.is_dir() and any(output.iterdir())):
        raise UsageError(
            "the folder for the archive is not empty",
            expected="a new or an empty folder",
            where=output,
        )


@contextlib.contextmanager
def _whole(output: Path) -> Iterator[Path]:
    """A folder beside the output that replaces it at the end, or is removed."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(output) as folder:
            yield folder
    except OSError as error:
        raise ArtefactError(
            "the archive cannot be written",
            got=error.strerror or error,
            where=output,
            next_step=ANOTHER,
        ) from error
