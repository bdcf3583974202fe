"""A COCO data set written as owners of TF1 models have them: TFRecords, Pascal VOC, YOLO.

Written byte by byte, with nothing of the readers but the checksum.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from protobuf_wire import field, varint

from validation.coco.crc32c import crc32c
from validation.coco.dataset import Dataset

Values = Sequence[bytes] | Sequence[float] | Sequence[int]


def frame(data: bytes) -> bytes:
    """A record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def example(features: Mapping[str, Values]) -> bytes:
    """A serialised tf.train.Example, in protobuf's wire format."""
    entries = b"".join(
        field(1, field(1, name.encode()) + field(2, _feature(values)))
        for name, values in features.items()
    )
    return field(1, entries)


def write_tfrecords(
    dataset: Dataset, pattern: str, *, shards: int = 1, packed: bool = False
) -> None:
    """Write the set as the OD API's tool for COCO does.

    Args:
        dataset: The set.
        pattern: Path, with {} for the number of a shard where there are several.
        shards: Files.
        packed: Compress each file with gzip.
    """
    records: list[list[bytes]] = [[] for _ in range(shards)]
    for position, image in enumerate(dataset.images):
        objects = [item for item in dataset.ground_truth if item.image_id == image.id]
        corners = [
            (x / image.width, y / image.height, (x + w) / image.width, (y + h) / image.height)
            for x, y, w, h in (item.bbox for item in objects)
        ]
        features: dict[str, Values] = {
            "image/encoded": [image.path.read_bytes()],
            "image/format": [b"jpeg"],
            "image/filename": [image.file_name.encode()],
            "image/source_id": [str(image.id).encode()],
            "image/height": [image.height],
            "image/width": [image.width],
            "image/object/class/label": [item.category_id for item in objects],
            "image/object/class/text": [
                dataset.categories[item.category_id].encode() for item in objects
            ],
            "image/object/is_crowd": [int(item.is_crowd) for item in objects],
            "image/object/area": [float(item.area) for item in objects],
        }
        for column, side in enumerate(("xmin", "ymin", "xmax", "ymax")):
            features[f"image/object/bbox/{side}"] = [float(box[column]) for box in corners]
        records[position % shards].append(frame(example(features)))
    for number, each in enumerate(records):
        data = b"".join(each)
        Path(pattern.format(number)).write_bytes(gzip.compress(data, 1) if packed else data)


def write_voc(dataset: Dataset, folder: Path, *, split: str | None = "val") -> None:
    """Write the set as VOC's folders, corners as whole pixels from 1."""
    names = ("Annotations", "JPEGImages", "ImageSets/Main")
    annotations, images, lists = (folder / name for name in names)
    for each in (annotations, images, lists):
        each.mkdir(parents=True)
    for image in dataset.images:
        shutil.copy(image.path, images)
        objects = ""
        for item in dataset.ground_truth:
            if item.image_id == image.id:
                x, y, w, h = item.bbox
                sides = {"xmin": x + 1, "ymin": y + 1, "xmax": x + w, "ymax": y + h}
                corners = "".join(f"<{k}>{round(v)}</{k}>" for k, v in sides.items())
                name = escape(dataset.categories[item.category_id])
                objects += (
                    f"<object><name>{name}</name><difficult>{item.is_crowd:d}</difficult>"
                    f"<bndbox>{corners}</bndbox></object>"
                )
        size = f"<size><width>{image.width}</width><height>{image.height}</height></size>"
        (annotations / f"{image.path.stem}.xml").write_text(
            f"<annotation><filename>{escape(image.file_name)}</filename>{size}{objects}</annotation>"
        )
    if split is not None:
        stems = "".join(f"{image.path.stem}\n" for image in dataset.images)
        (lists / f"{split}.txt").write_text(stems)


def write_yolo(dataset: Dataset, folder: Path) -> Path:
    """Write the set as YOLO's folders with six decimals, and its data.yaml, which is returned."""
    images, labels = folder / "images" / "val", folder / "labels" / "val"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    numbers = {key: number for number, key in enumerate(sorted(dataset.categories))}
    for image in dataset.images:
        shutil.copy(image.path, images)
        lines = ""
        for item in dataset.ground_truth:
            if item.image_id == image.id:
                x, y, w, h = item.bbox
                shares = (
                    (x + w / 2) / image.width,
                    (y + h / 2) / image.height,
                    w / image.width,
                    h / image.height,
                )
                words = " ".join(f"{share:.6f}" for share in shares)
                lines += f"{numbers[item.category_id]} {words}\n"
        if lines:
            (labels / f"{image.path.stem}.txt").write_text(lines)
    names = "".join(
        f"  {numbers[key]}: {name}\n" for key, name in sorted(dataset.categories.items())
    )
    config = folder / "data.yaml"
    config.write_text(
        f"path: .\ntrain: images/train\nval: images/val  # to evaluate\nnames:\n{names}"
    )
    return config


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _feature(values: Values) -> bytes:
    if not values:
        return b""
    if isinstance(values[0], bytes):
        return field(1, b"".join(field(1, value) for value in values))
    if isinstance(values[0], float):
        return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
    # One below 0 as int64 has it.
    return field(3, field(1, b"".join(varint(int(value) % 2**64) for value in values)))
