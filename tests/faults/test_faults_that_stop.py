"""What stops a check, or a session before any check, is named: in which file, and what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from validation.faults import archive_edits as put
from validation.faults.fault import Case, Fault, Inject, Thinness
from validation.faults.outcome import Caught, Naming
from validation.faults.session import FaultSession
from validation.faults.table import DEFAULT_MODEL, Row, Subject, rows
from validation.record.diagnosis import FaultKind, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

_STOPPED = (
    *("graph-training-mode", "graph-cut", "graph-score-threshold", "shipped-input-name"),
    *("config-aspect-ratio-lost", "config-num-classes", "config-aspect-kept", "config-extractor"),
    *("config-depth", "config-unknown-field", "config-quantised", "config-averages", "file-cut"),
    *("labels-corners", "labels-centres", "labels-shares", "labels-box-format"),
    *("labels-map-short", "labels-one-category", "labels-none"),
)
_CONFIG, _SHARD, _PAGE = "pipeline.config", put.SHARD, b"<!DOCTYPE html><html>404</html>"
# Nothing but the file says that the graph is not what it declares.
_UNSEEN = {"graph-score-threshold-graph"}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> FaultSession:
    """One process that knows its clean models."""
    return FaultSession(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    "row",
    [row for row in rows() if row.fault.id in _STOPPED and str(row) not in _UNSEEN],
    ids=str,
)
def test_known_fault_is_named(row: Row, session: FaultSession) -> None:
    """The first diagnosis has the place and the cause."""
    outcome = session.judge(row)
    assert (outcome.caught, outcome.naming) == (Caught.CAUGHT, Naming.RIGHT), outcome.said


def _written(name: str, content: bytes) -> Inject:
    return lambda case: _to(case.archive / name, content)


def _to(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _config(old: str, new: str) -> Inject:
    return lambda case: put.edit(old, new)(case.archive)


def _removed(name: str) -> Inject:
    return lambda case: put.remove(name)(case.archive)


def _late_damage(case: Case) -> None:
    """In a variable that every route reads."""
    data = bytearray((case.archive / _SHARD).read_bytes())
    data[-5000] ^= 0xFF
    (case.archive / _SHARD).write_bytes(data)


def _labels(change: Callable[[dict[str, Any]], object]) -> Inject:
    def inject(case: Case) -> None:
        about = json.loads(case.annotations.read_text(encoding="utf-8"))
        change(about)
        case.annotations.write_text(json.dumps(about), encoding="utf-8")

    return inject


def _cut_labels(case: Case) -> None:
    case.annotations.write_bytes(case.annotations.read_bytes()[:5000])


def _long_map(case: Case) -> None:
    case.label_map.write_text(case.label_map.read_text() + "more\nand more\n")


_K, _P = FaultKind, Place
_DAMAGE: dict[str, tuple[Place, FaultKind, Inject, str]] = {
    "shard-missing": (_P.CHECKPOINT, _K.MISSING_FILE, _removed(_SHARD), "model.ckpt.data-"),
    "shard-damaged": (_P.CHECKPOINT, _K.DAMAGED, _late_damage, "model.ckpt.data-"),
    "index-missing": (
        _P.CHECKPOINT,
        _K.MISSING_FILE,
        _removed("model.ckpt.index"),
        "(model.ckpt.index)",
    ),
    "index-text": (
        _P.CHECKPOINT,
        _K.DAMAGED,
        _written("model.ckpt.index", b"hello"),
        "(model.ckpt.index)",
    ),
    "config-empty": (_P.CONFIG, _K.DAMAGED, _written(_CONFIG, b""), "empty file"),
    "config-page": (_P.CONFIG, _K.OTHER_FILE, _written(_CONFIG, _PAGE), "a web page instead of"),
    "config-brace": (_P.CONFIG, _K.INVALID, _config("image_resizer {", "image_resizer "), "line "),
    "config-typo": (
        _P.CONFIG,
        _K.UNKNOWN_FIELD,
        _config("num_classes", "num_clases"),
        "line 5, model.ssd.num_clases",
    ),
    "config-misspelt": (
        _P.CONFIG,
        _K.EXTRACTOR,
        _config('"ssd_mobilenet_v1_ppn"', '"ssd_mobilenet_v9"'),
        "line 77",
    ),
    "config-backbone": (
        _P.CONFIG,
        _K.EXTRACTOR,
        _config('"ssd_mobilenet_v1_ppn"', '"ssd_mobilenet_v2"'),
        "ssd_mobilenet_v2 instead of ssd_mobilenet_v1_ppn",
    ),
    "config-least-depth": (
        _P.CONFIG,
        _K.DEPTH,
        _config("min_depth: 16", "min_depth: 64"),
        "64 instead of 16",
    ),
    "config-layers": (_P.CONFIG, _K.ANCHORS, _config("num_layers: 6", "num_layers: 5"), "line 29"),
    "config-classes": (
        _P.CONFIG,
        _K.CLASS_COUNT,
        _config("num_classes: 8", "num_classes: 90"),
        "90 instead of 8",
    ),
    "graph-page": (
        _P.GRAPH,
        _K.OTHER_FILE,
        _written("frozen_inference_graph.pb", _PAGE),
        "(frozen_inference_graph.pb)",
    ),
    "labels-cut": (_P.LABELS, _K.DAMAGED, _cut_labels, "(annotations.json)"),
    "labels-size": (
        _P.LABELS,
        _K.LABELLED_SIZE,
        _labels(lambda about: [each.update(width=each["width"] * 2) for each in about["images"]]),
        "another size",
    ),
    "labels-lost-image": (
        _P.LABELS,
        _K.MISSING_FILE,
        _labels(lambda about: about["images"][0].update(file_name="nowhere.jpg")),
        "(nowhere.jpg)",
    ),
    "map-long": (_P.LABELS, _K.CLASS_COUNT, _long_map, "10 names instead of 8 classes"),
}
_ALSO_THIN = {name for name in _DAMAGE if name.startswith(("shard", "index", "config"))} - {
    "config-typo",
    "config-brace",
    "config-least-depth",
}


@pytest.mark.parametrize(
    ("name", "thinness"),
    [
        *((name, Thinness.COMPLETE) for name in _DAMAGE),
        *((name, Thinness.CHECKPOINT) for name in sorted(_ALSO_THIN)),
    ],
)
def test_damage_of_other_kinds_is_named(
    name: str, thinness: Thinness, session: FaultSession
) -> None:
    """Files that are missing, damaged, empty or others, and other values that do not fit."""
    place, kind, inject, said = _DAMAGE[name]
    fault = Fault(name, name, place, frozenset({kind}), inject, ())
    outcome = session.judge(Row(fault, Subject(DEFAULT_MODEL, thinness, ("float",))))
    assert outcome.naming is Naming.RIGHT, outcome.said
    assert said in outcome.said


@pytest.mark.parametrize("thinness", [Thinness.COMPLETE, Thinness.CHECKPOINT, Thinness.SHIPPED])
def test_clean_model_is_not_blamed(thinness: Thinness, session: FaultSession) -> None:
    """Nothing is said to be wrong where nothing is."""
    control = session.control(Subject(DEFAULT_MODEL, thinness, ("float",)))
    assert (control.failed, control.said) == ((), ())


def test_third_file_decides_between_two(session: FaultSession) -> None:
    """Config against checkpoint alone blames neither; with the graph beside them, the config."""
    said = {}
    for thinness in (Thinness.COMPLETE, Thinness.CHECKPOINT):
        subject = Subject(DEFAULT_MODEL, thinness, ("float",))
        fault = next(each.fault for each in rows() if each.fault.id == "config-depth")
        said[thinness] = session.judge(Row(fault, subject)).said.partition(":")[0]
    assert said == {Thinness.COMPLETE: "pipeline.config", Thinness.CHECKPOINT: "archive"}
