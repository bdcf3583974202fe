"""Outputs in a file's own order, and whether the file says which is which."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from foreign_tflite import Foreign, write_foreign

from validation.inference.output_roles import OutputRoles, output_roles
from validation.inference.outputs import bind_outputs
from validation.metadata.model_metadata import ModelMetadata, TensorMetadata
from validation.tflite.facts import describe
from validation.tflite.model import read_model

_TURNED = (2, 0, 3, 1)
_ROLES = ("scores", "boxes", "count", "classes")


def _roles(
    folder: Path,
    foreign: Foreign,
    described: tuple[str, ...] = (),
    signature: dict[str, int] | None = None,
) -> OutputRoles:
    """Of a file; the signature has the op's outputs by number."""
    model = read_model(write_foreign(folder / "detect.tflite", foreign))
    if signature is not None:
        outputs = [
            SimpleNamespace(name=name, tensor_index=4 + place) for name, place in signature.items()
        ]
        model.root.signature_defs = [SimpleNamespace(outputs=outputs)]
    about: Any = tuple(TensorMetadata(name) for name in described)
    metadata = ModelMetadata(outputs=about) if described else None
    file = describe(model)
    return output_roles(model, file, metadata, bind_outputs(model, file, metadata))


def test_roles_come_from_the_op(tmp_path: Path) -> None:
    """Whatever order they stand in; what is left over is no role."""
    assert _roles(tmp_path, Foreign()).roles == ("boxes", "classes", "scores", "count")
    turned = _roles(tmp_path, Foreign(order=_TURNED, extra=True))
    assert turned == OutputRoles((*_ROLES, "other"), are_named=False)


def test_metadata_names_outputs(tmp_path: Path) -> None:
    """All of them, by the words that the Task Library knows, and by the right ones."""
    right = ("score", "location", "number of detections", "category")
    assert _roles(tmp_path, Foreign(order=_TURNED), right).are_named
    assert not _roles(tmp_path, Foreign(order=_TURNED), right[:3]).are_named
    wrong = ("location", "score", "number of detections", "category")
    assert not _roles(tmp_path, Foreign(order=_TURNED), wrong).are_named


@pytest.mark.parametrize(
    ("signature", "are_named"),
    [
        ({"output_0": 0, "output_1": 1, "output_2": 2, "output_3": 3}, False),
        (
            {
                "detection_boxes": 0,
                "detection_classes": 1,
                "detection_scores": 2,
                "num_detections": 3,
            },
            True,
        ),
        ({"a": 0, "b": 1, "c": 2, "d": 3}, False),
        ({}, False),
    ],
)
def test_a_signature_names_outputs(
    tmp_path: Path, signature: dict[str, int], are_named: bool
) -> None:
    """By words: numbers, as TensorFlow 2 has them, say no more than places do."""
    assert _roles(tmp_path, Foreign(order=_TURNED), (), signature).are_named is are_named


def test_raw_outputs(tmp_path: Path) -> None:
    """Their names are the exporter's, and no app reads them by position."""
    raw = Foreign(raw=("raw_outputs/box_encodings", "raw_outputs/class_predictions"))
    assert _roles(tmp_path, raw) == OutputRoles(("box encodings", "class predictions"), False)
