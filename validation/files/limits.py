"""How much of a file from outside is read: what policy.toml sets, or a user's own policy.

Rooms below `policy` open files too. So the shipped values are read here as data, from the one file
that holds every limit, and a session replaces them by those of its policy.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

# A lower room may read a data file of a higher one, though it may not import it.
_SHIPPED = Path(__file__).parents[1] / "policy" / "policy.toml"
MIB = 1 << 20


@dataclass(frozen=True)
class FileLimits:
    """The settings of the policy that bound files from outside; fields are called as these.

    Args:
        read_text_mib: Of a text, such as a label map or a config.
        read_label_lines: Of a list of classes.
        read_table_mib: Of a list or a table: annotations, results, a record.
        read_model_mib: Of a .tflite or a graph.
        read_arrays_mib: Of NumPy's files.
        pack_mib: Of a failing-case pack.
        read_image_mib: Of an image file, or of a record that holds one.
        read_image_megapixels: Of an image.
        download_bytes: Of a download whose size nobody has published.
        archive_members: Files, folders and links of an archive.
        archive_unpacked_mib: Of everything in it, where the catalogue states no size.
        tflite_tensor_mib: Of one tensor of a .tflite.
        tflite_detections: Slots that its post-processing op fills.
    """

    read_text_mib: float
    read_label_lines: float
    read_table_mib: float
    read_model_mib: float
    read_arrays_mib: float
    pack_mib: float
    read_image_mib: float
    read_image_megapixels: float
    download_bytes: float
    archive_members: float
    archive_unpacked_mib: float
    tflite_tensor_mib: float
    tflite_detections: float

    def size_bytes(self, setting: str) -> int:
        """A setting in MiB as bytes."""
        return int(getattr(self, setting) * MIB)


_in_force: FileLimits | None = None


def file_limits() -> FileLimits:
    """Those that this process keeps to."""
    return _shipped() if _in_force is None else _in_force


def keep_to(limits: FileLimits | None) -> None:
    """From now on this process keeps to these; None: to the shipped ones."""
    global _in_force
    _in_force = limits


@functools.cache
def _shipped() -> FileLimits:
    settings = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))["setting"]
    return FileLimits(**{each.name: settings[each.name]["value"] for each in fields(FileLimits)})
