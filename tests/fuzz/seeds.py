"""Small files of every kind that is read, as owners of models have them: what is changed."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import small_ssd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from failing_cases import case_of
from fuzz.seeds_of_runs import write_compared, write_search
from PIL import Image
from set_writers import write_tfrecords, write_voc, write_yolo
from signable_run import JANE, envelope_of, write_signable_run
from tiny_tflite import write_tiny_tflite

from validation.coco.dataset import load_dataset
from validation.signoff.envelope import KeyPair
from validation.signoff.run_files import RunFiles
from validation.signoff.signing import propose
from validation.zoo.canaries import DEFAULT_CANARIES

__all__ = ["write_seeds", "write_tensorflow_seeds"]

_DATA = Path(__file__).parents[1] / "data" / "metadata"
_SUFFIXES = ("png", "jpg", "bmp", "gif", "webp", "tiff")
_NAMES = ("square", "disc", "ring")

_LABELS = {
    "items.pbtxt": "".join(
        f'item {{\n  id: {n}\n  name: "{name}"\n  display_name: "{name}"\n}}\n'
        for n, name in enumerate(_NAMES, 1)
    ),
    "lines.txt": "\n".join(_NAMES) + "\n",
    "numbered.txt": "".join(f"{n}  {name}\n" for n, name in enumerate(_NAMES)),
    "table.csv": "id,name\n" + "".join(f"{n},{name}\n" for n, name in enumerate(_NAMES, 1)),
    "names.json": json.dumps({str(n): name for n, name in enumerate(_NAMES, 1)}),
    "data.yaml": "nc: 3\nnames:\n" + "".join(f"  {n}: {x}\n" for n, x in enumerate(_NAMES)),
}
_WAIVERS = """\
version = 1

[[waiver]]
model = "person"
variant = "int8"
check = "accuracy"
measure = "ap_drop"
by = "Jane Roe"
reason = "accepted for the field trial"
expires = "2999-01-01"
"""
_POLICY = """\
version = 1

[setting.parity_min_score]
value = 0.4
reason = "what the app shows"

[[limit]]
check = "latency"
measure = "p95_ms"
max = 40
reason = "one frame at 25 frames a second"

[required]
accuracy = ["float"]
"""


def write_seeds(folder: Path) -> None:
    """Write all that take no TensorFlow.

    Args:
        folder: Is made.
    """
    models = folder / "models"
    models.mkdir(parents=True)
    for name in ("tiny", "tiny_raw", "foreign"):
        shutil.copy(_DATA / f"{name}.tflite", models)
    write_tiny_tflite(models / "quantised.tflite")
    np.save(models / "anchors.npy", np.full((2, 4), 0.5, np.float32))
    _write_images(folder)
    labels = folder / "labels"
    labels.mkdir()
    for name, text in _LABELS.items():
        (labels / name).write_text(text, encoding="utf-8")
    _write_sets(folder)
    _write_run(folder)
    (folder / "packs").mkdir()
    case = case_of(models / "tiny.tflite", folder / "images" / "0.png")
    (folder / "packs" / "tiny.zip").write_bytes(case)
    write_search(folder / "search")
    shutil.copytree(DEFAULT_CANARIES.parent, folder / "canaries")
    (folder / "policy.toml").write_text(_POLICY)
    zoo = folder / "zoo" / "plain"
    zoo.mkdir(parents=True)
    (zoo / "pipeline.config").write_text(small_ssd.TEXT)
    (zoo / "label_map.pbtxt").write_text(_LABELS["items.pbtxt"])
    (folder / "plain.tar.gz").write_bytes(gzip.compress(_packed(zoo, "plain"), 1, mtime=0))
    (folder / "lock.json").write_text(
        json.dumps(
            {
                "version": 1,
                "downloads": {"https://example.org/a": {"sha256": "ab" * 32, "size_bytes": 7}},
            }
        )
    )


def _write_images(folder: Path) -> None:
    images = folder / "images"
    images.mkdir()
    for number, suffix in enumerate(_SUFFIXES):
        picture = Image.effect_mandelbrot((24, 16), (-2, -1, 1, 1), 20 + number).convert("RGB")
        picture.save(images / f"{number}.{suffix}")


def _write_sets(folder: Path) -> None:
    document = {
        "info": {"description": "seeds"},
        "images": [
            {"id": n, "file_name": f"{n}.{suffix}", "width": 24, "height": 16}
            for n, suffix in enumerate(_SUFFIXES[:2])
        ],
        "annotations": [
            {"id": n, "image_id": n % 2, "category_id": n % 3 + 1, "bbox": [2, 3, 9, 8 + n],
             "area": 72, "iscrowd": int(n == 2), "segmentation": [[2, 3, 11, 3, 11, 11]]}
            for n in range(4)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(_NAMES, 1)],
    }  # fmt: skip
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps(document))
    found = [
        {"image_id": n % 2, "category_id": n % 3 + 1, "bbox": [2, 3, 9, 8], "score": 0.9 - n / 10}
        for n in range(5)
    ]
    (folder / "results.json").write_text(json.dumps(found))
    (folder / "results.jsonl").write_text("".join(json.dumps(each) + "\n" for each in found))
    dataset = load_dataset(annotations, folder / "images")
    write_tfrecords(dataset, str(folder / "val.record"))
    write_tfrecords(dataset, str(folder / "packed.record"), packed=True)
    write_voc(dataset, folder / "voc")
    write_yolo(dataset, folder / "yolo")


def _write_run(folder: Path) -> None:
    run = write_signable_run(folder / "run", own_policy=True)
    write_compared(folder, run)
    write_signable_run(folder / "loss", ap=0.16)
    # The same key each time: the same number gives the same bytes.
    key = Ed25519PrivateKey.from_private_bytes(b"seed" * 8)
    keys = KeyPair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "seed",
    )
    (folder / "jane.pem").write_bytes(keys.private)
    (folder / "jane.pub.pem").write_bytes(keys.public)
    envelope = envelope_of(propose(RunFiles(run), JANE, None), keys)
    (run / "signoff-2026-01-03T09-00-00Z.dsse.json").write_bytes(envelope)
    (folder / "waivers.toml").write_text(_WAIVERS)


def write_tensorflow_seeds(folder: Path) -> None:
    """Write graphs, a checkpoint, a SavedModel and archives of them; takes TensorFlow.

    Args:
        folder: Where `write_seeds` wrote.
    """
    # Not at the top: most kinds take no TensorFlow.
    import miniatures
    from saved_models import write_tf1

    from validation.cli import main

    archive = miniatures.write_archive(folder / "mini", checkpoint=True)
    graph = archive / "frozen_inference_graph.pb"
    code = main(["export", f"--frozen_graph={graph}", f"--output_directory={folder / 'export'}"])
    assert code == 0
    raw = "raw_outputs/box_encodings,raw_outputs/class_predictions"
    source, output = folder / "export" / "tflite_graph.pb", folder / "export" / "detect.tflite"
    names = f"--output_arrays={raw}"
    assert main(["convert", f"--graph_def_file={source}", f"--output_file={output}", names]) == 0
    # The same detector with numbers of two sorts, run on the images.
    models, plain = folder / "models", folder / "export" / "tflite_graph.pb"
    for variant in ("float", "int8"):
        output = models / f"mini_{variant}.tflite"
        chosen = [f"--variant={variant}", f"--representative_images={folder / 'images'}"]
        words = ["convert", f"--graph_def_file={plain}", f"--output_file={output}"]
        assert main([*words, *(chosen if variant == "int8" else chosen[:1])]) == 0
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef.FromString(graph.read_bytes())
    write_tf1(folder / "saved_model", definition)
    packed = _packed(archive, "mini")
    (folder / "mini.tar.gz").write_bytes(gzip.compress(packed, 1, mtime=0))
    (folder / "mini.tar").write_bytes(packed)


def _packed(folder: Path, name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        packed.add(folder, name, filter=_without_time)
    return stream.getvalue()


def _without_time(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    return member
