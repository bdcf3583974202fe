"""Conversions as tasks: a graph's bytes go to a worker, and the bytes of a .tflite come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.calibration.images import CalibrationImages
from validation.cluster.images import ImagePlaces, RemoteImage, local_images
from validation.cluster.model_file import ModelFile
from validation.cluster.task import Done, Task
from validation.cluster.tasks import TaskRunner
from validation.cluster.worker import WorkerFacts
from validation.files.digest import file_sha256
from validation.files.temporary import scratch
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import InputStats

_NAME = "converted.tflite"


@dataclass(frozen=True)
class ClusterConversion:
    """A file that is to be converted.

    Args:
        name: For people: model and variant.
        graph: ``tflite_graph.pb``.
        variant: Its name.
        preprocessing: Of the export's contract.
        input_stats: Of a uint8 input; None where the variant needs none.
        calibration: Images of int8; None where the variant needs none.
        memory_bytes: What the converter takes at most; 0 where it is not known.
        limit_seconds: How long it may take.
    """

    name: str
    graph: Path
    variant: str
    preprocessing: Preprocessing
    input_stats: InputStats | None = None
    calibration: CalibrationImages | None = None
    memory_bytes: int = 0
    limit_seconds: float = float("inf")

    def task(self, places: ImagePlaces) -> Task:
        """As a worker is given it.

        Args:
            places: Where workers find the calibration images.
        """
        chosen = self.calibration
        remote = None
        if chosen is not None:
            images = tuple(places.remote(each, file_sha256(each.path)) for each in chosen.images)
            remote = RemoteCalibration(images, chosen.seed, chosen.source, chosen.min_span)
        return Task(
            f"convert {self.name}",
            convert_on_worker,
            (self.variant, self.preprocessing, self.input_stats, remote),
            ModelFile(self.graph),
            self.memory_bytes,
            self.limit_seconds,
        )


@dataclass(frozen=True)
class RemoteCalibration:
    """Calibration images as workers find them; see `CalibrationImages`.

    Args:
        images: As drawn.
        seed: Of the draw.
        source: What they were drawn from.
        min_span: Share of the extractor's input range that they have to span together.
    """

    images: tuple[RemoteImage, ...]
    seed: int
    source: str
    min_span: float

    def local(self, worker: str) -> CalibrationImages:
        """The images as files of a worker's machine.

        Args:
            worker: For messages.
        """
        files = local_images(self.images, worker)
        return CalibrationImages(files, self.seed, self.source, self.min_span)


def converted(
    conversions: Sequence[ClusterConversion],
    places: ImagePlaces,
    runner: TaskRunner,
    say: Callable[[str], object],
) -> Iterator[tuple[ClusterConversion, Done]]:
    """Have workers convert files; each is given when it is done, its bytes as the value.

    Where workers declare their memory, a conversion goes where there is enough of it.

    Args:
        conversions: What is to be converted.
        places: Where workers find the calibration images.
        runner: Of the cluster.
        say: Takes a line for the user.

    Raises:
        ClusterLost: The scheduler is gone, or no worker is left.
    """
    if any(each.memory_bytes for each in conversions) and not runner.declares_memory:
        say(
            "no worker declares its memory (--resources memory=BYTES): conversions are handed out "
            "without regard to it"
        )
    tasks = {each.task(places): each for each in conversions}
    for done in runner.results(tasks):
        yield tasks[done.task], done


def convert_on_worker(
    worker: WorkerFacts,
    graph: Path,
    variant: str,
    preprocessing: Preprocessing,
    input_stats: InputStats | None,
    calibration: RemoteCalibration | None,
) -> bytes:
    """One conversion, on the worker that was chosen.

    Args:
        worker: This one.
        graph: The exported graph here.
        variant: See `ClusterConversion`.
        preprocessing: Alike.
        input_stats: Alike.
        calibration: Alike.

    Raises:
        ValidationError: The graph is not convertible, or an image cannot be read.
    """
    # TensorFlow is imported where something is converted.
    from validation.convert.tflite import convert_variant

    with scratch() as folder:
        return convert_variant(
            graph,
            variant,
            folder / _NAME,
            preprocessing=preprocessing,
            input_stats=input_stats,
            calibration=None if calibration is None else calibration.local(worker.address),
        ).read_bytes()
