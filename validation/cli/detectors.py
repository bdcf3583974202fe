"""Model files as the commands take them: .tflite, or a frozen inference graph."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from validation.cli.flags import say
from validation.errors import DatasetError, NotSsdGraph, OutputMissing
from validation.files.native_log import held_back
from validation.inference.base import DetectFile, detect_all, on_files
from validation.inference.model_file import open_tflite
from validation.inspection.kinds import kind_of
from validation.kinds.kind import Kind, Wanted
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.runtimes.tflite import default_threads
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.specs.input_stats import format_range, parse_input_stats, wanted_range
from validation.zoo.catalogue import label_set
from validation.zoo.label_map import read_label_map

# The one label map known by name; anything else is a file.
COCO_LABELS = "coco"
_COCO_CLASSES = 90


@dataclass(frozen=True)
class OpenModel:
    """A model file, ready to detect.

    Args:
        name: Of the file.
        make: See `validation.inference.base.detect_all`.
        labels: Class names by id; empty where none are known.
        num_classes: Without the background; None where an inference graph does not say.
    """

    name: str
    make: Callable[[], DetectFile]
    labels: Mapping[int, str] = field(default_factory=dict)
    num_classes: int | None = None

    def detect(
        self, images: Sequence[ImageFile], *, progress: bool = True
    ) -> Mapping[str, Detections]:
        """Detections by image key."""
        return detect_all(
            self.make, images, workers=default_threads(), label=self.name, progress=progress
        )


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Declare what a model file may need besides itself."""
    parser.add_argument(
        "--label_map",
        metavar="FILE-or-coco",
        help=".pbtxt, or one name a line with or without a first line '???'; 'coco' means "
        "COCO's 90 ids (default: the file's metadata)",
    )
    parser.add_argument(
        "--input_stats",
        type=parse_input_stats,
        metavar="MEAN/STD",
        help="how pixels are normalised: (pixel - MEAN) / STD; 'guide' is 128/127 (default: "
        "from the export beside the file, its metadata or its scale and zero point, else "
        "127.5/127.5)",
    )
    parser.add_argument(
        "--export_directory",
        type=Path,
        metavar="DIR",
        help="what export wrote, for a file that ends in raw outputs (default: the file's folder)",
    )


@contextlib.contextmanager
def open_model(path: Path, options: argparse.Namespace) -> Iterator[OpenModel]:
    """A model file as the flags describe it; reports how it is fed.

    Args:
        path: .tflite, with or without the post-processing op, or frozen_inference_graph.pb.
        options: Of `add_model_flags`.

    Raises:
        ValidationError: The file or its label map cannot be used.
    """
    labels = _labels(options.label_map)
    if is_tflite(path):
        model = open_tflite(path, export=options.export_directory, stats=options.input_stats)
        with held_back():
            # Fails here, not later, where LiteRT rejects the file; hides LiteRT's log lines.
            model.detector()
        size = model.preprocessing
        limits = format_range(wanted_range(size))
        say(f"{path.name}: {size.height}x{size.width}, pixels become {limits} ({model.source})")
        yield OpenModel(
            path.name,
            lambda: on_files(model.detector()),
            labels or model.labels,
            model.num_classes,
        )
        return
    say("loading TensorFlow")
    with held_back():
        from validation.export.describe import classes_of
        from validation.export.graph_io import read_graph
        from validation.export.ssd_reading import read_ssd
        from validation.inference.graph import GraphDetector
        from validation.runtimes.session import SessionRuntime

        try:
            graph = read_graph(path)
            runtime = SessionRuntime(graph, DETECTION_OUTPUTS, where=path.name)
        except OutputMissing as error:
            error.next_step = (
                "give the archive's frozen_inference_graph.pb; a tflite_graph.pb is run as the "
                ".tflite that convert makes of it"
            )
            raise
        num_classes = None
        # A graph that is not recognised as an SSD is run all the same.
        with contextlib.suppress(NotSsdGraph):
            num_classes = classes_of(graph, read_ssd(graph, path.name))
    with runtime:
        detector = GraphDetector(runtime)
        say(f"{path.name}: resizes and normalises images itself")
        # One session serves all threads.
        yield OpenModel(path.name, lambda: on_files(detector), labels, num_classes)


def usable_labels(labels: Mapping[int, str], num_classes: int | None) -> Mapping[int, str]:
    """Labels to write beside detections: COCO's where a model of 90 classes has none."""
    if labels:
        return labels
    if num_classes != _COCO_CLASSES:
        say("no label map: classes are shown by id; --label_map=FILE names them")
        return labels
    say("no label map: assuming that the 90 classes are COCO's")
    return label_set(COCO_LABELS)


def _labels(name: str | None) -> Mapping[int, str]:
    if name is None:
        return {}
    if name == COCO_LABELS:
        return label_set(COCO_LABELS)
    if not Path(name).is_file():
        raise DatasetError("no such label map", expected=f"a file, or {COCO_LABELS!r}", got=name)
    return read_label_map(Path(name))


def is_tflite(path: Path) -> bool:
    """True for a .tflite file; False for a graph.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
        ArtefactError: Neither of them, with what it is.
    """
    return kind_of(path, Wanted.DETECTOR).kind is Kind.TFLITE
