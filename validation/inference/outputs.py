"""Which output of a .tflite file is which, whatever their order and their names."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from validation.errors import ConversionError, first_few
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.other_models import seeming, without_batch
from validation.metadata.model_metadata import (
    CATEGORY,
    COUNT,
    LOCATION,
    SCORE,
    ModelMetadata,
)
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    DETECTION_OUTPUTS,
    DETECTION_ROLES,
    POSTPROCESS_NAME,
    RAW_OUTPUTS,
    SsdContract,
)
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile
from validation.tflite.heads import outputs_of_the_op
from validation.tflite.model import UnpackedModel

# Boxes, classes, scores; what metadata calls them.
_NEEDED = DETECTION_ROLES[:3]
ROLES_IN_METADATA = dict(zip((LOCATION, CATEGORY, SCORE, COUNT), DETECTION_ROLES, strict=True))
_BY_SIGNATURE = dict(zip(DETECTION_OUTPUTS, ("boxes", "scores", "classes", "count"), strict=True))
# The op counts classes from 0, the OD API's SavedModels as their label maps do.
_FIRST_OF_SAVED_MODELS = 1


class Ending(enum.StrEnum):
    """What a file ends in."""

    OP = "op"
    """The post-processing op's detections."""
    RAW = "raw"
    """Box encodings and class predictions."""
    DETECTIONS = "detections"
    """Detections that something else than the op made; metadata or a signature says so."""


@dataclass(frozen=True)
class OutputBinding:
    """The outputs of a file by role.

    Args:
        ending: What they are.
        names: Of boxes, classes, scores and, where the file has it, count; or of box encodings and
            class predictions.
        notices: What was ignored or is known by less than a name.
        first_class: The number of the first class in the file's classes.
    """

    ending: Ending
    names: tuple[str, ...]
    notices: tuple[FileNotice, ...] = ()
    first_class: int = 0


def bind_outputs(
    model: UnpackedModel,
    file: TfliteFile,
    metadata: ModelMetadata | None = None,
    contract: SsdContract | None = None,
) -> OutputBinding:
    """Find a detector's outputs among a file's.

    By the op that writes them, by the OD API's names, by the shapes that a contract states, or by
    the names that metadata or a signature gives them.

    Raises:
        ConversionError: No detector's outputs, or outputs of the op that are missing.
    """
    present = [spec.name for spec in file.outputs]
    if len(set(present)) < len(present):
        raise ConversionError(
            "outputs are known by their names, and two have the same",
            got=first_few(present),
            next_step="convert it again with each output once in --output_arrays",
        )
    if file.postprocess is not None:
        return _of_the_op(model, file, present, metadata)
    names: tuple[str, ...] | None = _raw_by_name(file.outputs)
    if names is not None:
        return _bound(Ending.RAW, names, present)
    names = None if contract is None else _raw_by_shape(file.outputs, contract)
    if names is not None:
        notice = FileNotice(
            FileNoticeKind.OUTPUTS_BY_SHAPE,
            {"names": f"box encodings {names[0]}, class predictions {names[1]}"},
        )
        return _bound(Ending.RAW, names, present, notice)
    names = None if metadata is None else _by_metadata(file.outputs, metadata)
    if names is not None:
        notice = _known_by(FileNoticeKind.OUTPUTS_BY_METADATA, names)
        return _bound(Ending.DETECTIONS, names, present, notice)
    names = _by_signature(model, file)
    if names is not None:
        notice = _known_by(FileNoticeKind.OUTPUTS_BY_SIGNATURE, names)
        binding = _bound(Ending.DETECTIONS, names, present, notice)
        return dataclasses.replace(binding, first_class=_FIRST_OF_SAVED_MODELS)
    raise _no_detector(model, file)


def _of_the_op(
    model: UnpackedModel,
    file: TfliteFile,
    present: Sequence[str],
    metadata: ModelMetadata | None,
) -> OutputBinding:
    leaving = outputs_of_the_op(model)
    found = dict(zip(DETECTION_ROLES, leaving, strict=False))
    missing = [role for role in _NEEDED if found.get(role) is None]
    if missing:
        raise ConversionError(
            "the file lacks outputs of the post-processing op",
            expected="boxes, classes, scores and count: " + ", ".join(file.postprocess_outputs),
            got=f"no {' and no '.join(missing)} among {first_few(present)}",
            next_step="convert it again with all of them in --output_arrays",
        )
    names = tuple(name for role in DETECTION_ROLES if (name := found.get(role)) is not None)
    notice = _other_outputs(dict(zip(leaving, DETECTION_ROLES, strict=False)), present, metadata)
    return _bound(Ending.OP, names, present, *notice)


def _other_outputs(
    roles: Mapping[str | None, str], present: Sequence[str], metadata: ModelMetadata | None
) -> Iterator[FileNotice]:
    """Where the metadata calls an output of the op by the meaning of another one."""
    if metadata is None or not metadata.outputs:
        return
    wrong = [
        f"output {place} is {roles[name]}, described as {about.name!r}"
        for place, (name, about) in enumerate(zip(present, metadata.outputs, strict=False))
        if name in roles and ROLES_IN_METADATA.get(about.name, roles[name]) != roles[name]
    ]
    if len(metadata.outputs) != len(present):
        wrong.append(f"{len(metadata.outputs)} described, {len(present)} there")
    if wrong:
        yield FileNotice(FileNoticeKind.METADATA_OTHER_OUTPUTS, {"names": ", ".join(wrong)})


def _bound(
    ending: Ending, names: tuple[str, ...], present: Sequence[str], *notices: FileNotice
) -> OutputBinding:
    """With what is said of outputs that are left over, or of a count that is not there."""
    said = list(notices)
    extra = [name for name in present if name not in names]
    if extra:
        said.append(FileNotice(FileNoticeKind.OUTPUTS_IGNORED, {"names": ", ".join(extra)}))
    if ending is not Ending.RAW and len(names) == len(_NEEDED):
        said.append(FileNotice(FileNoticeKind.COUNT_MISSING, moves_figures=True))
    return OutputBinding(ending, names, tuple(said))


def _raw_by_name(outputs: Sequence[TensorSpec]) -> tuple[str, str] | None:
    """The OD API's names, which converters may end in ``:0``."""
    plain = {spec.name.removesuffix(":0"): spec.name for spec in outputs}
    if not set(RAW_OUTPUTS) <= plain.keys():
        return None
    return plain[BOX_ENCODINGS_NAME], plain[CLASS_PREDICTIONS_NAME]


def _raw_by_shape(outputs: Sequence[TensorSpec], contract: SsdContract) -> tuple[str, str] | None:
    anchors, columns = contract.num_anchors, contract.num_classes + 1
    boxes = [
        each.name
        for each in outputs
        if without_batch(each.shape) in ((anchors, 4), (anchors, 1, 4))
    ]
    scores = [each.name for each in outputs if without_batch(each.shape) == (anchors, columns)]
    # With three classes the two have one shape.
    return (boxes[0], scores[0]) if columns != 4 and len(boxes) == len(scores) == 1 else None


def _known_by(kind: FileNoticeKind, names: tuple[str, ...]) -> FileNotice:
    """That something less than the op says which output is which."""
    roles = zip(DETECTION_ROLES, names, strict=False)
    listed = ", ".join(f"{role} {name}" for role, name in roles)
    return FileNotice(kind, {"names": listed}, moves_figures=True)


def _by_metadata(outputs: Sequence[TensorSpec], metadata: ModelMetadata) -> tuple[str, ...] | None:
    """Outputs that the metadata names as the Task Library looks for them."""
    if len(metadata.outputs) != len(outputs):
        return None
    roles = {
        ROLES_IN_METADATA[about.name]: spec.name
        for about, spec in zip(metadata.outputs, outputs, strict=True)
        if about.name in ROLES_IN_METADATA
    }
    if not set(_NEEDED) <= roles.keys():
        return None
    return tuple(roles[role] for role in DETECTION_ROLES if role in roles)


def _by_signature(model: UnpackedModel, file: TfliteFile) -> tuple[str, ...] | None:
    """Outputs that a signature names as SavedModels of the OD API do."""
    tensors = dict(zip(map(int, model.graph.outputs), file.outputs, strict=True))
    for named in _signatures(model):
        found = {
            _BY_SIGNATURE[name]: tensors[index].name
            for index, name in named.items()
            if name in _BY_SIGNATURE and index in tensors
        }
        if set(_NEEDED) <= found.keys():
            return tuple(found[role] for role in DETECTION_ROLES if role in found)
    return None


def _signatures(model: UnpackedModel) -> list[dict[int, str]]:
    """What each signature of the main graph calls its outputs, by tensor."""
    return [
        {int(each.tensor_index): str(each.name or "") for each in signature.outputs or ()}
        for signature in model.root.signature_defs or ()
        if signature.subgraph_index == 0
    ]


def _no_detector(model: UnpackedModel, file: TfliteFile) -> ConversionError:
    """Outputs that nothing is known of: what the file seems to be, and what would be usable."""
    words = [name for named in _signatures(model) for name in named.values()]
    seems = seeming(file.inputs, file.outputs, words, model.name or "FILE")
    names = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in file.outputs) or "none"
    return ConversionError(
        f"the file {seems.what}",
        expected=f"the op {POSTPROCESS_NAME}, or the outputs " + " and ".join(RAW_OUTPUTS),
        got="outputs " + names,
        next_step=seems.next_step,
    )
