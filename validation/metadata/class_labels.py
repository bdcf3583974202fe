"""Label lists by what a user names them, and the one that comes with a file's metadata."""

from __future__ import annotations

from pathlib import Path

from validation.errors import DatasetError
from validation.files.outside import read_head, special_file
from validation.kinds.kind import Wanted
from validation.kinds.recognition import nearest_beside
from validation.kinds.refusal import require_kind
from validation.labels.label_list import LabelList, Numbering, is_gap, without_fillers
from validation.labels.reading import labels_by_id, read_labels
from validation.metadata.model_metadata import FileType, ModelMetadata
from validation.metadata.unpacking import read_metadata

# The one list known by name; anything else is a file.
COCO_LABELS = "coco"
OWN_METADATA = "its own metadata"
_TFLITE = b"TFL3"

_NUMBERINGS = {
    FileType.TENSOR_VALUE_LABELS: Numbering.VALUES,
    FileType.TENSOR_AXIS_LABELS: Numbering.AXIS,
}


def labels_named(name: str) -> LabelList:
    """The list that ``--label_map`` names.

    Args:
        name: A label file of any layout, a .tflite with labels in its metadata, or ``coco`` for
            COCO's 80 names and 90 ids.

    Raises:
        DatasetError: No such file, or no list of names.
        ConversionError: A .tflite that cannot be read.
    """
    if name == COCO_LABELS:
        # The catalogue is large, and most files have labels of their own.
        from validation.zoo.catalogue import label_set

        return labels_by_id(label_set(COCO_LABELS), COCO_LABELS)
    path = Path(name).expanduser()
    if path.is_dir():
        require_kind(path, Wanted.LABELS, DatasetError)
    if special := special_file(path):
        raise DatasetError("the label map cannot be read", got=special, where=path)
    if not path.is_file():
        raise DatasetError(
            "no such label map",
            expected=f"a file, or {COCO_LABELS!r}",
            got=name,
            next_step=nearest_beside(path),
        )
    if not _is_tflite(path):
        return read_labels(path)
    metadata = read_metadata(path)
    labels = None if metadata is None else labels_of(metadata, path.name)
    if labels is None:
        raise DatasetError(
            "the file has no labels in its metadata",
            where=path,
            next_step="name a label file, .pbtxt or one name a line",
        )
    return labels


def labels_of(metadata: ModelMetadata, source: str = OWN_METADATA) -> LabelList | None:
    """The label list of a file's metadata; None where it has none.

    Empty lines at its end are no names; every other line counts.
    """
    for output in metadata.outputs:
        file = output.label_file
        if file is None:
            continue
        lines = [line.strip() for line in file.lines]
        while lines and not lines[-1]:
            lines.pop()
        if all(is_gap(line) for line in lines):
            return None
        return LabelList(without_fillers(lines, ()), (), _NUMBERINGS[file.type], source)
    return None


def _is_tflite(path: Path) -> bool:
    if path.suffix == ".tflite":
        return True
    try:
        return read_head(path, 8)[4:] == _TFLITE
    except OSError:
        return False
