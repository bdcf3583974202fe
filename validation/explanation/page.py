"""An explanation as one HTML page that needs nothing but a browser, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from validation.explanation import text
from validation.explanation.accuracy import named_alike
from validation.explanation.facts import Explanation
from validation.explanation.sides import Side
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.quantisation_cost import QuantisationCost
from validation.record.types import GROUND_TRUTH, Panel, Picture
from validation.report.pictures import picture_of
from validation.report.quantisation_tables import quantisation_view
from validation.report.render import render_page


def pictures_of(
    found: Explanation,
    sides: tuple[Side, Side],
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    images: Sequence[ImageFile],
    width: int,
    truth: Mapping[str, Detections] | None = None,
    categories: Mapping[int, str] | None = None,
) -> tuple[Picture, ...]:
    """The images with most disagreement: the first side, the second, and what is there.

    Args:
        found: Names the images.
        sides: See `explain`.
        runs: See `explain`.
        images: See `explain`.
        width: Of a picture in pixels.
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
        picture_of(
            found.first,
            files[each.found.image],
            width,
            [
                *(
                    Panel.of(side.name, shown(run[each.found.image]))
                    for side, run in zip(sides, runs, strict=True)
                ),
                *([] if truth is None else [Panel.of(GROUND_TRUTH, truth[each.found.image])]),
            ],
            labels,
        )
        for each in found.detections.worst
    )


def as_page(found: Explanation, pictures: Sequence[Picture]) -> str:
    """The page.

    Args:
        found: See `explain`.
        pictures: Of `pictures_of`.
    """
    layers = found.layers
    cost = QuantisationCost("", "", layers.reference, 0, layers.images, (), layers.rows)
    return render_page(
        "explanation.html",
        found=found,
        pictures=[
            (picture, text.what_differs(worst.found))
            for picture, worst in zip(pictures, found.detections.worst, strict=True)
        ],
        weight_lines=list(text.weight_lines(found.weights)),
        layer_lines=list(text.layer_lines(layers)),
        layer_view=quantisation_view(cost),
        detection_lines=list(text.detection_lines(found.detections)),
        accuracy_lines=[] if found.accuracy is None else list(text.accuracy_lines(found.accuracy)),
    )
