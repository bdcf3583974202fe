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

from validation.chain.case import Case
from validation.chain.pictures import pictures
from validation.chain.work import file_sha256
from validation.checks.archive import check_archive
from validation.checks.canaries import check_canaries
from validation.checks.detections import compare_detections
from validation.checks.numerics import compare_tensors
from validation.checks.postprocess import check_postprocess
from validation.checks.structure import check_export_contract, check_tflite_contract
from validation.checks.ties import TieRule
from validation.contracts import ANCHORS_NAME, BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.errors import ConfigError
from validation.export.exported import ExportedGraph
from validation.inference.base import ImageFile
from validation.limits import Status
from validation.postprocess.detections import to_detections
from validation.postprocess.op import detection_postprocess
from validation.preprocess.quantise import dequantise
from validation.record_lines import Entry
from validation.records import (
    Artefact,
    Background,
    CheckResult,
    Detections,
    PublishedFigure,
    TensorSpec,
)
from validation.runtimes.tflite import TfliteRuntime
from validation.runtimes.tflite_file import TfliteFile, read_anchors
from validation.timing.latency import Rhythm, Stopwatch, check_latency, measure_latency
from validation.variants import variant_of
from validation.zoo.entry import PUBLISHED_FIGURES, CatalogueEntry

Anchors = NDArray[np.float32]

NO_CONFIG = "the archive has no pipeline.config, so there is no second route to compare with"
DISTURBED = "not timed beside other work: run the timing suite without -n and --benchmark-disable"


def archive(case: Case) -> list[Entry]:
    """The archive is whole and holds what an export and a reference need."""
    obtained = case.chain.archive
    entry = case.chain.entry
    about = Artefact(
        model=case.key.model,
        role="source",
        name=obtained.root.name,
        sha256=obtained.source.sha256,
        size_bytes=obtained.source.size_bytes,
        origin=entry.origin,
        licence=entry.licence,
    )
    # What is known belongs to the model: once, whichever variant comes first.
    known: list[Entry] = [*(_background(entry) if case.is_first else []), about]
    result = check_archive(obtained, case.key)
    if result.status is Status.FAIL:
        return [*known, result]
    reference = Artefact(
        model=case.key.model,
        role="reference",
        name=case.chain.reference_graph.name,
        sha256=case.chain.reference_sha256,
        size_bytes=case.chain.reference_graph.stat().st_size,
        origin=case.chain.reference_origin,
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


def export_contract(case: Case) -> list[Entry]:
    """The exported graph has the exporter's names, shapes, dtypes and attributes."""
    with_op = not case.is_raw
    export = case.chain.exported(add_postprocessing_op=with_op)
    result = check_export_contract(
        case.chain.summary(add_postprocessing_op=with_op),
        export.contract,
        case.key,
        add_postprocessing_op=with_op,
    )
    role = "exported graph" + ("" if with_op else ", raw outputs")
    about = Artefact(
        case.key.model,
        role,
        export.graph.name,
        file_sha256(export.graph),
        export.graph.stat().st_size,
    )
    return [about, result]


def tflite_contract(case: Case) -> list[Entry]:
    """The .tflite file has the names, order, shapes, dtypes and op attributes it must have."""
    path = case.chain.tflite(case.key.variant)
    contract = case.chain.exported(add_postprocessing_op=not case.is_raw).contract
    with TfliteRuntime(path) as runtime:
        outputs = runtime.outputs
    result = check_tflite_contract(
        case.chain.tflite_file(case.key.variant),
        outputs,
        contract,
        case.key,
        policy=case.policy,
        input_stats=case.chain.input_stats(case.key.variant),
        float_twin=_float_twin(case) if variant_of(case.key.variant).is_quantised else None,
    )
    about = Artefact(
        case.key.model,
        f"tflite {case.key.variant}",
        path.name,
        file_sha256(path),
        path.stat().st_size,
    )
    return [about, result]


def _float_twin(case: Case) -> TfliteFile:
    """The float file that ends as the variant does."""
    return case.chain.tflite_file("raw" if case.is_raw else "float")


def raw_parity(case: Case) -> list[Entry]:
    """The raw outputs of the .tflite are those of the exported graph in a session."""
    count = parity_images(case)
    result = compare_tensors(
        _squeezed(case.observations.session_raw_outputs(count)),
        _squeezed(case.observations.raw_outputs("raw", count)),
        policy=case.policy,
        key=case.key,
        images=[image.key for image in case.observations.images[:count]],
    )
    return [result]


def route_parity(case: Case) -> list[Entry]:
    """The archive's graph and the one that its pipeline.config describes are one model.

    Judged in TensorFlow on both sides, so that a disagreement is not blamed on TFLite.
    """
    if case.chain.archive.pipeline_config is None:
        return [CheckResult.unknown("route_parity", case.key, NO_CONFIG)]
    count = parity_images(case)
    own = case.chain.exported(add_postprocessing_op=False)
    try:
        built = case.chain.built_export()
    except ConfigError as error:
        return [CheckResult.unknown("route_parity", case.key, f"no second route: {error}")]
    result = compare_tensors(
        _routes_view(case, count, own),
        _routes_view(case, count, built),
        policy=case.policy,
        key=case.key,
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


def _routes_view(case: Case, count: int, export: ExportedGraph) -> dict[str, np.ndarray]:
    outputs = _squeezed(case.observations.session_raw_outputs(count, export))
    return {**outputs, ANCHORS_NAME: np.load(export.anchors)}


def postprocess_parity(case: Case) -> list[Entry]:
    """The op inside the .tflite does what its port says it does, slot by slot.

    Both take the anchors that stand in the file, which are compared with the exported ones.
    """
    images = case.observations.images[: parity_images(case)]
    op = case.observations.candidate(case.key.variant)
    stored, spec = read_anchors(case.chain.tflite(case.key.variant))
    anchors = dequantise(stored, spec).astype(np.float32)
    result = check_postprocess(
        [op[image.key] for image in images],
        _port_detections(case, images, anchors),
        [image.key for image in images],
        anchors_steps_off=_steps_off(
            anchors, np.load(case.chain.exported().anchors), _step(stored, spec)
        ),
        policy=case.policy,
        key=case.key,
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


def end_to_end_parity(case: Case) -> list[Entry]:
    """The .tflite finds what the archive's own graph finds, on every image."""
    result = compare_detections(
        case.observations.reference(),
        case.observations.candidate(case.key.variant),
        policy=case.policy,
        key=case.key,
        min_score=case.policy.setting("parity_min_score"),
        score_epsilon=_score_epsilon(case),
        min_iou=case.policy.setting("parity_min_iou"),
        capacity=case.chain.exported().contract.postprocess.max_detections,
        ties=_ties(case),
    )
    # Pictures belong to the model: once, whichever variant comes first.
    return [*(pictures(case) if case.is_first else []), result]


def canaries(case: Case) -> list[Entry]:
    """The .tflite finds objects of known class and place."""
    result = check_canaries(
        case.canaries,
        case.observations.candidate(case.key.variant),
        case.class_labels(),
        policy=case.policy,
        key=case.key,
        min_score=case.policy.setting("parity_min_score"),
    )
    return [result]


def latency(case: Case, stopwatch: Stopwatch | None) -> list[Entry]:
    """One inference takes as long as it is said to take."""
    if stopwatch is None:
        return [CheckResult.unknown("latency", case.key, DISTURBED)]
    rhythm = Rhythm(
        warmup=int(case.policy.setting("timing_warmup")),
        rounds=int(case.policy.setting("timing_rounds")),
        least_rounds=int(case.policy.setting("timing_least_rounds")),
        seconds=case.policy.setting("timing_seconds"),
        threads=int(case.policy.setting("timing_threads")),
    )
    call = case.observations.timed_call(case.key.variant, rhythm.threads)
    timing = measure_latency(stopwatch, call, case.key, "LiteRT", rhythm)
    return [timing, check_latency(timing, case.policy)]


def _port_detections(case: Case, images: Sequence[ImageFile], anchors: Anchors) -> list[Detections]:
    """The port fed with the raw outputs of the variant's twin, which has the same body."""
    export = case.chain.exported()
    raw = case.observations.raw_outputs(variant_of(case.key.variant).raw_twin, len(images))
    boxes, scores = raw[BOX_ENCODINGS_NAME], raw[CLASS_PREDICTIONS_NAME]
    return [
        to_detections(
            detection_postprocess(boxes[place], scores[place], anchors, export.contract.postprocess)
        )
        for place in range(len(images))
    ]


def _ties(case: Case) -> TieRule | None:
    """Rounding of floats exchanges equal scores; what 8 bits exchange is their cost."""
    if variant_of(case.key.variant).is_quantised:
        return None
    return TieRule(
        nms_iou=case.chain.exported().contract.postprocess.nms_iou_threshold,
        score_epsilon=case.policy.setting("parity_tie_epsilon"),
        same_iou=case.policy.setting("parity_tie_same_iou"),
        most_share=case.policy.setting("parity_tie_share"),
    )


def _score_epsilon(case: Case) -> float:
    """Distance from the cut within which nobody can say whether a detection is lost."""
    if variant_of(case.key.variant).is_quantised:
        return case.policy.setting("quantised_score_epsilon")
    return case.policy.setting("parity_score_epsilon")


def _squeezed(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}


def parity_images(case: Case) -> int:
    """As many images as the policy asks for, fewer where the raw outputs are very large."""
    contract = case.chain.exported().contract
    values = contract.num_anchors * (contract.num_classes + 1 + 4)
    fitting = max(2, int(case.policy.setting("parity_values")) // values)
    return min(int(case.policy.setting("parity_images")), fitting, len(case.observations.images))
