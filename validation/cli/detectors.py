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
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.model_file import TfliteModel, open_tflite
from validation.inspection.kinds import kind_of
from validation.kinds.kind import Kind, Wanted
from validation.labels.alignment import ClassNames, align, align_uncounted, no_names
from validation.labels.label_list import LabelList
from validation.metadata.class_labels import COCO_LABELS, labels_named
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.runtimes.tflite import default_threads
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.specs.feeds import add_feed_flag, stated_feed
from validation.specs.input_stats import parse_input_stats
from validation.specs.tensors import takes_only

_COCO_CLASSES = 90


@dataclass(frozen=True)
class OpenModel:
    """A model file, ready to detect.

    Args:
        name: Of the file.
        make: See `validation.inference.base.detect_all`.
        labels: The names of its classes, none where no list is known.
        num_classes: Without the background; None where an inference graph does not say.
        notices: What was assumed, ignored or found wrong in the file.
        tflite: The file, opened; None for an inference graph.
    """

    name: str
    make: Callable[[], DetectFile]
    labels: ClassNames = field(default_factory=lambda: no_names(0))
    num_classes: int | None = None
    notices: tuple[FileNotice, ...] = ()
    tflite: TfliteModel | None = None

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
        help="class names: .pbtxt, one a line, numbered lines, CSV, JSON, data.yaml or a .tflite "
        "with labels; 'coco' means COCO's 90 ids (default: the file's metadata)",
    )
    parser.add_argument(
        "--input_stats",
        type=parse_input_stats,
        metavar="MEAN/STD",
        help="how pixels are normalised: (pixel - MEAN) / STD; 'guide' is 128/127 (default: "
        "from the export beside the file, its metadata or its scale and zero point, else "
        "127.5/127.5)",
    )
    add_feed_flag(parser.add_argument)
    parser.add_argument(
        "--export_directory",
        type=Path,
        metavar="DIR",
        help="what export wrote, for a file that ends in raw outputs (default: the file's folder)",
    )


def refuse_other_models(paths: Sequence[Path], options: argparse.Namespace) -> None:
    """Refuse what `open_model` refuses by the kind of a file, before one is opened.

    Raises:
        ValidationError: No model file, or no label map.
    """
    for path in paths:
        is_tflite(path)
    if options.label_map is not None:
        labels_named(options.label_map)


@contextlib.contextmanager
def open_model(path: Path, options: argparse.Namespace) -> Iterator[OpenModel]:
    """A model file as the flags describe it; reports how it is fed.

    Args:
        path: .tflite, with or without the post-processing op, or frozen_inference_graph.pb.
        options: Of `add_model_flags`.

    Raises:
        ValidationError: The file or its label map cannot be used.
    """
    stated = None if options.label_map is None else labels_named(options.label_map)
    if is_tflite(path):
        model = open_tflite(
            path,
            export=options.export_directory,
            stated=stated_feed(options.feed, options.input_stats),
        )
        with held_back():
            # Fails here, not later, where LiteRT rejects the file; hides LiteRT's log lines.
            model.detector()
        labels = _class_names(path.name, stated, model.labels, model.num_classes)
        say(f"{path.name}: {model.describe_feed()}")
        for notice in model.notices:
            if notice.kind is FileNoticeKind.NORMALISATION_ASSUMED:
                continue  # in the line above
            say(f"{path.name}: {notice.describe()}")
        yield OpenModel(
            path.name,
            lambda: on_files(model.detector()),
            labels,
            model.num_classes,
            model.notices,
            model,
        )
        return
    for flag in ("feed", "input_stats", "export_directory"):
        if getattr(options, flag) is not None:
            say(f"{path.name}: --{flag} is ignored: an inference graph normalises images itself")
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
        say(f"{path.name}: {_how_it_resizes(detector.image_size)}")
        labels = _class_names(path.name, stated, None, num_classes)
        # One session serves all threads.
        yield OpenModel(path.name, lambda: on_files(detector), labels, num_classes)


def _how_it_resizes(only_size: tuple[int, int] | None) -> str:
    if only_size is None:
        return "resizes and normalises images itself"
    return takes_only(only_size)


def usable_labels(labels: ClassNames, num_classes: int | None) -> Mapping[int, str]:
    """Labels to write beside detections: COCO's where a model of 90 classes has none."""
    if labels.names:
        return labels.names
    if num_classes != _COCO_CLASSES:
        say("no label map: classes are shown by id; --label_map=FILE names them")
        return labels.names
    say("no label map: assuming that the 90 classes are COCO's")
    return align(labels_named(COCO_LABELS), _COCO_CLASSES).names


def _class_names(
    model: str, stated: LabelList | None, own: LabelList | None, num_classes: int | None
) -> ClassNames:
    """The names of a model's classes, and a line that says how many have one.

    Args:
        model: Name of the file.
        stated: What --label_map names; it goes before the file's own.
        own: Of the file's metadata. Where it does not fit the classes, it is ignored.
        num_classes: None where the file does not say.

    Raises:
        DatasetError: The stated list does not fit the classes.
    """
    labels = stated or own
    if labels is None:
        return no_names(num_classes or 0)
    if num_classes is None:
        names = align_uncounted(labels)
        say(
            f"{model}: {len(names.names)} names ({names.source}) for a model that "
            "does not say how many classes it has"
        )
        return names
    try:
        names = align(labels, num_classes)
    except DatasetError as error:
        if stated is not None:
            raise
        say(f"{model}: its labels are ignored: {error}")
        return no_names(num_classes)
    say(f"{model}: {names.describe()} ({names.source})")
    return names


def is_tflite(path: Path) -> bool:
    """True for a .tflite file; False for a graph.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
        ArtefactError: Neither of them, with what it is.
    """
    return kind_of(path, Wanted.DETECTOR).kind is Kind.TFLITE
