"""Runs with one of everything that pages show, written as records: nothing is measured."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image
from run_pages import render_run
from shown_baseline import MACHINE, shown_comparisons, write_shown_history
from shown_cluster import shown_cluster
from shown_names import PLAIN, Names

from validation.policy.limits import Limit
from validation.policy.load import Policy, load_policy
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.coco_figures import CocoFigures
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.first_divergence import FirstDivergence, MatchedBy
from validation.record.lines import Entry
from validation.record.operating_point import ObjectSize, OperatingPointLosses, OperatingRow
from validation.record.pictures import GROUND_TRUTH, Panel, Picture
from validation.record.quantisation_cost import (
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
)
from validation.record.run import (
    Artefact,
    ArtefactRole,
    DatasetFacts,
    Footer,
    GivenFile,
    Header,
    Stage,
    Step,
)
from validation.record.store import RECORD_NAME, RecordWriter, load_record
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    Measure,
    ModelKey,
    PublishedFigure,
    Timing,
)
from validation.report.compare_page import compared_runs
from validation.signoff.changes import changes, uncompared_latency
from validation.signoff.circumstances import circumstances
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec

__all__ = [
    "COMPARISON",
    "shown_policy",
    "write_shown_comparison",
    "write_shown_run",
]

COMPARISON = "compare.html"

_REFERENCE_AP = 0.4312
_WIDTH, _HEIGHT = 320, 240


def shown_policy() -> Policy:
    """The built-in policy, which of these runs requires no more than they have."""
    return dataclasses.replace(
        load_policy(),
        required={"accuracy": ("*",), "raw_parity": ("float", "int8")},
        required_of_given={},
    )


def write_shown_run(
    folder: Path, *, fails: bool = False, names: Names = PLAIN, run: str = "2026-01-02-night"
) -> Path:
    """Write a run's record and pages into a folder that is not there yet.

    Args:
        folder: Of the run.
        fails: The int8 file of the first model loses what it must not, and a given file is judged.
        names: What the parts are called.
        run: Its name.

    Returns:
        The folder.
    """
    keys = _keys(names, fails)
    given = tuple(
        GivenFile(key.model, key.variant, key.file, "ab" * 32, ReferenceKind.GRAPH)
        for key in keys
        if key.file
    )
    header = Header(
        run=run,
        started="2026-01-02T03:04:05+00:00",
        selection=keys,
        options={"--zoo": names.option, "labelled images": names.dataset},
        versions={"harness": "0.1.0", "tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"},
        machine=MACHINE,
        policy_sha256=shown_policy().sha256,
        dataset=DatasetFacts(names.dataset, "b2" * 32, 80, 216),
        given=given,
    )
    with closing(RecordWriter(folder).open()) as writer:
        writer.write(header)
        for key in keys:
            for entry in _entries(key, names, fails=fails and key in _failing(names)):
                writer.write(entry)
        if fails:
            before = f"before {names.option}"
            for entry in shown_comparisons(keys, _failing(names), before, header.limits):
                writer.write(entry)
        for model in (names.model, names.other):
            for entry in _of_model(model, names):
                writer.write(entry)
        writer.close(Footer("2026-01-02T03:05:05+00:00", 60.0, writer.results, int(fails)))
    write_shown_history(folder.parent, keys)
    render_run(folder, shown_policy())
    return folder


def _keys(names: Names, fails: bool) -> tuple[ModelKey, ...]:
    made = [
        ModelKey(model, variant)
        for model in (names.model, names.other)
        for variant in ("float", "dynamic", "int8")
    ]
    return (*made, ModelKey(names.model, "int8", names.file)) if fails else tuple(made)


def _failing(names: Names) -> tuple[ModelKey, ...]:
    return ModelKey(names.model, "int8"), ModelKey(names.model, "int8", names.file)


def _of_model(model: str, names: Names) -> Iterator[Entry]:
    yield Step(model, Stage.EXPORT, "export", 7.25, False)
    yield Step(model, Stage.FETCH, "fetch", 0.02, True)
    yield shown_cluster(names)
    yield Background(
        model,
        f"SSD, {names.label}",
        (PublishedFigure("coco_map", 22.1, "mAP in percent, on other images"),),
        (f"The predictor has no batch norm: {names.message}.",),
    )
    yield Artefact(model, ArtefactRole.SOURCE, "", "frozen.pb", "c3" * 32, 12_923_854, "zoo", "MIT")
    yield Accuracy(model, "reference", "frozen graph", _figures(_REFERENCE_AP), 80, (1, 2), 7800, 0)


def _figures(ap: float) -> CocoFigures:
    return CocoFigures(ap, 0.71, 0.44, 0.21, 0.41, -1, 0.3, 0.5, 0.52, 0.31, 0.55, -1)


def _entries(key: ModelKey, names: Names, *, fails: bool) -> Iterator[Entry]:
    own = {"model": key.model, "variant": key.variant, "file": key.file}
    ap = _REFERENCE_AP - (0.0931 if fails else 0.0012)
    size = {"float": 18_300_000, "dynamic": 4_800_000, "int8": 5_100_000}[key.variant]
    file = key.file or f"{key.variant}.tflite"
    yield Artefact(**own, role=ArtefactRole.TFLITE, name=file, sha256="d4" * 32, size_bytes=size)
    yield Accuracy(
        **own,
        subject=f"{key.label} .tflite",
        figures=_figures(ap),
        images=80,
        category_ids=(1, 2),
        detections=800,
        score_threshold=0.0,
    )
    yield _difference(own, key, names, ap)
    yield _losses(own, names, 9 if fails else 1)
    for threads in (1, 2):
        samples = np.random.default_rng(threads).gamma(9.0, 0.4, 60) / threads + 6
        yield Timing(
            **own, runtime="LiteRT", threads=threads, warmup=10, samples_ms=tuple(samples.tolist())
        )
    if key.variant == "int8":
        yield _quantisation_cost(own, names)
        yield _first_divergence(own, names)
        yield _picture(own, names)
    yield from _results(key, names, ap, fails)
    if fails:
        yield from _diagnoses(own, names)


def _difference(own: dict[str, str], key: ModelKey, names: Names, ap: float) -> ApDifference:
    def of(figure: Figure, category: int | None = None) -> Difference:
        change = ap - _REFERENCE_AP
        low, high = change - 0.006, change + 0.005
        return Difference(figure, _REFERENCE_AP, ap, 108, low, high, 0.003, 2000, category)

    return ApDifference(
        **own,
        subject=f"{key.label} .tflite",
        images=80,
        replicates=2000,
        seed=1,
        ranked_alike=False,
        differences=(
            *(of(figure) for figure in Figure if figure is not Figure.CATEGORY),
            of(Figure.CATEGORY, 1),
            of(Figure.CATEGORY, 2),
        ),
        names={1: names.category, 2: "square"},
    )


def _losses(own: dict[str, str], names: Names, lost: int) -> OperatingPointLosses:
    def row(number: int | None, name: str, size: ObjectSize | None) -> OperatingRow:
        interval = (0.01 * lost, 0.04 * lost)
        return OperatingRow(number, name, size, 60, 110, 100, lost, lost, 2, 1, 105, 3, 2, interval)

    return OperatingPointLosses(
        **own,
        min_score=0.3,
        asked=0.3,
        score_epsilon=0.05,
        min_iou=0.5,
        moved_iou=0.75,
        images=80,
        unlabelled_classes=(),
        undecided=0,
        tied=0,
        rows=(
            row(None, "", None),
            row(1, names.label, None),
            row(2, "square", None),
            row(1, names.label, ObjectSize.SMALL),
        ),
    )


def _quantisation_cost(own: dict[str, str], names: Names) -> QuantisationCost:
    scores = TensorSpec("class_predictions", "int8", (1, 1917, 3), 1 / 256, -128)
    error = ErrorStatistics(30672, 0.0, 0.96, 0.0019, 24.61, 0.9981, 0.4864, 0.00012, 0.031)
    layers = tuple(
        LayerError(
            index,
            "CONV_2D",
            TensorSpec(f"{names.layer}/{index}", "int8", (1, 19, 19, 24), 0.02, -128),
            f"{names.layer}/{index}",
            32.5,
            dataclasses.replace(error, sqnr_db=31.5 - index),
            dataclasses.replace(error, sqnr_db=12.25 if index == 3 else 39.5),
        )
        for index in range(1, 9)
    )
    return QuantisationCost(
        **own,
        reference="the exported graph in a TensorFlow session",
        images=8,
        layer_images=2,
        outputs=(OutputError(scores, error, constant=False),),
        layers=layers,
    )


def _first_divergence(own: dict[str, str], names: Names) -> FirstDivergence:
    return FirstDivergence(
        **own,
        reference="the float file of the exported graph",
        index=4,
        op="CONV_2D",
        tensor="tensor_31",
        counterpart=names.layer,
        matched=MatchedBy.FLOW,
        local=12.0,
        accumulated=31.0,
        allowed=1.0,
        in_steps=True,
        layers=64,
        differing=2,
        images=2,
    )


def _picture(own: dict[str, str], names: Names) -> Picture:
    shades = np.linspace(40, 215, _WIDTH).astype(np.uint8)
    pixels = np.broadcast_to(shades[None, :, None], (_HEIGHT, _WIDTH, 3))
    with io.BytesIO() as stream:
        Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "JPEG", quality=60)
        jpeg = base64.b64encode(stream.getvalue()).decode("ascii")
    box, other = (0.1, 0.2, 0.8, 0.6), (0.3, 0.65, 0.7, 0.95)
    return Picture(
        **own,
        image=names.image,
        width=_WIDTH,
        height=_HEIGHT,
        jpeg_base64=jpeg,
        panels=(
            Panel("frozen graph", (box, other), (0.93, 0.61), (1, 2)),
            Panel(names.file if own["file"] else own["variant"], (box,), (0.88,), (1,)),
            Panel(GROUND_TRUTH, (box, other), (1.0, 1.0), (1, 2)),
        ),
        labels={"1": names.label, "2": "square"},
    )


def _diagnoses(own: dict[str, str], names: Names) -> Iterator[Diagnosis]:
    """Of one file: looked at, in several places, tried out with a tie, and without values."""
    yield Diagnosis(
        **own,
        fault=FaultKind.FINDS_NOTHING,
        place=Place.LABELS,
        by=DiagnosedBy.ABSOLUTE,
        where=names.label,
        check="accuracy",
    )
    yield Diagnosis(
        **own,
        fault=FaultKind.ANCHORS,
        place=Place.CONFIG,
        by=DiagnosedBy.HYPOTHESIS,
        got="sides times 1.5",
        measure="AP",
        before=0.0931,
        after=0.4312,
        ties=(FaultKind.BOX_SCALES,),
        check="accuracy",
    )
    yield Diagnosis(
        **own,
        fault=FaultKind.EPSILON,
        place=Place.FILE,
        by=DiagnosedBy.FILE_DIFF,
        where=names.layer,
        expected=0.001,
        got=[0.1, 0.01],
        count=3,
        check="raw_parity",
    )


def _results(key: ModelKey, names: Names, ap: float, fails: bool) -> Iterator[CheckResult]:
    outputs = Measure("outputs", 4, Limit("equal", 4, "the op has four"))
    yield CheckResult.judged("tflite_contract", key, (outputs,))
    error = Measure(
        "box_encodings_max_abs_diff",
        0.31 if fails else 3.6e-4,
        Limit("max", 1e-3, "float rounding over sixty layers"),
    )
    many = Measure("compared_values", 11502, Limit("min", 1, "nothing proves nothing"))
    yield dataclasses.replace(
        CheckResult.judged(
            "raw_parity",
            key,
            (many, error),
            where=f"{names.layer}[0, 1187, 2]",
            message=names.message if fails else "",
        ),
        seconds=5.135,
    )
    drop = Measure("ap_drop", _REFERENCE_AP - ap, Limit("max", 0.03, "three points"), interval=None)
    yield CheckResult.judged("accuracy", key, (drop, Measure("images", 80)))
    latency = Measure("p95_ms", 14.2, Limit("max", 50.0, "twenty frames a second"))
    yield CheckResult.judged("latency", key, (latency,))
    found = (Measure("unmatched_detections", 0, Limit("max", 2, "two may get lost")),)
    yield CheckResult.judged(
        "end_to_end_parity", key, (*found, Measure("compared_detections", 128))
    )
    yield CheckResult.unknown("canaries", key, f"no canary shows a {names.label}")


def write_shown_comparison(before: Path, after: Path) -> Path:
    """Compare two of these runs on a page beside the later one.

    Returns:
        Path of the page.
    """
    records = [load_record(folder / RECORD_NAME) for folder in (before, after)]
    policy, target = shown_policy(), after / COMPARISON
    page = compared_runs(
        *records,
        circumstances(*records, shown_policy()),
        changes(*records, policy),
        policy,
        (before, after),
        target,
        uncompared_latency(*records),
    )
    target.write_text(page, encoding="utf-8")
    return target
