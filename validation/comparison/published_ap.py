"""AP that was published of a model, or recorded when it was trained, where it can be compared."""

from __future__ import annotations

from collections.abc import Mapping

# By the names of the catalogue; of files in 8 bits, and of others.
_OF_FLOAT = ("coco_map_minival_fp32", "coco_map_minival", "coco_map_val2017_openvino")
_OF_BYTES = ("coco_map_minival_uint8", "coco_map_2017_uint8", "coco_map_minival")
# COCO's categories with objects.
_COCO_CATEGORIES = 80
_PER_CENT = 100


def published_ap(
    published: Mapping[str, float], scored: int, classes_left: int, *, in_8_bits: bool
) -> float | None:
    """What a model of COCO was published with, from 0 to 1; None where it cannot be compared.

    Args:
        published: Figures in per cent, by the catalogue's names.
        scored: Categories that are scored.
        classes_left: Classes of the model that no category was joined to.
        in_8_bits: The file has weights or activations in 8 bits.
    """
    if scored < _COCO_CATEGORIES or classes_left:
        return None
    names = _OF_BYTES if in_8_bits else _OF_FLOAT
    return next((published[name] / _PER_CENT for name in names if name in published), None)
