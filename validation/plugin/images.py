"""The images of a session: what the user gave, else what ships for the group under test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.calibration.images import CalibrationImages, drawn_from_folder, drawn_from_labelled
from validation.coco.box_formats import BoxFormat
from validation.coco.dataset import Dataset, load_dataset
from validation.errors import UsageError, first_few
from validation.labels.spelling import plain
from validation.policy.load import Policy
from validation.record.dataset_kind import DatasetKind
from validation.zoo.bundled_files import (
    CALIBRATION_NAME,
    SCENES_NAME,
    bundled_canaries,
    calibration_scenes,
    labelled_scenes,
)
from validation.zoo.canaries import Canary, load_canaries

_NAME_MODELS = "name the models that do: --zoo person, or --zoo FOLDER"


@dataclass(frozen=True)
class SessionImages:
    """What a session looks at.

    Args:
        dataset: Labelled images, None where there are none.
        canaries: Images with one known object, of classes that the models can know.
        representative: Images to calibrate with, None where there are none.
    """

    dataset: Dataset | None
    canaries: tuple[Canary, ...]
    representative: CalibrationImages | None


def session_images(
    policy: Policy,
    *,
    bundled: bool,
    annotations: Path | None,
    images: Path | None,
    most: int | None,
    calibration: Path | None,
    canaries: Path | None = None,
    calibrates: bool = True,
    box_format: BoxFormat | None = None,
    cache: Path | None = None,
) -> SessionImages:
    """What the options come to.

    Args:
        policy: How many images to calibrate with.
        bundled: The models under test are the package's own, whose images ship with them.
        annotations: Of --coco-annotations.
        images: Of --coco-images.
        most: Of --max-images.
        calibration: Of --representative-images.
        canaries: Of --canaries.
        calibrates: Some file under test is calibrated here. Where there are no images for it,
            a share of the labelled ones is set apart.
        box_format: Of --box-format.
        cache: Of --cache-dir.

    Raises:
        UsageError: Images without annotations, a number of images of none, or labelled images
            that show nothing the bundled models know.
        DatasetError: Annotations or images that cannot be used.
        CatalogueError: The list of canaries cannot be used.
        ArtefactMissing: The package was installed without its data.
        IntegrityError: A file of the package is another one.
    """
    dataset = _dataset(annotations, images, most, box_format, cache, bundled=bundled)
    if bundled and dataset is not None and annotations is not None:
        _require_known_classes(dataset)
    chosen = None
    if calibration is not None:
        chosen = drawn_from_folder(calibration, policy)
    elif bundled:
        chosen = drawn_from_folder(calibration_scenes(), policy, CALIBRATION_NAME)
    elif dataset is not None and calibrates:
        chosen = drawn_from_labelled(dataset.files, policy, dataset.name)
        if chosen is not None:
            dataset = dataset.without({image.key for image in chosen.images})
    return SessionImages(dataset, _canaries(canaries, bundled=bundled), chosen)


def _canaries(own: Path | None, *, bundled: bool) -> tuple[Canary, ...]:
    if own is not None:
        return load_canaries(own)
    # The photographs show none of the scenes' classes.
    return load_canaries(bundled_canaries()) if bundled else load_canaries()


def _dataset(
    annotations: Path | None,
    images: Path | None,
    most: int | None,
    box_format: BoxFormat | None,
    cache: Path | None,
    *,
    bundled: bool,
) -> Dataset | None:
    if annotations is None and images is None:
        if bundled:
            return load_dataset(*labelled_scenes(), max_images=most, name=SCENES_NAME)
        if most is None:
            return None
    if annotations is None:
        raise UsageError(
            "no labelled images are named",
            expected="--coco-annotations PATH, with --coco-images DIR where the path does not say",
            got="--coco-images alone" if images else "--max-images alone",
        )
    return load_dataset(annotations, images, max_images=most, box_format=box_format, cache=cache)


def _require_known_classes(dataset: Dataset) -> None:
    """Without --zoo the bundled models are tested, which know few classes."""
    known = set(load_dataset(*labelled_scenes(), name=SCENES_NAME).categories.values())
    if not set(map(plain, known)) & set(map(plain, dataset.categories.values())):
        # What has no name is called by its number.
        names = sorted(
            name for name in dataset.categories.values() if name and not name.isdecimal()
        )
        raise UsageError(
            "the bundled models know none of the labelled classes",
            expected=f"some of {', '.join(sorted(known))}",
            got=first_few(names) or "classes without names",
            where=dataset.annotation_path.name,
            next_step=_NAME_MODELS if names else _name_classes(dataset.kind),
        )


def _name_classes(kind: DatasetKind) -> str:
    """Where a set of classes without names can get them; --label-map names the models' classes."""
    if kind is DatasetKind.TFRECORD:
        return (
            "name the records by the pipeline.config whose eval_input_reader has their label map, "
            "--coco-annotations=pipeline.config; or name the models: --zoo FOLDER"
        )
    if kind is DatasetKind.YOLO:
        return "name its data.yaml, or put classes.txt beside the labels; or use --zoo FOLDER"
    return f"name its categories; or {_NAME_MODELS}"
