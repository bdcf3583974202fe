"""A small run with one of everything, built in code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.coco_figures import CocoFigures
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.pictures import Panel, Picture
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
    Header,
    Stage,
    Step,
)
from validation.record.store import RecordWriter
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    Measure,
    ModelKey,
    PublishedFigure,
    Timing,
)
from validation.specs.tensors import TensorSpec

FIGURES = CocoFigures(
    0.1948, 0.4487, 0.1402, -1, 0.2011, 0.3987, 0.0912, 0.2409, 0.2871, -1, 0.3102, 0.5107
)
# One white pixel.
JPEG = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////"
    "////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/a"
    "AAgBAQABPxA="
)


def quantisation_cost(layers: int) -> QuantisationCost:
    """Of an int8 file whose third layer is the worst."""
    scores = TensorSpec("class_predictions", "int8", (1, 1917, 2), 1 / 256, -128)
    error = ErrorStatistics(30672, 0.0, 0.96, 0.0019, 24.61, 0.9981, 0.4864, 0.00012, 0.031)
    rows = []
    for index in range(1, layers + 1):
        spec = TensorSpec(f"net/{index}/Relu6;net/{index}/Conv2D", "int8", (1, 9, 9, 4), 0.02, -128)
        own = ErrorStatistics(648, 0.0, 5.1, 0.01, 31.5 - index, 0.999, 0.5, 0.0, 0.1)
        local = ErrorStatistics(
            648, 0.0, 5.1, 0.01, 12.25 if index == 3 else 39.5, 0.9999, 0.29, 0.0, 0.0
        )
        rows.append(LayerError(index, "CONV_2D", spec, f"net/{index}/Relu6", 32.5, own, local))
    rows.append(
        LayerError(layers + 1, "RESHAPE", TensorSpec("odd", "float32", (1, 324))),
    )
    return QuantisationCost(
        "person",
        "int8",
        "the exported graph in a TensorFlow session",
        8,
        2,
        (OutputError(scores, error, constant=False),),
        tuple(rows),
    )


@pytest.fixture
def policy() -> Policy:
    """A policy that requires raw_parity and accuracy of float."""
    settings = {"compare_latency_share": 0.1, "compare_ap_change": 0.0005}
    required = {"raw_parity": ("float",), "accuracy": ("float",)}
    return Policy((), settings, required, "a1" * 32)


@pytest.fixture
def header() -> Header:
    """Of a run over one model in two variants."""
    return Header(
        run="2026-01-02-night",
        started="2026-01-02T03:04:05+00:00",
        selection=(
            ModelKey("person", "float"),
            ModelKey("person", "int8"),
        ),
        options={"--zoo": "bundled"},
        versions={"tensorflow": "2.21.0"},
        machine={"cores": "2"},
        policy_sha256="a1" * 32,
        dataset=DatasetFacts("coco-tiny", "b2" * 32, 80, 216),
    )


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    """What the run found: float passes, int8 fails its parity."""
    found: list[Entry] = [
        Step("person", Stage.EXPORT, "export", 7.25, False),
        Step("person", Stage.FETCH, "fetch", 0.02, True),
        Background(
            "person",
            "SSD for persons, 300x300",
            (
                PublishedFigure("coco_map", 23.3212, "mAP in percent, converted elsewhere"),
                PublishedFigure("speed_ms", 30, "ms for an image on another machine"),
            ),
            ("The checkpoint is model.ckpt-400000.", "The predictor has no batch norm."),
        ),
        Artefact(
            "person",
            ArtefactRole.SOURCE,
            "",
            "frozen.pb",
            "c3" * 32,
            12_923_854,
            "a package",
            "MIT",
        ),
        *(
            Artefact("person", role, "float", name, sha256 * 32, size, path=f"files/{name}")
            for role, name, sha256, size in (
                (ArtefactRole.TFLITE, "person-float.tflite", "d4", 12_180_000),
                (ArtefactRole.FEEDING, "person-float.tflite.json", "e5", 3_000),
                (ArtefactRole.LABELS, "person.labels.txt", "f6", 7),
            )
        ),
        Accuracy("person", "reference", "frozen graph", FIGURES, 80, (1,), 7800, 0.0, 21.0),
        Accuracy(
            "person",
            "float",
            "float .tflite, exporter default 10 detections",
            dataclasses.replace(FIGURES, ap=0.1694),
            80,
            (1,),
            800,
            0.0,
        ),
        quantisation_cost(20),
        Timing("person", "float", "LiteRT", 1, 10, (9.0, 9.5, 10.0, 14.0)),
        Timing("person", "float", "LiteRT", 2, 10, (6.0, 5.5, 5.75)),
        Picture(
            "person",
            "000000010764.jpg",
            64,
            48,
            JPEG,
            (
                Panel.of("frozen graph", Detections(((0.1, 0.2, 0.8, 0.6),), (0.93,), (1,))),
                Panel.of("float", Detections((), (), ())),
            ),
            {"1": "person"},
        ),
    ]
    for variant, difference in (("float", 3.6e-4), ("int8", 0.31)):
        key = ModelKey("person", variant)
        found += [
            dataclasses.replace(
                CheckResult.judged(
                    "raw_parity",
                    key,
                    (
                        Measure(
                            "compared_values", 11502, Limit("min", 1, "nothing proves nothing")
                        ),
                        Measure(
                            "box_encodings_max_abs_diff",
                            difference,
                            Limit("max", 1e-3, "float rounding over sixty layers"),
                        ),
                        Measure(
                            "class_predictions_max_abs_diff", 1.2e-6, Limit("max", 1e-4, "scores")
                        ),
                    ),
                    where="box_encodings[0, 1187, 2]",
                    message="the largest difference is in a box",
                ),
                seconds=5.135,
            ),
            CheckResult.judged(
                "end_to_end_parity",
                key,
                (
                    Measure("unmatched_detections", 0, Limit("max", 2, "two may get lost")),
                    Measure("compared_detections", 128),
                ),
            ),
            CheckResult.judged(
                "accuracy", key, (Measure("ap_drop", 0.0254, Limit("max", 0.03, "three points")),)
            ),
        ]
    return tuple(found)


@pytest.fixture
def write_run(tmp_path: Path, header: Header) -> Callable[..., Path]:
    """Write entries as the record of a run and give the run's folder."""

    def write(entries: Iterable[Entry], header: Header = header, ended: bool = True) -> Path:
        folder = tmp_path / "run"
        with closing(RecordWriter(folder).open()) as writer:
            writer.write(header)
            for entry in entries:
                writer.write(entry)
            if ended:
                writer.close(Footer("2026-01-02T03:05:05+00:00", 60.0, writer.results, 0))
        return folder

    return write
