"""The images of each look: nested, drawn once with a seed, each part by ascending id."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from validation.coco.dataset import Dataset
from validation.comparison.group_sequential import looks_at, planned_looks
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.until_decided import Look, Undecided, UntilDecided


@dataclass(frozen=True)
class LookPlan:
    """Looks at a growing number of labelled images.

    Args:
        whole: All images that there are.
        looks: The last one is at all of them.
        seed: Of the order in which they are drawn.
        power: Of the share of images, by which error is spent.
    """

    whole: Dataset
    looks: tuple[Look, ...]
    seed: int
    power: float

    @classmethod
    def of(cls, dataset: Dataset, policy: Policy) -> LookPlan:
        """What the policy says of these images."""
        power = policy.setting("until_decided_power")
        counts = looks_at(int(policy.setting("until_decided_images")), len(dataset.images))
        seed = int(policy.setting("until_decided_seed"))
        return cls(dataset, planned_looks(counts, power), seed, power)

    def dataset(self, number: int) -> Dataset:
        """The images of a look, from 1 on; the last one's are the data set as it is."""
        if number == len(self.looks):
            return self.whole
        return self.whole.only(self._drawn[: self.looks[number - 1].images])

    def increments(self, number: int) -> tuple[tuple[ImageFile, ...], ...]:
        """Images that the first look and each later one until this has and none before has."""
        files = {file.key: file for file in self.whole.files}
        ends = [each.images for each in self.looks[:number]]
        parts = (set(self._drawn[a:b]) for a, b in zip([0, *ends], ends, strict=False))
        return tuple(tuple(file for key, file in files.items() if key in part) for part in parts)

    def stopped(self, undecided: tuple[tuple[Undecided, ...], ...]) -> UntilDecided:
        """For the record.

        Args:
            undecided: Of each look that was made.
        """
        return UntilDecided(self.looks, self.seed, self.power, undecided)

    @cached_property
    def _drawn(self) -> tuple[str, ...]:
        """Keys of all images in the order in which they are drawn.

        By the bits of the generator itself: NumPy keeps those for good.
        """
        bits = np.random.PCG64(self.seed).random_raw(len(self.whole.images))
        files = self.whole.files
        return tuple(files[place].key for place in np.argsort(bits, kind="stable").tolist())
