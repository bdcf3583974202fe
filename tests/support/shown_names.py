"""Names that the pages of shown runs have: usual ones, hostile ones, and long ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Everything on the pages that somebody else called something.

    Args:
        model: The first model.
        other: The second.
        file: A file that was given.
        label: A class.
        category: A category of the labelled images.
        image: File name of an image.
        dataset: Name of the data set.
        layer: A tensor.
        option: Value of an option, as it was typed.
        message: What a check says.
    """

    model: str = "ssd_mobilenet_v2"
    other: str = "ssd_person"
    file: str = "detect.tflite"
    label: str = "star"
    category: str = "star"
    image: str = "000000000139.jpg"
    dataset: str = "drawn scenes"
    layer: str = "FeatureExtractor/Conv/Relu6"
    option: str = "bundled"
    message: str = "the largest difference is in a box"

    def all(self) -> tuple[str, ...]:
        """Each of them."""
        return dataclasses.astuple(self)


PLAIN = Names()

# A page that takes one of these for anything but text runs a script, asks for a picture, or loses
# what follows.
HOSTILE = Names(
    model='"><script>document.title="model"</script>',
    other="</style></title><img src=x onerror=\"document.title='other'\">",
    file="'><svg onload=document.title='file'>.tflite",
    label="<b onmouseover=document.title='label'>star</b>",
    category="{{ 7 * 7 }}</td></tr></table><h1>category",
    image="javascript:document.title='image'//.jpg",
    dataset="<iframe src=https://example.com></iframe>",
    layer="<!-- layer",
    option="--><script src=https://example.com/x.js></script>",
    message="]]></script><link rel=stylesheet href=https://example.com/x.css>",
)

# As long as file systems and labels allow, or longer.
LONG = Names(
    **{
        each.name: f"{each.name[0] * 250}{'.tflite' if each.name == 'file' else ''}"
        for each in dataclasses.fields(Names)
    }
)
