"""Write foreign.tflite: tiny.tflite with metadata by the writer of tflite-support.

``python tests/data/metadata/make_foreign.py``, in an environment of its own with
tflite-support 0.4.4, which cannot be installed beside the project: it wants protobuf below 4.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tflite_support import metadata_schema_py_generated as schema
from tflite_support import schema_py_generated as tflite
from tflite_support.metadata_writers import metadata_info, object_detector

_HERE = Path(__file__).parent
# One mean and std a channel, of which no two are equal, so that an exchange shows.
_MEAN, _STD = [127.5, 116.75, 103.875], [127.5, 1.0, 64.0]
_LABELS = "ball\n???\nring\n"


def main() -> None:
    """Names by which apps know a detector; the words are those of the project's own writer."""
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labelmap.txt"
        labels.write_text(_LABELS)
        label_file = metadata_info.LabelFileMd(str(labels))
        label_file.description = "The classes' names, one a line."
        writer = object_detector.MetadataWriter.create_from_metadata_info(
            bytearray((_HERE / "tiny.tflite").read_bytes()),
            metadata_info.GeneralMd(
                name="SSD object detector",
                description="Finds objects in RGB images of 2x2 pixels.",
            ),
            metadata_info.InputImageTensorMd(
                "image",
                "The RGB image to find objects in, resized to the size of the input.",
                _MEAN,
                _STD,
                schema.ColorSpaceType.RGB,
                tflite.TensorType.FLOAT32,
            ),
            metadata_info.TensorMd(
                "location", "Each box as ymin, xmin, ymax, xmax, in shares of the image's sides."
            ),
            metadata_info.CategoryTensorMd(
                "category", "The class of each box, counted from 0.", [label_file]
            ),
            metadata_info.TensorMd("score", "The score of each box, in [0, 1]."),
            metadata_info.TensorMd(
                "number of detections", "How many boxes are valid; the others are to be ignored."
            ),
        )
        (_HERE / "foreign.tflite").write_bytes(writer.populate())


if __name__ == "__main__":
    main()
