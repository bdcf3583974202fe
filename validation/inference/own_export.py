"""The export that a .tflite file was made from: the one that is named, or one beside the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.errors import GraphConfigMismatch, ValidationError
from validation.export.exported import (
    ANCHORS_FILE,
    CONTRACT_FILE,
    anchors_in,
    load_export,
    read_anchors,
    read_contract,
)
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.known_model import KnownModel
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    SsdContract,
)
from validation.tflite.facts import TfliteFile


@dataclass(frozen=True)
class OwnExport:
    """What is known of a file's export.

    Args:
        contract: None where there is none, or it cannot be the file's.
        anchors: float32 [N, 4] of its anchors.npy; None where it is not there.
        is_named: True where the caller names it.
        is_reference: True where it is what the file is judged by, for want of an own one.
        notices: Why one that lies beside the file is ignored.
    """

    contract: SsdContract | None = None
    anchors: NDArray[np.float32] | None = None
    is_named: bool = False
    is_reference: bool = False
    notices: tuple[FileNotice, ...] = ()


def own_export(file: TfliteFile, path: Path, named: Path | None = None) -> OwnExport:
    """Find the export of a file.

    Args:
        file: Its facts.
        path: The file; None named, its folder is searched, and a contract there is enough.
        named: Folder that `export` wrote; it has to be whole and to fit.

    Raises:
        ValidationError: What is named is no export.
        GraphConfigMismatch: What is named belongs to another model.
    """
    if named is not None:
        exported = load_export(named)
        unlike = disagreement(file, exported.contract)
        if unlike:
            raise GraphConfigMismatch(
                "the export belongs to another model", got=unlike, where=f"{path.name} and {named}"
            )
        return OwnExport(exported.contract, read_anchors(exported), is_named=True)
    if not path.with_name(CONTRACT_FILE).is_file():
        return OwnExport()
    try:
        contract, _ = read_contract(path.parent)
    except ValidationError as error:
        return OwnExport(notices=(_ignored(str(error.got or error.what)),))
    unlike = disagreement(file, contract)
    if unlike:
        return OwnExport(notices=(_ignored(f"it is of another model: {unlike}"),))
    anchors = path.with_name(ANCHORS_FILE)
    try:
        return OwnExport(contract, anchors_in(anchors, contract) if anchors.is_file() else None)
    except ValidationError as error:
        return OwnExport(notices=(_ignored(f"{ANCHORS_FILE}: {error.got or error.what}"),))


def with_known(own: OwnExport, file: TfliteFile, known: KnownModel | None) -> OwnExport:
    """What is known of the model in place of an export that is not there, where it can be its."""
    if known is None or own.contract is not None or disagreement(file, known.contract):
        return own
    notices = own.notices
    if file.postprocess is None:
        notices = (*notices, FileNotice(FileNoticeKind.ANCHORS_OF_REFERENCE))
    return OwnExport(known.contract, known.anchors, is_reference=True, notices=notices)


def disagreement(file: TfliteFile, contract: SsdContract) -> str:
    """Where a file and a contract differ; empty where they may belong together."""
    size = contract.preprocessing
    rows, columns = _raw_sides(file)
    post = file.postprocess
    facts = (
        ("input", list(file.inputs[0].shape[1:3]) if file.inputs else None,
         [size.height, size.width]),
        ("anchors", file.anchors[0] if file.anchors else rows, contract.num_anchors),
        ("classes", columns if post is None else post.num_classes, contract.num_classes),
    )  # fmt: skip
    return "; ".join(
        f"{what} {wanted}, the file's {own}"
        for what, own, wanted in facts
        if own is not None and own != wanted
    )


def _raw_sides(file: TfliteFile) -> tuple[int | None, int | None]:
    """Anchors and classes by the shapes of outputs with the OD API's names."""
    shapes = {spec.name.removesuffix(":0"): spec.shape for spec in file.outputs}
    boxes, scores = shapes.get(BOX_ENCODINGS_NAME, ()), shapes.get(CLASS_PREDICTIONS_NAME, ())
    rows = boxes[1] if len(boxes) > 1 and boxes[1] > 0 else None
    return rows, scores[-1] - 1 if len(scores) > 1 and scores[-1] > 1 else None


def _ignored(why: str) -> FileNotice:
    return FileNotice(
        FileNoticeKind.EXPORT_IGNORED, {"contract": CONTRACT_FILE, "why": why}, moves_figures=True
    )
