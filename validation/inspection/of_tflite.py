"""What a .tflite file holds; read in a fraction of a second, without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ConversionError, DatasetError
from validation.inference.feeding import way_by_contract
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.known_model import KnownModel
from validation.inference.model_file import (
    feeding_of_file,
    file_notices,
    metadata_notices,
    refusal_of,
)
from validation.inference.outputs import Ending, OutputBinding, bind_outputs
from validation.inference.own_export import OwnExport, own_export, with_known
from validation.inspection.op_runtimes import RuntimeNeeds, runtime_needs
from validation.inspection.preprocessing import PreprocessingFacts, describe_preprocessing
from validation.inspection.tensors import (
    IMAGE,
    UNKNOWN,
    TensorFacts,
    describe_inputs,
    describe_outputs,
)
from validation.labels.alignment import ClassNames, align, align_uncounted
from validation.metadata.class_labels import labels_of
from validation.metadata.model_metadata import ModelMetadata
from validation.metadata.unpacking import metadata_of
from validation.preprocess.feed import FeedWay
from validation.specs.contracts import (
    CLASS_PREDICTIONS_NAME,
    DETECTION_ROLES,
    PostprocessAttributes,
)
from validation.specs.feeds import NOTHING_STATED, StatedFeed
from validation.specs.tensors import TensorSpec
from validation.specs.variants import Scheme
from validation.tflite.facts import TfliteFile, describe, op_versions
from validation.tflite.model import UnpackedModel, read_model
from validation.tflite.number_scheme import number_scheme

# Said in the section of the preprocessing.
_SHOWN_ELSEWHERE = (FileNoticeKind.NORMALISATION_ASSUMED,)


@dataclass(frozen=True)
class TfliteFacts:
    """One .tflite file.

    Args:
        file: Its name.
        size_bytes: Of the file.
        constant_bytes: Of weights and all other constants.
        numbers: How it keeps and computes its numbers, in words.
        inputs: In the file's order.
        outputs: In the file's order.
        preprocessing: From an image to the input; None where no input takes an image.
        postprocess: Attributes of TFLite_Detection_PostProcess, None without it.
        anchors: How many; None where the file does not say it.
        runtime: The oldest runtime that takes it.
        ops: How often each op occurs.
        op_versions: Highest version of each op.
        tensors: How many tensors of each dtype there are.
        per_channel: How many have a scale for each channel.
        stray_floats: Names of float tensors in a file of 8 bits that do not belong to the op.
        metadata: What it says of itself for apps' libraries; None without metadata.
        labels: Class names by id that come with the metadata, where they fit the classes.
        labels_described: How many names for how many classes; empty without names.
        notices: What was assumed, ignored or found wrong, typed.
        notes: What to know before it is used, the notices among it; one sentence each.
    """

    file: str
    size_bytes: int
    constant_bytes: int
    numbers: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    preprocessing: PreprocessingFacts | None
    postprocess: PostprocessAttributes | None
    anchors: int | None
    runtime: RuntimeNeeds
    ops: Mapping[str, int]
    op_versions: Mapping[str, int]
    tensors: Mapping[str, int]
    per_channel: int
    stray_floats: tuple[str, ...]
    metadata: ModelMetadata | None
    labels: Mapping[int, str]
    labels_described: str
    notices: tuple[FileNotice, ...]
    notes: tuple[str, ...]


def inspect_tflite(
    path: str | os.PathLike[str],
    export: Path | None = None,
    *,
    stated: StatedFeed = NOTHING_STATED,
    known: KnownModel | None = None,
) -> TfliteFacts:
    """Read a .tflite file, and the contract of its export where that lies beside it.

    Args:
        path: The file.
        export: Folder that `export` wrote; it has to fit. None: the file's own is searched.
        stated: What a user states of the feed.
        known: See `open_tflite`.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: Not a TFLite flatbuffer, or a damaged one.
        GraphConfigMismatch: `export` belongs to another model.
    """
    path = Path(path)
    model = read_model(path)
    file, versions = describe(model), op_versions(model)
    inputs = describe_inputs(file.inputs)
    image = next((file.inputs[end.position] for end in inputs if end.role == IMAGE), None)
    own = OwnExport()
    if image is not None:
        own = with_known(own_export(file, path, export), file, known)
    metadata, damage = _metadata(model)
    names, misfit = _class_names(metadata, file)
    preprocessing, notices, unfed = _preprocessing(model, image, file, own, metadata, stated)
    binding, unbound = _binding(model, file, metadata, own)
    outputs = _outputs(file, binding)
    refused = refusal_of(model, unbound or unfed)
    notices += (*own.notices, *file_notices(model, file, binding), *metadata_notices(metadata))
    # Arithmetic in 8 bits: the image comes as integers.
    integer = any(spec.scale is not None for spec in file.inputs)
    return TfliteFacts(
        file=path.name,
        size_bytes=file.size_bytes,
        constant_bytes=file.constant_bytes,
        numbers=_numbers(file, integer),
        inputs=inputs,
        outputs=outputs,
        preprocessing=preprocessing,
        postprocess=file.postprocess,
        anchors=_anchors(file, outputs),
        runtime=runtime_needs(versions, file.min_runtime),
        ops=file.ops,
        op_versions=versions,
        tensors=file.tensors,
        per_channel=file.per_channel,
        stray_floats=_stray_floats(file) if integer else (),
        metadata=metadata,
        labels={} if names is None else names.names,
        labels_described="" if names is None else names.describe(),
        notices=notices,
        notes=(
            *damage,
            *misfit,
            *_not_run(refused),
            *(notice.describe() for notice in notices if notice.kind not in _SHOWN_ELSEWHERE),
            *_notes(file, outputs, bound=binding is not None),
        ),
    )


def _class_names(
    metadata: ModelMetadata | None, file: TfliteFile
) -> tuple[ClassNames | None, tuple[str, ...]]:
    """The names of the file's classes; and what is said where its labels do not fit them."""
    labels = None if metadata is None else labels_of(metadata)
    if labels is None:
        return None, ()
    columns = [spec.shape[-1] for spec in file.outputs if spec.name == CLASS_PREDICTIONS_NAME]
    count = file.postprocess.num_classes if file.postprocess else (*columns, 0)[0] - 1
    try:
        return (align(labels, count) if count > 0 else align_uncounted(labels)), ()
    except DatasetError as error:
        return None, (f"its labels name no classes: {error}",)


def _metadata(model: UnpackedModel) -> tuple[ModelMetadata | None, tuple[str, ...]]:
    """The file's metadata; and what is said where it cannot be read."""
    try:
        return metadata_of(model), ()
    except ConversionError as error:
        return None, (f"its metadata is ignored: {error}",)


def _preprocessing(
    model: UnpackedModel,
    image: TensorSpec | None,
    file: TfliteFile,
    own: OwnExport,
    metadata: ModelMetadata | None,
    stated: StatedFeed,
) -> tuple[PreprocessingFacts | None, tuple[FileNotice, ...], ConversionError | None]:
    """How `detect` and `evaluate` feed the file and what they say about it, or why they do not."""
    try:
        feeding = feeding_of_file(model, file, own, metadata, stated)
    except ConversionError as error:
        return None if image is None else describe_preprocessing(image), (), error
    if image is None:
        return None, (), None
    # Bytes that are far from what is stated do not stand for it; a notice says so.
    meant = feeding.way is not FeedWay.BYTES or way_by_contract(image, feeding.preprocessing) is (
        FeedWay.BYTES
    )
    fed = feeding.preprocessing if feeding.stated_by and meant else None
    facts = describe_preprocessing(image, fed, feeding.stated_by, feeding.way)
    return facts, feeding.notices, None


def _binding(
    model: UnpackedModel, file: TfliteFile, metadata: ModelMetadata | None, own: OwnExport
) -> tuple[OutputBinding | None, ConversionError | None]:
    """Which output is which, or why that is not known."""
    try:
        return bind_outputs(model, file, metadata, own.contract), None
    except ConversionError as error:
        return None, error


def _not_run(error: ConversionError | None) -> Iterator[str]:
    """Why `detect` and `evaluate` refuse the file, and what to do."""
    if error is not None:
        said = "; ".join(filter(None, (error.what, error.next_step)))
        yield f"detect and evaluate do not run it: {said}"


def _outputs(file: TfliteFile, binding: OutputBinding | None) -> tuple[TensorFacts, ...]:
    """The outputs by the roles that `detect` reads them in."""
    if binding is None:
        return describe_outputs(file.outputs, file.postprocess_outputs, file.postprocess)
    if binding.ending is Ending.RAW:
        return describe_outputs(file.outputs, raw=binding.names)
    return describe_outputs(
        file.outputs,
        binding.names,
        file.postprocess,
        of_saved_model=binding.ending is Ending.DETECTIONS and binding.first_class > 0,
    )


def _numbers(file: TfliteFile, integer: bool) -> str:
    scheme = number_scheme(file)
    if integer:
        scales = "a scale for each channel" if file.per_channel else "one scale for each tensor"
        return f"{scheme} throughout, {scales}"
    if scheme is Scheme.FLOAT16:
        return "float32, weights kept as float16"
    if scheme is Scheme.DYNAMIC:
        return "float32, weights in 8 bits, activations quantised for each image (dynamic)"
    return "float32"


def _anchors(file: TfliteFile, outputs: tuple[TensorFacts, ...]) -> int | None:
    if file.anchors:
        return file.anchors[0]
    raw = next((end for end in outputs if end.role == "box_encodings" and end.shape), None)
    return None if raw is None or raw.shape is None or len(raw.shape) < 2 else raw.shape[1]


def _stray_floats(file: TfliteFile) -> tuple[str, ...]:
    """The op writes floats, and reads them where its kernel has no int8."""
    at_the_op = {*file.postprocess_outputs, *(spec.name for spec in file.postprocess_inputs)}
    return tuple(name for name in file.float_tensors if name not in at_the_op)


def _notes(file: TfliteFile, outputs: tuple[TensorFacts, ...], *, bound: bool) -> list[str]:
    notes = []
    post = file.postprocess
    if post is not None and post.use_regular_nms:
        notes.append(
            "regular NMS: run the interpreter with one thread; with T threads LiteRT never looks "
            "at class T (tensorflow/tensorflow#56058)"
        )
    if post is not None and not post.use_regular_nms and post.num_classes > 1:
        notes.append(
            "fast NMS: boxes of different classes suppress each other; the OD API itself "
            "suppresses for each class"
        )
    order = [DETECTION_ROLES.index(end.role) for end in outputs if end.role in DETECTION_ROLES]
    if post is not None and order != sorted(order):
        notes.append(
            "the outputs are not in the op's order boxes, classes, scores, count: take them by "
            "the positions above"
        )
    if not bound and any(end.role == UNKNOWN for end in outputs):
        notes.append("some outputs are none of the OD API's SSDs: their meaning is not known here")
    return notes
