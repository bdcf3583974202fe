"""Tiny SSD archives as files: graphs, checkpoints, configs, label maps and labelled images.

See `miniature_graph` for what a miniature is.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from miniature_graph import ANCHORS, Miniature, build_graph
from PIL import Image, ImageDraw, ImageFilter

__all__ = [
    "DEFAULT",
    "LABELS",
    "Miniature",
    "build_graph",
    "write_archive",
    "write_checkpoint",
    "write_coco",
    "write_config",
    "write_frozen_graph",
]

DEFAULT = Miniature()
LABELS = ("square", "disc")
OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
# What a detector is taken to say of an image, and so what its labelled images hold.
MIN_SCORE = 0.3

_CONFIG = """\
model {{
  ssd {{
    num_classes: {num_classes}
    image_resizer {{ {resizer} }}
    feature_extractor {{ type: "ssd_miniature" }}
    box_coder {{
      faster_rcnn_box_coder {{
        y_scale: {y_scale} x_scale: {x_scale} height_scale: {h_scale} width_scale: {w_scale}
      }}
    }}
    matcher {{ argmax_matcher {{ matched_threshold: 0.5 }} }}
    similarity_calculator {{ iou_similarity {{}} }}
    box_predictor {{ convolutional_box_predictor {{ kernel_size: 1 }} }}
    anchor_generator {{ ssd_anchor_generator {{ num_layers: {num_layers} }} }}
    post_processing {{
      batch_non_max_suppression {{
        score_threshold: {score_threshold!r}
        iou_threshold: {iou_threshold!r}
        max_detections_per_class: {per_class}
        max_total_detections: {total}
      }}
      score_converter: {score_converter}
    }}
  }}
}}
"""


def write_frozen_graph(path: Path, miniature: Miniature = DEFAULT) -> Path:
    """Write frozen_inference_graph.pb, or whatever the path calls it."""
    graph = build_graph(miniature).as_graph_def()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return path


def write_checkpoint(folder: Path, miniature: Miniature = DEFAULT) -> Path:
    """Write model.ckpt.meta, .index and .data-*; returns the prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = build_graph(miniature, frozen=False)
    with graph.as_default(), tf.Session(graph=graph) as session:
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        saver.save(session, str(folder / "model.ckpt"), write_state=False)
    return folder / "model.ckpt"


def write_config(path: Path, miniature: Miniature = DEFAULT, **overrides: Any) -> Path:
    """Write a pipeline.config that says what the graph says, but for the overrides.

    Args:
        path: The file.
        miniature: Gives the values.
        overrides: Fields of `Miniature` with other values.
    """
    said = dataclasses.replace(miniature, **overrides)
    y_scale, x_scale, h_scale, w_scale = said.box_coder_scales or (1.0,) * 4
    resizer = (
        f"fixed_shape_resizer {{ height: {said.height} width: {said.width} }}"
        if said.resizer == "fixed"
        else f"keep_aspect_ratio_resizer {{ min_dimension: {said.height} }}"
    )
    text = _CONFIG.format(
        **dataclasses.asdict(said) | {"resizer": resizer},
        y_scale=y_scale,
        x_scale=x_scale,
        h_scale=h_scale,
        w_scale=w_scale,
        num_layers=len(ANCHORS),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_archive(
    folder: Path,
    miniature: Miniature = DEFAULT,
    *,
    frozen: bool = True,
    checkpoint: bool = False,
    config: bool = True,
    labels: tuple[str, ...] = LABELS,
) -> Path:
    """Lay a folder out as an unpacked archive of the zoo; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    if frozen:
        write_frozen_graph(folder / "frozen_inference_graph.pb", miniature)
    if checkpoint:
        write_checkpoint(folder, miniature)
    if config:
        write_config(folder / "pipeline.config", miniature)
    if labels:
        items = [
            f'item {{\n  id: {number}\n  name: "{name}"\n}}\n'
            for number, name in enumerate(labels, start=1)
        ]
        (folder / "label_map.pbtxt").write_text("".join(items))
    return folder


def write_coco(
    folder: Path,
    archive_or_graph: Path,
    images: int = 6,
    *,
    labels: tuple[str, ...] = LABELS,
) -> tuple[Path, Path]:
    """Make labelled images whose ground truth is what a miniature finds on them.

    Args:
        folder: Gets annotations.json and the folder images.
        archive_or_graph: An archive with a frozen graph or a checkpoint, or a frozen graph.
        images: How many; JPEG and PNG in turn, each of another size, none square.
        labels: Names of the categories, ids from 1.

    Returns:
        The annotation file and the image folder.
    """
    pictures = folder / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    listed: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    graph, prefix = _import(archive_or_graph)
    with tf.Session(graph=graph) as session:
        if prefix is not None:
            with graph.as_default():
                tf.train.Saver().restore(session, str(prefix))
        for number in range(1, images + 1):
            path = pictures / f"{number:012d}.{'png' if number % 2 else 'jpg'}"
            draw_picture(number).save(path)
            pixels = np.asarray(Image.open(path).convert("RGB"))
            height, width = pixels.shape[:2]
            listed.append({"id": number, "file_name": path.name, "height": height, "width": width})
            found = session.run(
                [f"{name}:0" for name in OUTPUTS], {"image_tensor:0": pixels[np.newaxis]}
            )
            for box, score, label in zip(found[0][0], found[1][0], found[2][0], strict=True):
                if score >= MIN_SCORE:
                    objects.append(_object(len(objects) + 1, number, box, label, (height, width)))
    categories = [{"id": number, "name": name} for number, name in enumerate(labels, start=1)]
    annotations = folder / "annotations.json"
    annotations.write_text(
        json.dumps({"images": listed, "annotations": objects, "categories": categories})
    )
    return annotations, pictures


def draw_picture(seed: int) -> Image.Image:
    """A soft ground with some shapes on it; the size follows from the seed."""
    random = np.random.default_rng(seed)
    width, height = 150 + 17 * seed, 100 + 5 * seed
    if seed % 3 == 0:
        width, height = height, width
    coarse = random.integers(0, 256, (5, 7, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    brush = ImageDraw.Draw(picture)
    for _ in range(6):
        left, top = random.integers(0, [width * 3 // 4, height * 3 // 4])
        across, down = random.integers(8, [width // 2, height // 2])
        draw = brush.ellipse if random.random() < 0.5 else brush.rectangle
        draw(
            [left, top, left + across, top + down], fill=tuple(random.integers(0, 256, 3).tolist())
        )
    return picture.filter(ImageFilter.GaussianBlur(1))


def _import(path: Path) -> tuple[Any, Path | None]:
    """A graph, and the prefix of its values where it is not frozen."""
    prefix = None
    graph = tf.Graph()
    if path.is_dir():
        if not (path / "frozen_inference_graph.pb").exists():
            prefix = path / "model.ckpt"
        path /= "frozen_inference_graph.pb"
    with graph.as_default():
        if prefix is not None:
            tf.train.import_meta_graph(f"{prefix}.meta")
        else:
            definition = tf.GraphDef.FromString(path.read_bytes())
            tf.import_graph_def(definition, name="")
    return graph, prefix


def _object(
    number: int, image: int, box: np.ndarray, label: float, size: tuple[int, int]
) -> dict[str, Any]:
    """One annotation; COCO's boxes are x, y, width and height in pixels."""
    ymin, xmin, ymax, xmax = (box.astype(float) * [*size, *size]).tolist()
    return {
        "id": number,
        "image_id": image,
        "category_id": int(label),
        "bbox": [xmin, ymin, xmax - xmin, ymax - ymin],
        "area": (xmax - xmin) * (ymax - ymin),
        "iscrowd": 0,
    }
