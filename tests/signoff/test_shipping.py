"""Which file is shipped: one that passes, by what the policy prefers, with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy, load_policy
from validation.policy.preference import Prefer, Preference
from validation.record.coco_figures import CocoFigures
from validation.record.run import Artefact, ArtefactRole, Footer, Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.signoff.rules import judge
from validation.signoff.shipping import Choice, Shipping, describe, shipping_lines, which_files

_LIMIT = Limit("max", 1.0, "why", warn=0.5)
_VALUES = {Status.PASS: 0.1, Status.WARN: 0.7, Status.FAIL: 2.0}


@dataclasses.dataclass(frozen=True)
class _File:
    """A variant of the example: size in bytes, median in ms, AP and the verdict it gets."""

    size: int
    ms: float | None = 10.0
    ap: float | None = 0.5
    status: Status = Status.PASS
    path: str = "files/m.tflite"
    role: ArtefactRole = ArtefactRole.TFLITE


def _record(files: Mapping[str, _File], **fields: Any) -> Record:
    keys = {variant: ModelKey("m", variant) for variant in files}
    results = tuple(
        CheckResult.unknown("parity", keys[variant], "no evidence")
        if file.status is Status.UNKNOWN
        else CheckResult.judged(
            "parity", keys[variant], (Measure("x", _VALUES[file.status], _LIMIT),)
        )
        for variant, file in files.items()
    )
    figures = CocoFigures(*([0.5] * 12))
    header = Header("r", "now", tuple(keys.values()), {}, {}, {}, "0" * 64)
    record = Record(
        header,
        results=results,
        timings=tuple(
            timing
            for variant, file in files.items()
            if file.ms is not None
            for timing in (
                Timing("m", variant, "LiteRT", 1, 1, (file.ms,) * 3),
                # With two threads the order is another one: it decides nothing.
                Timing("m", variant, "LiteRT", 2, 1, (100 - file.ms,) * 3),
            )
        ),
        accuracies=tuple(
            Accuracy("m", variant, "x", dataclasses.replace(figures, ap=ap), 9, (1,), 9, 0.0)
            for variant, file in files.items()
            if file.ap is not None
            # What other flags would cost is recorded after the file's own figure.
            for ap in (file.ap, 0.0)
        ),
        artefacts=tuple(
            Artefact("m", file.role, variant, "m.tflite", "d" * 64, file.size, path=file.path)
            for variant, file in files.items()
        ),
        footer=Footer("later", 1.0, len(results), 0),
    )
    return dataclasses.replace(record, **fields)


def _policy(prefer: Prefer = Prefer.SMALLEST) -> Policy:
    """The built-in settings; one check is required."""
    return dataclasses.replace(
        load_policy(), required={"parity": ("*",)}, ship=Preference(prefer, "why")
    )


def _shipping(record: Record, prefer: Prefer = Prefer.SMALLEST) -> Shipping:
    policy = _policy(prefer)
    (shipping,) = which_files(record, judge(record, policy), policy)
    return shipping


def _choice(files: Mapping[str, _File], prefer: Prefer = Prefer.SMALLEST) -> Choice:
    choice = _shipping(_record(files), prefer).choice
    assert choice is not None
    return choice


_THREE = {
    "float": _File(400, 31.0, 0.500),
    "dynamic": _File(100, 12.0, 0.499),
    "int8": _File(110, 10.0, 0.498),
}


@pytest.mark.parametrize(
    ("prefer", "variant", "reason"),
    [
        (
            Prefer.SMALLEST,
            "dynamic",
            "smallest of 3 files that pass; 0.0010 AP less than float; 2.6 times as fast as float",
        ),
        (
            Prefer.FASTEST,
            "int8",
            "fastest of 3 files that pass; 0.0020 AP less than float; 3.1 times as fast as float",
        ),
        (Prefer.MOST_ACCURATE, "float", "most accurate of 3 files that pass"),
    ],
)
def test_the_policy_decides(prefer: Prefer, variant: str, reason: str) -> None:
    """Between files that pass, with what it costs and gains against float."""
    shipping = _shipping(_record(_THREE), prefer)
    assert shipping.choice is not None
    assert shipping.choice.file.variant == variant
    assert describe(shipping) == reason


def test_raw_outputs_are_not_shipped() -> None:
    """An app that reads detections cannot use them, however small the file is."""
    assert _choice({"float": _File(400), "raw": _File(10)}).file.variant == "float"
    shipping = _shipping(_record({"raw": _File(10)}))
    assert shipping.choice is None
    assert describe(shipping) == "none: no file with the post-processing op was tested"


@pytest.mark.parametrize("status", [Status.FAIL, Status.UNKNOWN])
def test_what_does_not_pass_is_never_taken(status: Status) -> None:
    """Not where it is the smallest, and not where it is the only one."""
    bad = _File(10, status=status)
    choice = _choice({"float": _File(400), "int8": bad})
    assert (choice.file.variant, choice.candidates) == ("float", 1)
    shipping = _shipping(_record({"int8": bad, "dynamic": bad}))
    assert shipping.choice is None
    word = status.upper()
    assert describe(shipping) == f"none: int8 {word}, dynamic {word}"


def test_a_warning_is_taken_only_where_nothing_passes() -> None:
    """And the reason says so."""
    warned = _File(10, status=Status.WARN)
    assert _choice({"float": _File(400), "int8": warned}).file.variant == "float"
    shipping = _shipping(_record({"float": dataclasses.replace(warned, size=400), "int8": warned}))
    assert shipping.choice is not None
    assert (shipping.choice.file.variant, shipping.choice.status) == ("int8", Status.WARN)
    assert describe(shipping).startswith("smallest of 2 files that pass with a warning, none")


def test_a_run_that_did_not_end_ships_nothing() -> None:
    """Its verdicts are UNKNOWN, whatever was measured until then."""
    assert _shipping(_record(_THREE, footer=None)).choice is None


def test_seeded_weights_are_not_shipped() -> None:
    """They pass for structure and speed, and detect nothing."""
    record = _record(_THREE)
    seeded = dataclasses.replace(record.header, structure_only=("m",))
    shipping = _shipping(dataclasses.replace(record, header=seeded))
    assert shipping.choice is None
    assert describe(shipping).startswith("none: the weights are seeded")


@pytest.mark.parametrize(
    "lost", [{"path": ""}, {"role": ArtefactRole.FEEDING}], ids=["not kept", "no file"]
)
def test_a_file_that_is_not_kept_is_not_shipped(lost: dict[str, Any]) -> None:
    """Nobody could take it from the run's folder."""
    shipping = _shipping(_record({"float": dataclasses.replace(_File(400), **lost)}))
    assert shipping.choice is None
    assert describe(shipping) == "none: float PASS, but no file of it is kept"


def test_noise_does_not_decide() -> None:
    """Of files that are equally fast, or equally accurate, the smaller one."""
    files = {"float": _File(400, 10.0, 0.5003), "int8": _File(100, 10.9, 0.5)}
    for prefer in (Prefer.FASTEST, Prefer.MOST_ACCURATE):
        shipping = _shipping(_record(files), prefer)
        assert shipping.choice is not None
        assert shipping.choice.file.variant == "int8"
        word = prefer.replace("_", " ")
        assert describe(shipping) == (
            f"smallest of the 2 {word} of 2 files that pass; 0.0003 AP less than float; "
            "as fast as float"
        )


@pytest.mark.parametrize(
    ("prefer", "lost"),
    [(Prefer.FASTEST, "ms"), (Prefer.MOST_ACCURATE, "ap")],
)
def test_a_figure_that_is_missing_is_not_guessed(prefer: Prefer, lost: str) -> None:
    """The smallest is taken, and the reason says what is not known."""
    unknown: dict[str, Any] = {lost: None}
    files = {**_THREE, "int8": dataclasses.replace(_THREE["int8"], **unknown)}
    shipping = _shipping(_record(files), prefer)
    assert shipping.choice is not None
    assert shipping.choice.file.variant == "dynamic"
    what = "latency" if lost == "ms" else "accuracy"
    assert f"smallest of 3 files that pass: the {what} of all of them is" in describe(shipping)


def test_no_ground_truth_is_no_figure() -> None:
    """-1 and NaN are neither the least accurate nor a difference."""
    for ap in (-1.0, float("nan")):
        choice = _choice({"float": _File(400, ap=ap), "int8": _File(100)})
        assert choice.ap_change is None
        assert not _choice(
            {"float": _File(4, ap=ap), "int8": _File(1)}, Prefer.MOST_ACCURATE
        ).is_measured


def test_a_slower_file_says_so() -> None:
    """Small is not fast."""
    shipping = _shipping(_record({"float": _File(400, 10.0), "dynamic": _File(100, 25.0)}))
    assert describe(shipping).endswith("AP as that of float; takes 2.5 times as long as float")


def test_a_model_without_float_is_held_against_nothing() -> None:
    """A uint8 model of the zoo."""
    shipping = _shipping(_record({"uint8": _File(100), "uint8-raw": _File(90)}))
    assert describe(shipping) == "the only file that passes"


def test_what_lies_beside_the_file_is_named() -> None:
    """Labels and feeding facts of that variant, not of another."""
    record = _record(_THREE)
    beside = tuple(
        Artefact("m", role, variant, "x", "e" * 64, 1, path=f"files/{variant}-{role}")
        for role in (ArtefactRole.LABELS, ArtefactRole.FEEDING, ArtefactRole.ANCHORS)
        for variant in ("float", "dynamic")
    )
    choice = _shipping(dataclasses.replace(record, artefacts=record.artefacts + beside)).choice
    assert choice is not None
    paths = [each.path for each in choice.beside]
    assert paths == ["files/dynamic-feeding facts", "files/dynamic-labels"]


def _of(count: int, shipping: Shipping) -> list[Shipping]:
    return [dataclasses.replace(shipping, model=f"m{number}") for number in range(count)]


def test_the_end_of_a_run_tells_each_file() -> None:
    """By its path in the run's folder; of many models how many have a file."""
    good = _shipping(_record({"float": _File(1)}))
    assert shipping_lines(_of(8, good)) == ["files/m.tflite (the only file that passes)"] * 8
    assert shipping_lines(_of(9, good)) == ["files of 9 of 9 models, see the report"]


def test_models_without_a_file_share_a_line() -> None:
    """One line a reason, however many models have it."""
    unknown = _shipping(_record({"float": _File(1, status=Status.UNKNOWN)}))
    seeded = dataclasses.replace(unknown, is_seeded=True)
    lines = shipping_lines([*_of(20, unknown), seeded])
    assert lines == [
        "m0, m1 and 18 more: none: float UNKNOWN",
        "m: none: the weights are seeded, so that there is nothing to ship",
    ]
    assert shipping_lines([]) == []
