"""One small sample of each kind of file that can be written without another library."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path

from protobuf_wire import field

from validation.kinds.kind import Kind

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 27381234\n"


def node(name: str, op: str) -> bytes:
    """A GraphDef's node."""
    return field(1, field(1, name.encode()) + field(2, op.encode()))


GRAPH = node("image_tensor", "Placeholder") + node("detection_boxes", "Identity")
EXPORTED = GRAPH + node("op", "TFLite_Detection_PostProcess") + field(4, field(1, 1000))
META_GRAPH = field(1, field(5, b"1.15")) + field(2, GRAPH) + field(3, field(1, b"save"))
ONNX = field(1, 7) + field(2, b"pytorch") + field(7, field(1, b"x")) + field(8, field(2, 11))
CORE_ML = field(1, 4) + field(2, field(1, field(1, b"image"))) + field(500, b"layers")
TFLITE = b"\x1c\0\0\0TFL3" + b"\0" * 40
_EXAMPLE = field(1, field(1, b"feature"))
_MOST_TEXT = b" " * 100_000


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return stream.getvalue()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model/pipeline.config"))
    return stream.getvalue()


_COCO = {"info": {}, "images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}

FILES: tuple[tuple[Kind, str, bytes], ...] = (
    (Kind.TFLITE, "m.tflite", TFLITE),
    (Kind.TFLITE, "m.bin", TFLITE),
    (Kind.EDGE_TPU, "m_edgetpu.tflite", TFLITE + b"edgetpu-custom-op\0"),
    (Kind.GRAPH, "frozen_inference_graph.pb", GRAPH),
    (Kind.GRAPH, "m.tflite", GRAPH),
    (Kind.EXPORTED_GRAPH, "tflite_graph.pb", EXPORTED),
    (Kind.META_GRAPH, "model.ckpt.meta", META_GRAPH),
    (Kind.META_GRAPH, "graph.pb", META_GRAPH),
    (Kind.GRAPH_TEXT, "graph.pbtxt", b'node {\n  name: "a"\n}'),
    (Kind.OPENCV_TEXT, "g.pbtxt", b'node { name: "d"\n op: "DetectionOutput" }'),
    (
        Kind.OPENCV_TEXT,
        "long.pbtxt",
        b'node { name: "i" }' + _MOST_TEXT + b'node { name: "d"\n op: "DetectionOutput" }',
    ),
    (Kind.CONFIG, "pipeline.config", b"model { ssd {} }"),
    (Kind.CONFIG, "m.pb", b"\xef\xbb\xbf# SSD\nmodel { ssd {} }"),
    (Kind.LABEL_MAP, "labels.pbtxt", b"item {\n  id: 1\n  name: 'a'\n}"),
    (Kind.CHECKPOINT_LIST, "checkpoint", b'model_checkpoint_path: "model.ckpt"'),
    (Kind.CHECKPOINT_INDEX, "renamed", b"\0" * 40 + TABLE_MAGIC),
    (Kind.SAVED_MODEL, "saved_model.pb", field(1, 1) + field(2, META_GRAPH)),
    (Kind.SAVED_MODEL, "model.pb", field(1, 1) + field(2, META_GRAPH)),
    (Kind.SAVED_MODEL, "saved_model.pbtxt", b"saved_model_schema_version: 1"),
    (Kind.ONNX, "m.onnx", ONNX),
    (Kind.ONNX, "m.pb", ONNX),
    (Kind.CORE_ML, "m.mlmodel", CORE_ML),
    (Kind.KERAS, "m.h5", b"\x89HDF\r\n\x1a\n"),
    (Kind.KERAS, "m.keras", _zip("metadata.json", "config.json", "model.weights.h5")),
    (Kind.PYTORCH, "m.pt", _zip("archive/data.pkl", "archive/version")),
    (Kind.TFJS, "model.json", b'{"format": "graph-model", "modelTopology": {}}'),
    (Kind.OPENVINO, "m.xml", b'<?xml version="1.0" ?>\n<net name="m" version="10">'),
    (Kind.CAFFE, "deploy.prototxt", b'name: "SSD"\ninput: "data"\nlayer {\n}'),
    (Kind.DARKNET, "yolo.cfg", b"[net]\nbatch=64\n"),
    (Kind.NUMPY, "a.npy", b"\x93NUMPY\x01\0"),
    (Kind.COCO_ANNOTATIONS, "instances.json", json.dumps(_COCO).encode()),
    (Kind.COCO_RESULTS, "results.json", b'[{"image_id": 1, "score": 0.5}]'),
    (Kind.COCO_RESULTS, "d.json", b'{"detections": [{"bbox": [1, 2, 3, 4], "score": 0.5}]}'),
    (Kind.COCO_RESULTS, "log.jsonl", b'{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}\n{'),
    (Kind.JSON, "notes.json", b'{"message": "Not Found"}'),
    (Kind.RECORD, "record.jsonl", b'{"kind": "header", "run": "1"}\n'),
    (Kind.VOC_XML, "a.xml", b"<annotation><folder>x</folder></annotation>"),
    (Kind.XML, "b.xml", b'<?xml version="1.0"?><dataset/>'),
    (Kind.TFRECORD, "val.record", struct.pack("<Q", len(_EXAMPLE)) + b"crc0" + _EXAMPLE + b"crc1"),
    (Kind.TAR, "m.tar.gz", gzip.compress(_tar())),
    (Kind.TAR, "m.tar", _tar()),
    (Kind.ZIP, "m.zip", _zip("model/detect.tflite")),
    (Kind.COMPRESSED, "m.pb.gz", gzip.compress(GRAPH)),
    (Kind.COMPRESSED, "m.7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
    (Kind.LFS_POINTER, "frozen_inference_graph.pb", LFS),
    (Kind.LFS_POINTER, "detect.tflite", LFS),
    (Kind.WEB_PAGE, "m.pb", b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title>"),
    (Kind.WEB_PAGE, "m.tflite", b"<html>\xff404 Not Found</html>"),
    (Kind.WEB_PAGE, "m.zip", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    (Kind.EMPTY, "m.pb", b""),
    (Kind.IMAGE, "a.jpg", b"\xff\xd8\xff\xe0"),
    (Kind.IMAGE, "m.pb", b"\x89PNG\r\n\x1a\n"),
    (Kind.WIDE_TEXT, "pipeline.config", "model { }".encode("utf-16")),
    (Kind.NAMES, "labels.txt", b"person\ntraffic light\n"),
    (Kind.NAMES, "labels.pbtxt", b"0  person\n1: bicycle\n\n???\n"),
    (Kind.TEXT, "notes.txt", b"hello"),
    (Kind.TEXT, "boxes.txt", b"0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n"),
    (Kind.UNKNOWN, "m.bin", bytes(range(250, 0, -1))),
)

FOLDERS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.SAVED_MODEL, ("saved_model.pb", "variables/variables.index")),
    (Kind.SAVED_MODEL, ("saved_model/saved_model.pb", "checkpoint/ckpt-0.index")),
    (Kind.MODEL_FOLDER, ("frozen_inference_graph.pb", "saved_model/saved_model.pb")),
    (Kind.MODEL_FOLDER, ("ssd_2018/pipeline.config", "ssd_2018/model.ckpt.index")),
    (Kind.RUN_FOLDER, ("record.jsonl", "index.html")),
    (Kind.VOC_FOLDER, ("Annotations/a.xml", "JPEGImages/a.jpg")),
    (Kind.IMAGE_FOLDER, ("a.JPG",)),
    (Kind.FOLDER, ("notes.txt",)),
    (Kind.FOLDER, ()),
)


def folder_of(root: Path, names: tuple[str, ...]) -> Path:
    """A folder with empty files of these names."""
    folder = root / "given"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder
