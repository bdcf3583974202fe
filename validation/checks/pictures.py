"""The same picture as the reference and the file under test see it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

from PIL import Image

from validation.checks.needs import candidate_detections, reference_detections
from validation.preprocess.image import ImageFile, load
from validation.record.detections import Detections
from validation.record.types import Panel, Picture
from validation.workspace.context import CheckContext


def pictures(context: CheckContext) -> list[Picture]:
    """The canaries, and the images with most to see, reference beside candidate."""
    reference, candidate = reference_detections(context), candidate_detections(context)
    threshold = context.policy.setting("picture_min_score")
    labels = {str(number): name for number, name in context.class_names().names.items()}
    width = int(context.policy.setting("picture_width"))
    return [
        _picture(
            context.key.model,
            image,
            width,
            (
                Panel.of("inference graph in TensorFlow", _above(reference[image.key], threshold)),
                Panel.of(f"{context.key.variant} .tflite", _above(candidate[image.key], threshold)),
            ),
            labels,
        )
        for image in _most_to_see(context, reference, threshold)
    ]


def _most_to_see(
    context: CheckContext, reference: Mapping[str, Detections], threshold: float
) -> list[ImageFile]:
    ranked = sorted(
        context.inference.images,
        key=lambda image: -len(_above(reference[image.key], threshold)),
    )
    return ranked[: int(context.policy.setting("pictures"))]


def _above(detections: Detections, threshold: float) -> Detections:
    return detections.take(detections.scores >= threshold)


def _picture(
    model: str,
    image: ImageFile,
    width: int,
    panels: tuple[Panel, ...],
    labels: Mapping[str, str],
) -> Picture:
    reduced = Image.fromarray(load(image))
    reduced.thumbnail((width, width))
    data = io.BytesIO()
    reduced.save(data, "JPEG", quality=80)
    occurring = {str(number) for panel in panels for number in panel.classes}
    return Picture(
        model=model,
        image=image.path.name,
        width=reduced.width,
        height=reduced.height,
        jpeg_base64=base64.b64encode(data.getvalue()).decode(),
        panels=panels,
        labels={number: name for number, name in labels.items() if number in occurring},
    )
