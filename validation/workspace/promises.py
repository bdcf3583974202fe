"""What is promised of every model and variant: one function a promise.

Each takes a case, has it observed, and returns the entries for the record: the
CheckResult and the evidence that belongs to it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.comparison.archive_parts import check_archive
from validation.comparison.canary_matching import check_canaries
from validation.comparison.detections import compare_detections
from validation.comparison.postprocess_slots import check_postprocess
from validation.comparison.structure import check_export_contract, check_tflite_contract
from validation.comparison.tensors import compare_tensors
from validation.comparison.ties import TieRule
from validation.errors import ConfigError
from validation.export.exported import ExportedGraph
from validation.policy.limits import Status
from validation.postprocess.detections import to_detections
from validation.postprocess.op import detection_postprocess
from validation.preprocess.image import ImageFile
from validation.preprocess.quantise import dequantise
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import Background, CheckResult, PublishedFigure
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import ANCHORS_NAME, BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.specs.tensors import TensorSpec
from validation.specs.variants import variant_of
from validation.tflite.facts import TfliteFile, read_anchors
from validation.timing.latency import Stopwatch, TimingPlan, check_latency, measure_latency
from validation.workspace.context import REFERENCE, CheckContext
from validation.workspace.pictures import pictures
from validation.workspace.products import file_sha256
from validation.zoo.entry import PUBLISHED_FIGURES, CatalogueEntry

Anchors = NDArray[np.float32]

NO_CONFIG = "the archive has no pipeline.config, so there is no second route to compare with"
DISTURBED = "not timed beside other work: run the timing suite without -n and --benchmark-disable"


def archive(context: CheckContext) -> list[Entry]:
    """The archive is whole and holds what an export and a reference need."""
    obtained = context.build.archive
    entry = context.build.entry
    about = Artefact(
        model=context.key.model,
        role=ArtefactRole.SOURCE,
        variant="",
        name=obtained.root.name,
        sha256=obtained.source.sha256,
        size_bytes=obtained.source.size_bytes,
        origin=entry.origin,
        licence=entry.licence,
    )
    # What is known belongs to the model: once, whichever variant comes first.
    known: list[Entry] = [*(_background(entry) if context.is_first else []), about]
    result = check_archive(obtained, context.key)
    if result.status is Status.FAIL:
        return [*known, result]
    reference = Artefact(
        model=context.key.model,
        role=ArtefactRole.REFERENCE,
        variant="",
        name=context.build.reference_graph.name,
        sha256=context.build.reference_sha256,
        size_bytes=context.build.reference_graph.stat().st_size,
        origin=context.build.reference_origin,
    )
    return [*known, reference, result]


def _background(entry: CatalogueEntry) -> list[Background]:
    """With the meaning of each figure, so that the record explains itself; nothing if unknown."""
    if not entry.published and not entry.traps:
        return []
    figures = [
        PublishedFigure(name, value, PUBLISHED_FIGURES[name])
        for name, value in entry.published.items()
    ]
    return [Background(entry.name, entry.description, tuple(figures), entry.traps)]


def export_contract(context: CheckContext) -> list[Entry]:
    """The exported graph has the exporter's names, shapes, dtypes and attributes."""
    with_op = not context.is_raw
    export = context.build.exported(add_postprocessing_op=with_op)
    result = check_export_contract(
        context.build.summary(add_postprocessing_op=with_op),
        export.contract,
        context.key,
        add_postprocessing_op=with_op,
    )
    about = Artefact(
        context.key.model,
        ArtefactRole.EXPORTED_GRAPH,
        context.key.variant,
        export.graph.name,
        file_sha256(export.graph),
        export.graph.stat().st_size,
    )
    return [about, result]


def tflite_contract(context: CheckContext) -> list[Entry]:
    """The .tflite file has the names, order, shapes, dtypes and op attributes it must have."""
    path = context.build.tflite(context.key.variant)
    contract = context.build.exported(add_postprocessing_op=not context.is_raw).contract
    with TfliteRuntime(path) as runtime:
        outputs = runtime.outputs
    result = check_tflite_contract(
        context.build.tflite_file(context.key.variant),
        outputs,
        contract,
        context.key,
        policy=context.policy,
        input_stats=context.build.input_stats(context.key.variant),
        float_counterpart=_float_counterpart(context)
        if variant_of(context.key.variant).is_quantised
        else None,
    )
    about = Artefact(
        context.key.model,
        ArtefactRole.TFLITE,
        context.key.variant,
        path.name,
        file_sha256(path),
        path.stat().st_size,
    )
    return [about, result]


def _float_counterpart(context: CheckContext) -> TfliteFile:
    """The float file that ends as the variant does."""
    return context.build.tflite_file("raw" if context.is_raw else "float")


def raw_parity(context: CheckContext) -> list[Entry]:
    """The raw outputs of the .tflite are those of the exported graph in a session."""
    count = parity_images(context)
    result = compare_tensors(
        _squeezed(context.inference.session_raw_outputs(count)),
        _squeezed(context.inference.raw_outputs("raw", count)),
        policy=context.policy,
        key=context.key,
        images=[image.key for image in context.inference.images[:count]],
    )
    return [result]


def route_parity(context: CheckContext) -> list[Entry]:
    """The archive's graph and the one that its pipeline.config describes are one model.

    Judged in TensorFlow on both sides, so that a disagreement is not blamed on TFLite.
    """
    if context.build.archive.pipeline_config is None:
        return [CheckResult.unknown("route_parity", context.key, NO_CONFIG)]
    count = parity_images(context)
    own = context.build.exported(add_postprocessing_op=False)
    try:
        built = context.build.built_export()
    except ConfigError as error:
        return [CheckResult.unknown("route_parity", context.key, f"no second route: {error}")]
    result = compare_tensors(
        _routes_view(context, count, own),
        _routes_view(context, count, built),
        policy=context.policy,
        key=context.key,
        check="route_parity",
    )
    if result.status is Status.FAIL:
        told = f"checkpoint and config disagree with the inference graph: {_half(result)}"
        result = dataclasses.replace(result, message=f"{told}; {result.message}")
    return [result]


def _half(result: CheckResult) -> str:
    """Which of the two to look at: anchors come from the config alone, raw outputs do not."""
    beyond = {
        measure.name.startswith(ANCHORS_NAME)
        for measure in result.measures
        if measure.status is Status.FAIL
    }
    if beyond == {True}:
        return "only the anchors differ, so look at anchor_generator in pipeline.config"
    if beyond == {False}:
        return "the anchors agree, so look at the weights of the checkpoint"
    return "anchors and raw outputs differ, or cannot be compared"


def _routes_view(context: CheckContext, count: int, export: ExportedGraph) -> dict[str, np.ndarray]:
    outputs = _squeezed(context.inference.session_raw_outputs(count, export))
    return {**outputs, ANCHORS_NAME: np.load(export.anchors)}


def postprocess_parity(context: CheckContext) -> list[Entry]:
    """The op inside the .tflite does what its port says it does, slot by slot.

    Both take the anchors that stand in the file, which are compared with the exported ones.
    """
    images = context.inference.images[: parity_images(context)]
    op = context.inference.candidate(context.key.variant)
    stored, spec = read_anchors(context.build.tflite(context.key.variant))
    anchors = dequantise(stored, spec).astype(np.float32)
    result = check_postprocess(
        [op[image.key] for image in images],
        _port_detections(context, images, anchors),
        [image.key for image in images],
        anchors_steps_off=_steps_off(
            anchors, np.load(context.build.exported().anchors), _step(stored, spec)
        ),
        policy=context.policy,
        key=context.key,
    )
    return [result]


def _step(stored: NDArray[Any], spec: TensorSpec) -> NDArray[Any] | float:
    """What rounding can tell apart: the scale of integers, the distance to the next float."""
    return np.abs(np.spacing(stored)) if spec.scale is None else spec.scale


def _steps_off(anchors: Anchors, exported: Anchors, step: NDArray[Any] | float) -> float:
    """The largest difference in steps; infinite where they are not as many."""
    if anchors.shape != exported.shape:
        return math.inf
    return float(np.max(np.abs(anchors - exported) / step))


def end_to_end_parity(context: CheckContext) -> list[Entry]:
    """The .tflite finds what the archive's own graph finds, on every image."""
    result = compare_detections(
        context.inference.reference(),
        context.inference.candidate(context.key.variant),
        policy=context.policy,
        key=context.key,
        min_score=context.policy.setting("parity_min_score"),
        score_epsilon=_score_epsilon(context),
        min_iou=context.policy.setting("parity_min_iou"),
        capacity=context.build.exported().contract.postprocess.max_detections,
        ties=_ties(context),
    )
    evidence = context.inference.evidence
    entries: list[Entry] = [evidence(context.key.variant), result]
    # Pictures and the reference belong to the model: once, whichever variant comes first.
    return [*pictures(context), evidence(REFERENCE), *entries] if context.is_first else entries


def canaries(context: CheckContext) -> list[Entry]:
    """The .tflite finds objects of known class and place."""
    result = check_canaries(
        context.canaries,
        context.inference.candidate(context.key.variant),
        context.class_labels(),
        policy=context.policy,
        key=context.key,
        min_score=context.policy.setting("parity_min_score"),
    )
    return [result]


def latency(context: CheckContext, stopwatch: Stopwatch | None) -> list[Entry]:
    """One inference takes as long as it is said to take."""
    if stopwatch is None:
        return [CheckResult.unknown("latency", context.key, DISTURBED)]
    plan = TimingPlan(
        warmup=int(context.policy.setting("timing_warmup")),
        rounds=int(context.policy.setting("timing_rounds")),
        least_rounds=int(context.policy.setting("timing_least_rounds")),
        seconds=context.policy.setting("timing_seconds"),
        threads=int(context.policy.setting("timing_threads")),
    )
    call = context.inference.timed_call(context.key.variant, plan.threads)
    timing = measure_latency(stopwatch, call, context.key, "LiteRT", plan)
    return [timing, check_latency(timing, context.policy)]


def _port_detections(
    context: CheckContext, images: Sequence[ImageFile], anchors: Anchors
) -> list[Detections]:
    """The port fed with the raw outputs of the variant's twin, which has the same body."""
    export = context.build.exported()
    raw = context.inference.raw_outputs(variant_of(context.key.variant).raw_variant, len(images))
    boxes, scores = raw[BOX_ENCODINGS_NAME], raw[CLASS_PREDICTIONS_NAME]
    return [
        to_detections(
            detection_postprocess(boxes[place], scores[place], anchors, export.contract.postprocess)
        )
        for place in range(len(images))
    ]


def _ties(context: CheckContext) -> TieRule | None:
    """Rounding of floats exchanges equal scores; what 8 bits exchange is their cost."""
    if variant_of(context.key.variant).is_quantised:
        return None
    return TieRule(
        nms_iou=context.build.exported().contract.postprocess.nms_iou_threshold,
        score_epsilon=context.policy.setting("parity_tie_epsilon"),
        same_iou=context.policy.setting("parity_tie_same_iou"),
        most_share=context.policy.setting("parity_tie_share"),
    )


def _score_epsilon(context: CheckContext) -> float:
    """Distance from the cut within which nobody can say whether a detection is lost."""
    if variant_of(context.key.variant).is_quantised:
        return context.policy.setting("quantised_score_epsilon")
    return context.policy.setting("parity_score_epsilon")


def _squeezed(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}


def parity_images(context: CheckContext) -> int:
    """As many images as the policy asks for, fewer where the raw outputs are very large."""
    contract = context.build.exported().contract
    values = contract.num_anchors * (contract.num_classes + 1 + 4)
    fitting = max(2, int(context.policy.setting("parity_values")) // values)
    return min(int(context.policy.setting("parity_images")), fitting, len(context.inference.images))
