"""Files with and without metadata, none of which needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.labels.label_list import LabelList
from validation.labels.reading import labels_by_id
from validation.metadata.detector import detector_metadata
from validation.metadata.model_metadata import ModelMetadata
from validation.specs.contracts import Preprocessing
from validation.tflite.facts import TfliteFile, read_tflite

DATA = Path(__file__).parents[1] / "data" / "metadata"
# What make_foreign.py was given, in this project's words.
MEAN, STD = (127.5, 116.75, 103.875), (127.5, 1.0, 64.0)
LABELS = {1: "ball", 3: "ring"}


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the files that are described in its README."""
    return DATA


@pytest.fixture(scope="session")
def tiny() -> TfliteFile:
    """The detector with the op."""
    return read_tflite(DATA / "tiny.tflite")


@pytest.fixture(scope="session")
def tiny_raw() -> TfliteFile:
    """The detector without the op."""
    return read_tflite(DATA / "tiny_raw.tflite")


@pytest.fixture(scope="session")
def preprocessing() -> Preprocessing:
    """Of which no two channels are treated alike."""
    scales = (1 / STD[0], 1 / STD[1], 1 / STD[2])
    return Preprocessing(2, 2, scales, (MEAN[0] / STD[0], MEAN[1] / STD[1], MEAN[2] / STD[2]))


@pytest.fixture(scope="session")
def labels() -> LabelList:
    """With an id between them that no class has."""
    return labels_by_id(LABELS, "mine")


@pytest.fixture(scope="session")
def metadata(tiny: TfliteFile, preprocessing: Preprocessing, labels: LabelList) -> ModelMetadata:
    """What this project says of the detector."""
    return detector_metadata(tiny, preprocessing, labels)
