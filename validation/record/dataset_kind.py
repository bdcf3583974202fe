"""Which kinds of data sets are read."""

from __future__ import annotations

import enum


class DatasetKind(enum.StrEnum):
    """How labelled images were given; the value is its public name."""

    COCO = "COCO json"
    TFRECORD = "TFRecord"
    VOC = "Pascal VOC"
    YOLO = "YOLO"
