"""The outputs of a file in its own order, and whether the file says by name which is which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from validation.inference.outputs import ROLES_IN_METADATA, Ending, OutputBinding
from validation.metadata.model_metadata import ModelMetadata
from validation.specs.contracts import DETECTION_ROLES
from validation.tflite.facts import TfliteFile
from validation.tflite.model import UnpackedModel

RAW_ROLES = ("box encodings", "class predictions")
_OTHER = "other"

_IN_METADATA = {role: name for name, role in ROLES_IN_METADATA.items()}
# Parts of the names that exporters give outputs in a signature.
_IN_SIGNATURE: Mapping[str, tuple[str, ...]] = {
    "boxes": ("box", "location"),
    "classes": ("class", "categor"),
    "scores": ("score",),
    "count": ("num", "count"),
}


@dataclass(frozen=True)
class OutputRoles:
    """What a file's outputs are.

    Args:
        roles: Of each output in the file's order; ``other`` for one that is ignored.
        are_named: Metadata or a signature says of each which it is.
    """

    roles: tuple[str, ...]
    are_named: bool


def output_roles(
    model: UnpackedModel,
    file: TfliteFile,
    metadata: ModelMetadata | None,
    binding: OutputBinding,
) -> OutputRoles:
    """The roles of a file's outputs, by what was found out of them."""
    known = RAW_ROLES if binding.ending is Ending.RAW else DETECTION_ROLES
    by_name = dict(zip(binding.names, known, strict=False))
    roles = tuple(by_name.get(spec.name, _OTHER) for spec in file.outputs)
    named = binding.ending is not Ending.RAW and (
        _named_by_metadata(roles, metadata) or _named_by_signature(model, file, by_name)
    )
    return OutputRoles(roles, named)


def _named_by_metadata(roles: tuple[str, ...], metadata: ModelMetadata | None) -> bool:
    if metadata is None or len(metadata.outputs) != len(roles):
        return False
    return all(
        _IN_METADATA.get(role, about.name) == about.name
        for role, about in zip(roles, metadata.outputs, strict=True)
    )


def _named_by_signature(model: UnpackedModel, file: TfliteFile, by_name: Mapping[str, str]) -> bool:
    """By words: TensorFlow 2's ``output_1`` says no more than a place does."""
    return any(
        _tells(_names(signature), file, model, by_name)
        for signature in model.root.signature_defs or ()
    )


def _names(signature: Any) -> dict[int, str]:
    """The signature's name of each tensor that it gives."""
    return {int(each.tensor_index): str(each.name or "") for each in signature.outputs or ()}


def _tells(
    names: Mapping[int, str], file: TfliteFile, model: UnpackedModel, by_name: Mapping[str, str]
) -> bool:
    found = {
        by_name.get(spec.name, _OTHER): names.get(int(index), "").lower()
        for index, spec in zip(model.graph.outputs, file.outputs, strict=True)
    }
    found.pop(_OTHER, None)
    return bool(found) and all(
        any(word in name for word in _IN_SIGNATURE[role]) for role, name in found.items()
    )
