"""Files compiled for the Edge TPU: the one wording of what to use in their place."""

from __future__ import annotations

from pathlib import PurePath

EXPECTED = "the .tflite that edgetpu_compiler was given"
_SUFFIX = "_edgetpu"


def uncompiled(file: PurePath | str) -> str:
    """What to give instead, by its name where the compiler's addition is still on the file's."""
    path = PurePath(file)
    if path.stem.endswith(_SUFFIX):
        return f"give the uncompiled file, {path.with_name(path.stem.removesuffix(_SUFFIX))}.tflite"
    return "give the file that it was compiled from; the compiler adds _edgetpu to its name"
