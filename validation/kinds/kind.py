"""The kinds of file that people have at hand when a command asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What a path names. ``kinds.toml`` says each in words, and what to do with it."""

    TFLITE = "tflite"
    EDGE_TPU = "edge tpu"
    GRAPH = "graph"
    EXPORTED_GRAPH = "exported graph"
    GRAPH_TEXT = "graph text"
    META_GRAPH = "meta graph"
    CHECKPOINT = "checkpoint"
    CHECKPOINT_INDEX = "checkpoint index"
    CHECKPOINT_LIST = "checkpoint list"
    CONFIG = "pipeline config"
    SAVED_MODEL = "saved model"
    OPENCV_TEXT = "opencv text"
    LABEL_MAP = "label map"
    NAMES = "names"
    COCO_ANNOTATIONS = "coco annotations"
    COCO_RESULTS = "coco results"
    JSON = "json"
    RECORD = "record"
    VOC_XML = "voc xml"
    XML = "xml"
    TFRECORD = "tfrecord"
    KERAS = "keras"
    ONNX = "onnx"
    CORE_ML = "core ml"
    PYTORCH = "pytorch"
    TFJS = "tfjs"
    OPENVINO = "openvino"
    CAFFE = "caffe"
    DARKNET = "darknet"
    NUMPY = "numpy"
    TAR = "tar"
    ZIP = "zip"
    COMPRESSED = "compressed"
    LFS_POINTER = "lfs pointer"
    WEB_PAGE = "web page"
    EMPTY = "empty"
    IMAGE = "image"
    WIDE_TEXT = "wide text"
    TEXT = "text"
    MODEL_FOLDER = "model folder"
    RUN_FOLDER = "run folder"
    VOC_FOLDER = "voc folder"
    IMAGE_FOLDER = "image folder"
    FOLDER = "folder"
    UNKNOWN = "unknown"


class Wanted(StrEnum):
    """What a flag or an argument asks for; ``kinds.toml`` says which kinds will do."""

    INFERENCE_GRAPH = "inference graph"
    CONVERTIBLE_GRAPH = "convertible graph"
    GRAPH = "graph"
    TFLITE = "tflite"
    DETECTOR = "detector"
    COMPARED = "compared"
    REFERENCE = "reference"
    DESCRIBED = "described"
    DRAWN = "drawn"
    CONFIG = "config"
    CHECKPOINT = "checkpoint"
    LABELS = "labels"
    ANNOTATIONS = "annotations"
    PICTURE = "picture"
    ARCHIVE = "archive"
    RUN = "run"
    TOML = "toml"
    PACK = "pack"


@dataclass(frozen=True)
class Recognised:
    """A path and what it names.

    Args:
        path: The file or folder; of a checkpoint its prefix.
        kind: By content; a suffix only decides where the content does not.
        detail: What else was read, such as the title of a web page; empty: nothing.
        cut: How the file shows that its end is missing; empty where it does not.
        by_suffix: The content of a text says nothing; its reader says what is wrong with it.
    """

    path: Path
    kind: Kind
    detail: str = ""
    cut: str = ""
    by_suffix: bool = False
