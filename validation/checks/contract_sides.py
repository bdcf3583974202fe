"""What the two sides of a given file state of its contract, and why one of them does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from validation.comparison.contract_differences import SideFacts
from validation.errors import NotProvided
from validation.inference.output_roles import RAW_ROLES, OutputRoles, output_roles
from validation.inference.outputs import bind_outputs
from validation.metadata.unpacking import metadata_of
from validation.preprocess.feed import FeedWay
from validation.specs.contracts import DETECTION_ROLES, SsdContract
from validation.specs.references import ReferenceKind
from validation.tflite.facts import describe
from validation.tflite.model import read_model
from validation.workspace.given_subject import TfliteReference
from validation.workspace.sides import Reference, Subject

_Value = TypeVar("_Value")

_RAW = "the file ends in raw outputs"


def subject_facts(subject: Subject, contract: SsdContract | None) -> SideFacts:
    """What the file under test states, or what it is used with.

    Args:
        subject: The file.
        contract: Of the reference: raw outputs without a name are known by its shapes.
    """
    why: dict[str, str] = {}
    file = subject.file
    anchors = None if file.postprocess is None else subject.op_anchors
    if file.postprocess is None:
        why |= {"attributes": _RAW, "anchors": _RAW}
    roles = roles_of(subject.path, contract)
    return SideFacts(
        preprocessing=_asked(lambda: subject.preprocessing, why, "preprocessing"),
        input=file.inputs[0] if len(file.inputs) == 1 else None,
        takes_bytes=subject.way is FeedWay.BYTES,
        num_classes=_asked(lambda: subject.num_classes, why, "num_classes"),
        attributes=file.postprocess,
        anchors=None if anchors is None else anchors.values,
        anchor_step=0.0 if anchors is None else anchors.step,
        outputs=roles.roles,
        outputs_named=roles.are_named,
        why=why,
    )


def contract_of(reference: Reference) -> tuple[SsdContract | None, str]:
    """What a reference states; or why it states nothing."""
    why: dict[str, str] = {}
    contract = _asked(lambda: reference.contract, why, "contract")
    return contract, why.get("contract", "")


def reference_facts(reference: Reference, subject: Subject) -> SideFacts:
    """What the reference states of a file's contract."""
    why: dict[str, str] = {}
    contract, nothing = contract_of(reference)
    if contract is None:
        why |= dict.fromkeys(("preprocessing", "num_classes", "attributes"), nothing)
    anchors = _asked(lambda: reference.anchors, why, "anchors")
    facts = SideFacts(
        preprocessing=None if contract is None else contract.preprocessing,
        num_classes=None if contract is None else contract.num_classes,
        attributes=None if contract is None else contract.postprocess,
        anchors=anchors,
        why=why,
    )
    return _with_order(facts, reference, subject)


def _asked(ask: Callable[[], _Value], why: dict[str, str], name: str) -> _Value | None:
    """The answer; or None, with the reason under the field's name."""
    try:
        return ask()
    except NotProvided as error:
        why[name] = reason(error)
        return None


def reason(error: NotProvided) -> str:
    """Why something is not compared, without what to do about it."""
    return error.what if error.got is None else f"{error.what}: {error.got}"


def roles_of(path: Path, contract: SsdContract | None) -> OutputRoles:
    """The outputs of a .tflite file by what they are, in the file's order.

    Raises:
        ConversionError: No detector's outputs.
    """
    model = read_model(path)
    file, metadata = describe(model), metadata_of(model)
    return output_roles(model, file, metadata, bind_outputs(model, file, metadata, contract))


def _with_order(facts: SideFacts, reference: Reference, subject: Subject) -> SideFacts:
    """A graph's outputs leave in the exporter's order, those of a file in its own."""
    if reference.kind is ReferenceKind.GRAPH:
        order = RAW_ROLES if subject.file.postprocess is None else DETECTION_ROLES
        return dataclasses.replace(facts, outputs=order)
    if reference.kind is not ReferenceKind.TFLITE:
        return facts
    given = cast(TfliteReference, reference).subject
    return dataclasses.replace(
        facts,
        outputs=roles_of(reference.path, None).roles,
        anchor_step=0.0 if given.file.postprocess is None else given.op_anchors.step,
    )
