"""Other views of a labelled scene: mirrored, cropped, in other light.

Pure functions; chance comes from the generator that is passed in. Nothing here turns red into
blue or up into down, for those tell classes apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundled.scenes import Scene

# Crops: share of either side that stays, and how often one that loses objects is tried again.
_SMALLEST_CROP = 0.55
_CROP_TRIES = 10
# Objects of which less can be seen would have to be guessed; a crop that cuts so is refused.
_LEAST_VISIBLE = 0.75
# Below this there is nothing to be seen, and the object is left out instead.
_BARELY_VISIBLE = 0.1
_BRIGHTNESS = 25.0
_CONTRAST = 0.2
# Of single channels. Red and blue change by as much, so that neither becomes the other.
_TINT = 0.08


@dataclass(frozen=True)
class View:
    """What chance does to a scene.

    Args:
        mirror: Share of the scenes that are mirrored.
        crop: Share of the scenes that are cropped.
        light: Strength of brightness, contrast and tint; 1 is full, 0 none.
    """

    mirror: float = 0.5
    crop: float = 0.6
    light: float = 1.0


def mirrored(scene: Scene) -> Scene:
    """The scene with left and right exchanged."""
    width = scene.image.shape[1]
    boxes = scene.boxes.copy()
    boxes[:, 1], boxes[:, 3] = width - scene.boxes[:, 3], width - scene.boxes[:, 1]
    return Scene(
        np.ascontiguousarray(scene.image[:, ::-1]), boxes, scene.classes, scene.crowd, scene.areas
    )


def cropped(scene: Scene, random: np.random.Generator) -> Scene:
    """A part of the scene that cuts no object to pieces; the scene itself where none is found.

    Crowds may be cut anywhere. Objects outside are left out.

    Args:
        scene: To cut from.
        random: Where chance comes from.
    """
    sides = np.array(scene.image.shape[:2])
    for _ in range(_CROP_TRIES):
        size = np.ceil(sides * random.uniform(_SMALLEST_CROP, 1.0, 2)).astype(int)
        start = random.integers(0, sides - size + 1)
        window = np.concatenate([start, start + size]).astype(np.float32)
        boxes = np.clip(scene.boxes, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
        whole = np.maximum(_areas(scene.boxes), 1e-6)
        share = _areas(boxes) / whole
        kept = share > _BARELY_VISIBLE
        if np.any(kept & ~scene.crowd & (share < _LEAST_VISIBLE)):
            continue
        (top, left), (bottom, right) = start, start + size
        return Scene(
            scene.image[top:bottom, left:right],
            boxes[kept] - window[[0, 1, 0, 1]],
            scene.classes[kept],
            scene.crowd[kept],
            (scene.areas * share)[kept].astype(np.float32),
        )
    return scene


def relit(
    image: NDArray[np.float32], random: np.random.Generator, strength: float = 1.0
) -> NDArray[np.float32]:
    """An image in other light: brightness, contrast, and a slight tint.

    Args:
        image: float32 [H, W, 3], 0 to 255.
        random: Where chance comes from.
        strength: Of all three; 0 leaves the image as it is.

    Returns:
        float32 [H, W, 3], 0 to 255.
    """
    gain = 1 + strength * random.uniform(-_CONTRAST, _CONTRAST)
    tint = 1 + strength * random.uniform(-_TINT, _TINT, 3)
    shift = strength * random.uniform(-_BRIGHTNESS, _BRIGHTNESS)
    factor = (gain * tint).astype(np.float32)
    middle = np.float32(127.5)
    lit: NDArray[np.float32] = (image - middle) * factor + np.float32(middle + shift)
    return lit.clip(0, 255)


def viewed(scene: Scene, random: np.random.Generator, view: View) -> Scene:
    """The scene as chance mirrors and crops it; light is for later, see `relit`.

    Args:
        scene: As drawn.
        random: Where chance comes from.
        view: How often each happens.
    """
    if random.random() < view.mirror:
        scene = mirrored(scene)
    if random.random() < view.crop:
        scene = cropped(scene, random)
    return scene


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas
