"""One thing under test with everything that its promises are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.coco.dataset import Dataset
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.types import ModelKey
from validation.specs.variants import variant_of
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import REFERENCE as REFERENCE
from validation.workspace.model_inference import ModelInference
from validation.zoo.canaries import Canary


@dataclass(frozen=True)
class CheckContext:
    """A model and one of its variants, in a session.

    Args:
        key: Model and variant.
        chain: Gives the files.
        observations: Gives what they say about the images.
        policy: Every limit.
        dataset: Labelled images, None where none were given.
        canaries: Images with one known object.
        variants: Every variant of this model in the session; what belongs to the model as
            a whole is told with the first.
        labels: The session's label map; it goes before the archive's own.
    """

    key: ModelKey
    build: ModelBuild
    inference: ModelInference
    policy: Policy
    dataset: Dataset | None
    canaries: tuple[Canary, ...]
    variants: tuple[str, ...]
    labels: Mapping[int, str] | None = None

    @property
    def is_raw(self) -> bool:
        """True when the variant ends in the raw outputs."""
        return not variant_of(self.key.variant).add_postprocessing_op

    @property
    def is_first(self) -> bool:
        """True for the variant that speaks for the model as a whole."""
        return self.key.variant == self.variants[0]

    def class_labels(self) -> Mapping[int, str]:
        """Class names by id; empty where nobody knows them."""
        return self.labels or self.build.archive.labels


def image_files(dataset: Dataset | None, canaries: tuple[Canary, ...]) -> tuple[ImageFile, ...]:
    """The images of a session: canaries first, then the data set's by id."""
    files = [ImageFile(canary.path.name, canary.path) for canary in canaries]
    if dataset is not None:
        files += dataset.files
    return tuple(files)
