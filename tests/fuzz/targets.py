"""Which kinds of files are changed how, and what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fuzz.binaries import (
    bomb,
    change_npy,
    change_pack,
    change_png,
    change_protobuf,
    change_tar,
    inside_frames,
    inside_gzip,
    inside_zip,
)
from fuzz.mutations import Mutator, change_bytes, mixed
from fuzz.texts import change_json, change_json_lines, change_text
from fuzz.tflites import change_tflite

__all__ = ["FORMS", "TARGETS", "Target", "Words", "no_files"]

# A command line. ``IN`` is the changed file, ``FOLDER`` the folder that it lies in, ``@NAME`` a
# seed, ``%NAME`` a copy of a seed's folder, for commands that write there.
Words = tuple[str, ...]
# What there may be instead of a file.
FORMS = ("fifo", "folder", "device", "dangling", "loop", "empty", "unreadable")


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Args:
        kind: As the table calls it.
        seeds: Paths below the seeds' folder, or patterns.
        mutator: How they are changed.
        commands: What reads them, in turn; one that begins with ``read`` names one of
            `reading.READERS`.
        folder: Of the seeds: all of it is copied and the file changed in the copy; empty for a
            file by itself.
        tensorflow: True where the commands import it.
        weight: How often one is drawn, beside the others.
        forms: Of `FORMS`: it is no file of bytes that is changed.
    """

    kind: str
    seeds: Sequence[str]
    mutator: Mutator
    commands: Sequence[Words]
    folder: str = ""
    tensorflow: bool = False
    weight: int = 4
    forms: Sequence[str] = ()


def _target(
    kind: str,
    seeds: str,
    mutator: Mutator,
    *commands: str,
    folder: str = "",
    tensorflow: bool = False,
    weight: int = 4,
) -> Target:
    words = [tuple(each.split()) for each in commands]
    return Target(kind, seeds.split(), mutator, words, folder, tensorflow, weight)


_LABELLED = "--coco-annotations=@annotations.json --coco-images=@images"
_DETECT = "detect @models/tiny.tflite @images/0.png --output_directory=out"
_EVALUATE = "evaluate @models/tiny.tflite"
_VERIFY = "signoff FOLDER --verify --on=2026-02-01 --key=@jane.pub.pem"
_SIGN = "signoff FOLDER --by=Jane --key=@jane.pem"
_TEXT = mixed(change_text, change_text, change_bytes)
_JSON = mixed(change_json, change_json, change_text)
_TAR = inside_gzip(change_tar)

TARGETS: tuple[Target, ...] = (
    _target(
        ".tflite",
        "models/*.tflite",
        change_tflite,
        "inspect IN",
        f"evaluate IN {_LABELLED} --json",
        "detect IN @images/0.png @images/1.jpg --output_directory=out",
        "compare @models/tiny.tflite IN --images=@images",
        "explain IN @models/tiny.tflite --images=@images --html=page.html",
        "explain @models/mini_float.tflite IN --images=@images --json",
        "visualize IN --output_file=picture.dot",
        "inspect IN --json",
        weight=14,
    ),
    _target(
        ".tflite, judged",
        "models/*.tflite",
        change_tflite,
        f"judge IN --report-dir=report --offline {_LABELLED}",
        "judge IN @models/mini_float.tflite --report-dir=report --offline",
        weight=0,
    ),
    _target(
        "anchors.npy",
        "export/anchors.npy",
        change_npy,
        "detect FOLDER/detect.tflite @images/0.png --output_directory=out",
        "inspect FOLDER/detect.tflite",
        folder="export",
    ),
    _target(
        "tflite_graph.json",
        "export/tflite_graph.json",
        _JSON,
        "inspect FOLDER/detect.tflite",
        "detect FOLDER/detect.tflite @images/0.png --output_directory=out",
        folder="export",
        weight=2,
    ),
    _target(
        "label map",
        "labels/*.pbtxt",
        _TEXT,
        f"{_DETECT} --label_map=IN",
        f"{_EVALUATE} {_LABELLED} --label_map=IN",
    ),
    _target(
        "labels as text, CSV, JSON, YAML",
        "labels/*.txt labels/*.csv labels/*.json labels/*.yaml",
        mixed(change_text, change_bytes, change_json),
        f"{_DETECT} --label_map=IN",
    ),
    _target(
        "COCO annotations",
        "annotations.json",
        _JSON,
        f"{_EVALUATE} --coco-annotations=IN --coco-images=@images --json",
        "explain @models/tiny.tflite @models/mini_int8.tflite --coco-annotations=IN "
        "--coco-images=@images",
    ),
    _target(
        "COCO results",
        "results.json results.jsonl",
        mixed(change_json, change_json_lines, change_text),
        "read results IN",
    ),
    _target(
        "TFRecord",
        "val.record packed.record",
        mixed(inside_frames(change_protobuf), inside_gzip(change_bytes)),
        f"{_EVALUATE} --coco-annotations=IN --json",
    ),
    _target(
        "Pascal VOC",
        "voc/Annotations/*.xml voc/ImageSets/Main/val.txt",
        _TEXT,
        f"{_EVALUATE} --coco-annotations=GIVEN --label_map=@labels/items.pbtxt",
        folder="voc",
    ),
    _target(
        "YOLO",
        "yolo/data.yaml yolo/labels/val/*.txt",
        _TEXT,
        f"{_EVALUATE} --coco-annotations=GIVEN",
        f"{_EVALUATE} --coco-annotations=GIVEN/data.yaml",
        folder="yolo",
    ),
    _target(
        "images",
        "images/*",
        mixed(change_png, change_bytes),
        "detect @models/tiny.tflite IN --output_directory=out",
        f"{_EVALUATE} --coco-annotations=@annotations.json --coco-images=FOLDER",
        "compare @models/tiny.tflite @models/mini_int8.tflite --images=FOLDER",
        folder="images",
    ),
    _target(
        "archive",
        "plain.tar.gz mini.tar.gz mini.tar",
        mixed(_TAR, _TAR, _TAR, change_tar, change_bytes, bomb),
        "zoo show IN --cache_dir=cache",
        "zoo list --zoo=FOLDER",
        "zoo fetch * --zoo=FOLDER --cache_dir=cache --offline",
    ),
    _target("policy", "policy.toml", _TEXT, "read policy IN"),
    _target(
        "canaries", "canaries/canaries.toml", _TEXT, "read canaries IN", folder="canaries", weight=2
    ),
    _target("lock file", "lock.json", _JSON, "zoo list --lock_file=IN --zoo=@zoo"),
    _target(
        "run record",
        "run/record.jsonl",
        mixed(change_json_lines, change_text),
        "report FOLDER",
        "compare FOLDER @loss",
        "compare @run FOLDER --json",
        _SIGN,
        _VERIFY,
        folder="run",
    ),
    _target(
        "evidence",
        "run/evidence/*.npz",
        mixed(inside_zip(change_npy), change_bytes),
        _SIGN.replace("FOLDER", "GIVEN"),
        _VERIFY.replace("FOLDER", "GIVEN"),
        "read detections IN",
        folder="run",
    ),
    _target("baseline", "baseline/baseline.json", _JSON, "read baseline IN", folder="baseline"),
    _target(
        "matches of a baseline",
        "baseline/*.zip",
        mixed(inside_zip(change_npy), change_bytes),
        "read baseline FOLDER/baseline.json",
        folder="baseline",
        weight=2,
    ),
    _target("history", "past/history/*.json", _JSON, "read history IN", folder="past"),
    _target("search", "search/state.json", _JSON, "read search IN", folder="search"),
    _target("signature", "run/*.dsse.json", mixed(_JSON, change_bytes), _VERIFY, folder="run"),
    _target(
        "waivers",
        "waivers.toml",
        _TEXT,
        "signoff %loss --by=Jane --waive=IN --key=@jane.pem",
        weight=2,
    ),
    _target(
        "keys",
        "jane.pem jane.pub.pem",
        _TEXT,
        "signoff %run --by=Jane --key=IN",
        "signoff @run --verify --on=2026-02-01 --key=IN",
        weight=2,
    ),
    _target(
        "failing case",
        "packs/*.zip",
        change_pack,
        "replay IN",
        "replay IN --json",
    ),
    _target(
        "inference graph",
        "mini/frozen_inference_graph.pb",
        change_protobuf,
        "inspect IN",
        "export --frozen_graph=IN --output_directory=out",
        "visualize IN --output_file=picture.dot",
        f"evaluate IN {_LABELLED}",
        "explain IN @models/mini_float.tflite --images=@images",
        tensorflow=True,
        weight=4,
    ),
    _target(
        "exported graph",
        "export/tflite_graph.pb",
        change_protobuf,
        "inspect IN",
        "convert --graph_def_file=IN --output_file=out.tflite",
        tensorflow=True,
        weight=3,
    ),
    _target(
        "graph as text",
        "export/tflite_graph.pbtxt",
        _TEXT,
        "inspect IN",
        "visualize IN --output_file=picture.dot",
        tensorflow=True,
        weight=2,
    ),
    _target(
        "SavedModel",
        "saved_model/saved_model.pb",
        change_protobuf,
        "read reference FOLDER",
        folder="saved_model",
        tensorflow=True,
        weight=2,
    ),
    _target(
        "checkpoint",
        "mini/model.ckpt.*",
        mixed(change_bytes, change_protobuf),
        "inspect FOLDER/model.ckpt.index",
        "visualize FOLDER/model.ckpt.meta --output_file=picture.dot",
        "export --trained_checkpoint_prefix=FOLDER/model.ckpt --output_directory=out",
        "export --trained_checkpoint_prefix=FOLDER/model.ckpt --output_directory=out "
        "--pipeline_config_path=FOLDER/pipeline.config",
        folder="mini",
        tensorflow=True,
        weight=3,
    ),
    _target(
        "pipeline.config",
        "mini/pipeline.config",
        _TEXT,
        "inspect IN",
        "export --frozen_graph=@mini/frozen_inference_graph.pb --pipeline_config_path=IN "
        "--output_directory=out",
        tensorflow=True,
    ),
)


def no_files() -> Target:
    """Something else instead of each file that a command reads."""
    commands = [
        words
        for target in TARGETS
        for words in target.commands
        if "IN" in " ".join(words) and words[0] != "judge" and not target.tensorflow
    ]
    return Target("no file", ("labels/lines.txt",), change_bytes, commands, forms=FORMS)
