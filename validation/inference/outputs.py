"""Which output of a .tflite file is which, whatever their order and their names."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from validation.errors import ConversionError, first_few
from validation.inference.file_notices import FileNotice, FileNoticeKind
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
    POSTPROCESS_NAME,
    RAW_OUTPUTS,
    SsdContract,
)
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile
from validation.tflite.heads import outputs_of_the_op
from validation.tflite.model import UnpackedModel

# Boxes, classes, scores; what metadata calls them.
_NEEDED = ("boxes", "classes", "scores")
_BY_METADATA = {LOCATION: "boxes", CATEGORY: "classes", SCORE: "scores", COUNT: "count"}


class Ending(enum.StrEnum):
    """What a file ends in."""

    OP = "op"
    """The post-processing op's detections."""
    RAW = "raw"
    """Box encodings and class predictions."""
    DETECTIONS = "detections"
    """Detections that something else than the op made; its metadata says so."""


@dataclass(frozen=True)
class OutputBinding:
    """The outputs of a file by role.

    Args:
        ending: What they are.
        names: Of boxes, classes, scores and, where the file has it, count; or of box encodings and
            class predictions.
        notices: What was ignored or is known by less than a name.
    """

    ending: Ending
    names: tuple[str, ...]
    notices: tuple[FileNotice, ...] = ()


def bind_outputs(
    model: UnpackedModel,
    file: TfliteFile,
    metadata: ModelMetadata | None = None,
    contract: SsdContract | None = None,
) -> OutputBinding:
    """Find a detector's outputs among a file's.

    By the op that writes them, by the OD API's names, by the shapes that a contract states, or by
    the names that metadata gives them.

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
        roles = ", ".join(
            f"{role} {name}" for role, name in zip((*_NEEDED, "count"), names, strict=False)
        )
        notice = FileNotice(
            FileNoticeKind.OUTPUTS_BY_METADATA, {"names": roles}, moves_figures=True
        )
        return _bound(Ending.DETECTIONS, names, present, notice)
    raise _no_detector(file)


def raw_columns(file: TfliteFile, binding: OutputBinding) -> tuple[int | None, int | None]:
    """Anchors and classes that the shapes of raw outputs state; None where they do not."""
    if binding.ending is not Ending.RAW:
        return None, None
    shapes = {spec.name: spec.shape for spec in file.outputs}
    boxes, scores = (shapes[name] for name in binding.names)
    anchors = boxes[1] if len(boxes) > 1 and boxes[1] > 0 else None
    classes = scores[-1] - 1 if len(scores) > 1 and scores[-1] > 1 else None
    return anchors, classes


def _of_the_op(
    model: UnpackedModel,
    file: TfliteFile,
    present: Sequence[str],
    metadata: ModelMetadata | None,
) -> OutputBinding:
    leaving = outputs_of_the_op(model)
    found = dict(zip((*_NEEDED, "count"), leaving, strict=False))
    missing = [role for role in _NEEDED if found.get(role) is None]
    if missing:
        raise ConversionError(
            "the file lacks outputs of the post-processing op",
            expected="boxes, classes, scores and count: " + ", ".join(file.postprocess_outputs),
            got=f"no {' and no '.join(missing)} among {first_few(present)}",
            next_step="convert it again with all of them in --output_arrays",
        )
    names = tuple(name for role in (*_NEEDED, "count") if (name := found.get(role)) is not None)
    notice = _other_outputs(
        dict(zip(leaving, (*_NEEDED, "count"), strict=False)), present, metadata
    )
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
        if name in roles and _BY_METADATA.get(about.name, roles[name]) != roles[name]
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
    boxes = [each.name for each in outputs if _flat(each) in ((anchors, 4), (anchors, 1, 4))]
    scores = [each.name for each in outputs if _flat(each) == (anchors, columns)]
    # With three classes the two have one shape.
    return (boxes[0], scores[0]) if columns != 4 and len(boxes) == len(scores) == 1 else None


def _flat(spec: TensorSpec) -> tuple[int, ...]:
    """A shape without the batch."""
    return spec.shape[1:] if spec.shape[:1] == (1,) else spec.shape


def _by_metadata(outputs: Sequence[TensorSpec], metadata: ModelMetadata) -> tuple[str, ...] | None:
    """Outputs that the metadata names as the Task Library looks for them."""
    if len(metadata.outputs) != len(outputs):
        return None
    roles = {
        _BY_METADATA[about.name]: spec.name
        for about, spec in zip(metadata.outputs, outputs, strict=True)
        if about.name in _BY_METADATA
    }
    if not set(_NEEDED) <= roles.keys():
        return None
    return tuple(roles[role] for role in (*_NEEDED, "count") if role in roles)


def _no_detector(file: TfliteFile) -> ConversionError:
    """Outputs that nothing is known of, with what would make the file usable."""
    shapes = [_flat(spec) for spec in file.outputs]
    names = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in file.outputs) or "none"
    rows = [shape[0] for shape in shapes if len(shape) in (2, 3) and shape[-1] == 4]
    if {spec.name.removesuffix(":0") for spec in file.outputs} & set(RAW_OUTPUTS):
        step = "convert it again with --output_arrays=" + ",".join(RAW_OUTPUTS)
    elif len(file.outputs) >= 3 and any(shape == (row,) for row in rows for shape in shapes):
        step = (
            "which output is which is known by the op or by metadata that names them "
            f"{LOCATION}, {CATEGORY}, {SCORE} and {COUNT!r}: give a file with either"
        )
    elif any(len(shape) == 2 and shape[0] == row for row in rows for shape in shapes):
        step = (
            "boxes that are still encoded need their anchors: name the folder that export "
            "wrote with --export_directory; files of other tools, such as MediaPipe's, have "
            "anchors of their own and are not read here"
        )
    else:
        step = "give the .tflite of an SSD; other detectors are not read here"
    return ConversionError(
        "the file is no SSD as the OD API exports it",
        expected=f"the op {POSTPROCESS_NAME}, or the outputs " + " and ".join(RAW_OUTPUTS),
        got="outputs " + names,
        next_step=step,
    )
