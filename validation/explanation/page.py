"""An explanation as one HTML page that needs nothing but a browser, and its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from validation.explanation import text
from validation.explanation.accuracy import named_alike
from validation.explanation.facts import Explanation
from validation.explanation.sides import Side
from validation.preprocess.image import ImageFile, load
from validation.record.detections import Detections
from validation.record.pictures import GROUND_TRUTH, Panel
from validation.record.quantisation_cost import QuantisationCost
from validation.record.types import ModelKey
from validation.report.annotated import annotated_panel, encoded, side_by_side
from validation.report.pictures import picture_of
from validation.report.quantisation_tables import quantisation_view
from validation.report.render import render_page


@dataclass(frozen=True)
class SeenImage:
    """One image with what is drawn on it.

    Args:
        image: The file.
        panels: The first side, the second, and what is labelled, if anything is.
        labels: Class names by id.
    """

    image: ImageFile
    panels: tuple[Panel, ...]
    labels: Mapping[int, str]


def seen_images(
    found: Explanation,
    sides: tuple[Side, Side],
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    images: Sequence[ImageFile],
    truth: Mapping[str, Detections] | None = None,
    categories: Mapping[int, str] | None = None,
) -> tuple[SeenImage, ...]:
    """The images with most disagreement: the first side, the second, and what is there.

    Args:
        found: Names the images.
        sides: See `explain`.
        runs: See `explain`.
        images: See `explain`.
        truth: Labelled objects by image key; None without labels.
        categories: Names of the labels by class id, for classes that the files do not name.
    """
    files = {image.key: image for image in images}
    first, second = named_alike(sides)
    labels = {**(categories or {}), **second.labels.names, **first.labels.names}
    least = found.detections.min_score

    def shown(detections: Detections) -> Detections:
        return detections.take(detections.scores >= least)

    return tuple(
        SeenImage(
            files[key],
            (
                *(
                    Panel.of(side.name, shown(run[key]))
                    for side, run in zip(sides, runs, strict=True)
                ),
                *([] if truth is None else [Panel.of(GROUND_TRUTH, truth[key])]),
            ),
            labels,
        )
        for key in (each.found.image for each in found.detections.worst)
    )


def picture_files(seen: Sequence[SeenImage]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of a picture file for each image, its panels beside each other."""
    for place, each in enumerate(seen, 1):
        pixels, path = load(each.image), each.image.path
        panels = [
            (panel.title, annotated_panel(pixels, panel, each.labels)) for panel in each.panels
        ]
        yield f"{place}_{path.stem}.png", encoded(side_by_side(panels), ".png")


def as_page(found: Explanation, seen: Sequence[SeenImage], width: int) -> str:
    """The page.

    Args:
        found: See `explain`.
        seen: Of `seen_images`.
        width: Of a picture in pixels.
    """
    layers = found.layers
    pictures = [
        picture_of(ModelKey(found.first, ""), each.image, width, each.panels, each.labels)
        for each in seen
    ]
    cost = QuantisationCost("", "", layers.reference, 0, layers.images, (), layers.rows)
    return render_page(
        "explanation.html",
        found=found,
        pictures=[
            (picture, text.what_differs(worst.found))
            for picture, worst in zip(pictures, found.detections.worst, strict=True)
        ],
        weight_lines=list(text.weight_lines(found.weights)),
        change_lines=list(text.change_lines(found.changes)),
        layer_lines=list(text.layer_lines(layers)),
        layer_view=quantisation_view(cost),
        detection_lines=list(text.detection_lines(found.detections)),
        accuracy_lines=[] if found.accuracy is None else list(text.accuracy_lines(found.accuracy)),
    )
