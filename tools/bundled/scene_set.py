"""A split of scenes as a folder in the COCO layout (https://cocodataset.org/#format-data).

annotations.json has images, annotations and categories; images/ the files, of which every eighth
is a small lossless .png and the others are .jpg; label_map.pbtxt the class names as the OD API
writes them; SHA256SUMS the sums of all other files, for `sha256sum --check`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from bundled.scenes import LONGEST_SIDE, Scene, draw_scene_with_masks
from bundled.shapes import CLASSES, Mask
from validation.errors import UsageError, first_few

__all__ = [
    "CALIBRATION_SEED",
    "FIRST_TRAINING_SEED",
    "VALIDATION_COUNT",
    "VALIDATION_SEED",
    "LabelledScene",
    "annotation_table",
    "labelled_scenes",
    "scene_random",
    "write_split",
]

# A scene belongs to one seed and one index. Whoever trains takes a seed from the last one on, so
# that no model has seen what it is judged or calibrated with.
VALIDATION_SEED = 1
CALIBRATION_SEED = 2
FIRST_TRAINING_SEED = 1000
VALIDATION_COUNT = 600

ANNOTATIONS = "annotations.json"
IMAGES = "images"
LABEL_MAP = "label_map.pbtxt"
SUMS = "SHA256SUMS"

_PNG_EVERY = 8
_PNG_LONGEST_SIDE = 160
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class LabelledScene:
    """A scene of a split.

    Args:
        file_name: Inside the image folder.
        masks: bool [height, width] for each object: its visible pixels.
    """

    file_name: str
    scene: Scene
    masks: tuple[Mask, ...]


def scene_random(seed: int, index: int) -> np.random.Generator:
    """Where the chance of one scene comes from, whichever scenes are drawn before it."""
    return np.random.default_rng([seed, index])


def write_split(folder: Path, seed: int, count: int) -> None:
    """Write a split; one that is there already is replaced once the new one is complete.

    Args:
        folder: Ends up with the files of this split and no others.
        seed: Of all scenes; see `VALIDATION_SEED`.
        count: Number of images. The first images of a longer split are those of a shorter one.

    Raises:
        UsageError: count is below 1, seed below 0, the folder's parent is not there, or the
            folder holds something else than a split.
    """
    if count < 1:
        raise UsageError("a split without images", expected="at least 1", got=count, where="count")
    if seed < 0:
        raise UsageError("a seed counts from 0", got=seed, where="seed")
    if not folder.parent.is_dir():
        raise UsageError("no such folder", where=folder.parent, next_step="make it first")
    _refuse_strangers(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as work:
        fresh, old = Path(work) / "new", Path(work) / "old"
        _write_files(fresh, list(labelled_scenes(seed, count)), seed)
        try:
            # A folder cannot be replaced in one step while it holds files.
            if folder.exists():
                folder.replace(old)
            fresh.replace(folder)
        except BaseException:
            if old.exists():
                old.replace(folder)
            raise


def labelled_scenes(seed: int, count: int) -> Iterator[LabelledScene]:
    """The scenes of a split, drawn one by one.

    Args:
        seed: As in `write_split`.
        count: Number of scenes.
    """
    for index in range(count):
        lossless = index % _PNG_EVERY == _PNG_EVERY - 1
        longest = _PNG_LONGEST_SIDE if lossless else LONGEST_SIDE
        scene, masks = draw_scene_with_masks(scene_random(seed, index), longest)
        yield LabelledScene(f"{index + 1:06}.{'png' if lossless else 'jpg'}", scene, masks)


def annotation_table(scenes: Sequence[LabelledScene], seed: int) -> dict[str, Any]:
    """The COCO annotation file as a table; image ids count from 1 in the order of the scenes.

    A segmentation is the run lengths of the visible pixels and area is their number; bbox is of
    the whole object, as a detector is expected to find it.

    Args:
        scenes: In the order of their ids.
        seed: For the description.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, labelled in enumerate(scenes, start=1):
        height, width = labelled.scene.image.shape[:2]
        images.append(
            {"id": image_id, "file_name": labelled.file_name, "width": width, "height": height}
        )
        for annotation in _annotations(labelled):
            ids = {"id": len(annotations) + 1, "image_id": image_id}
            annotations.append(ids | annotation)
    return {
        "info": {"description": f"Shapes in scenes, drawn with seed {seed}"},
        "categories": [{"id": key, "name": name} for key, name in enumerate(CLASSES, start=1)],
        "images": images,
        "annotations": annotations,
    }


def _annotations(labelled: LabelledScene) -> Iterator[dict[str, Any]]:
    scene = labelled.scene
    for box, label, crowd, area, mask in zip(
        scene.boxes.astype(int).tolist(),
        scene.classes.tolist(),
        scene.crowd.tolist(),
        scene.areas.astype(int).tolist(),
        labelled.masks,
        strict=True,
    ):
        ymin, xmin, ymax, xmax = box
        # COCO's run lengths go down the columns.
        lengths = coco_mask.encode(np.asfortranarray(mask, np.uint8))
        yield {
            "category_id": label,
            "bbox": [xmin, ymin, xmax - xmin, ymax - ymin],
            "area": area,
            "iscrowd": int(crowd),
            "segmentation": {"size": lengths["size"], "counts": lengths["counts"].decode("ascii")},
        }


def _write_files(folder: Path, scenes: Sequence[LabelledScene], seed: int) -> None:
    (folder / IMAGES).mkdir(parents=True)
    for labelled in scenes:
        (folder / IMAGES / labelled.file_name).write_bytes(_encoded(labelled))
    (folder / ANNOTATIONS).write_text(_json_lines(annotation_table(scenes, seed)), "utf-8")
    (folder / LABEL_MAP).write_text(_label_map(), "utf-8")
    names = sorted(_files(folder))
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (folder / SUMS).write_text("\n".join(sums) + "\n", "utf-8")


def _encoded(labelled: LabelledScene) -> bytes:
    picture, file = Image.fromarray(labelled.scene.image), io.BytesIO()
    if labelled.file_name.endswith(".png"):
        picture.save(file, "PNG", optimize=True)
    else:
        picture.save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return file.getvalue()


def _json_lines(table: dict[str, Any]) -> str:
    """JSON with one entry a line, so that a change of one object is a change of one line."""

    def compact(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    parts = [
        f"{compact(key)}:[\n" + ",\n".join(map(compact, value)) + "\n]"
        if isinstance(value, list)
        else f"{compact(key)}:{compact(value)}"
        for key, value in table.items()
    ]
    return "{" + ",\n".join(parts) + "}\n"


def _label_map() -> str:
    items = (
        f"item {{\n  id: {key}\n  name: '{name}'\n}}\n" for key, name in enumerate(CLASSES, start=1)
    )
    return "\n".join(items)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _refuse_strangers(folder: Path) -> None:
    """Replacing a folder deletes it: only what a split's own list names may go."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError("a split is a folder, and this is a file", where=folder)
    sums = folder / SUMS
    lines = sums.read_text("utf-8", "replace").splitlines() if sums.is_file() else []
    listed = {line.partition("  ")[2] for line in lines} | {SUMS}
    strangers = sorted(_files(folder) - listed)
    if strangers:
        raise UsageError(
            "the folder holds files that belong to no split",
            got=first_few(strangers),
            where=folder,
            next_step="name a new or empty folder",
        )
