"""A loss at the threshold of an app that average precision does not show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from validation.checks.operating_point import operating_point
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate
from validation.policy.limits import Status
from validation.policy.load import Policy, load_policy
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.operating_point import OperatingPointLosses
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.report.render import render_pages
from validation.report.views import build_report
from validation.signoff.recomputed import contradictions
from validation.signoff.rules import judge

_CLASSES = ("ball", "ring", "board", "star")
_STAR = 4
_HEIGHT, _WIDTH = 240, 320
# Side of an object in pixels: mostly large, the fewest small.
_SIDES = (120, 110, 60, 100, 20, 50)
_IMAGES = 150
_KEY = ModelKey("m", "int8")


@pytest.fixture(scope="module")
def scenes() -> tuple[Dataset, dict[str, Detections]]:
    """Two objects an image, all found by the reference, and false alarms of lower scores."""
    generator = np.random.default_rng(20)
    images, objects, found = [], [], {}
    for number in range(1, _IMAGES + 1):
        images.append(CocoImage(number, f"{number}.png", Path("none"), _WIDTH, _HEIGHT))
        boxes, scores, classes = [], [], []
        for place in range(2):
            side = _SIDES[generator.integers(len(_SIDES))]
            x, y = 160 * place + generator.uniform(0, 30), generator.uniform(0, 100)
            category = int(generator.integers(1, len(_CLASSES) + 1))
            box = (x, y, float(side), float(side))
            objects.append(CocoAnnotation(number, category, box, float(side) ** 2, False))
            x, y = (
                x + side * generator.uniform(-0.03, 0.03),
                y + side * generator.uniform(-0.03, 0.03),
            )
            boxes.append((y / _HEIGHT, x / _WIDTH, (y + side) / _HEIGHT, (x + side) / _WIDTH))
            scores.append(generator.uniform(0.5, 0.95))
            classes.append(category)
        boxes.append((0.8, 0.0, 0.95, 0.1))
        scores.append(generator.uniform(0.02, 0.15))
        classes.append(int(generator.integers(1, len(_CLASSES) + 1)))
        found[str(number)] = Detections(boxes, scores, classes)
    names = dict(enumerate(_CLASSES, 1))
    return Dataset("drawn", Path("drawn.json"), tuple(images), tuple(objects), names, "00"), found


def _noisy(found: dict[str, Detections], seed: int) -> dict[str, Detections]:
    """What 8 bits do: scores and boxes move a little, and nothing is aimed at."""
    generator = np.random.default_rng(seed)

    def moved(each: Detections) -> Detections:
        sides = np.tile(each.boxes[:, 2:] - each.boxes[:, :2], 2)
        boxes = each.boxes + sides * generator.normal(0, 0.01, each.boxes.shape)
        scores = np.clip(each.scores + generator.normal(0, 0.03, len(each)), 0.01, 0.99)
        return Detections(boxes, scores, each.classes)

    return {key: moved(each) for key, each in found.items()}


def _without_small_stars(found: dict[str, Detections]) -> dict[str, Detections]:
    """They are still found, and their rank is hardly another: their scores are 0.2."""

    def faded(each: Detections) -> Detections:
        sides = (each.boxes[:, 2] - each.boxes[:, 0]) * _HEIGHT
        small = (sides < 30) & (each.classes == _STAR)
        return Detections(each.boxes, np.where(small, 0.2, each.scores), each.classes)

    return {key: faded(each) for key, each in found.items()}


def _ap(dataset: Dataset, found: dict[str, Detections]) -> float:
    by_id = {int(key): each for key, each in found.items()}
    return evaluate(dataset, by_id, category_ids=range(1, len(_CLASSES) + 1)).figures.ap


class _Runs:
    """Stands for a session's images."""


def _check(
    dataset: Dataset | None,
    reference: dict[str, Detections],
    candidate: dict[str, Detections],
    *,
    policy: Policy | None = None,
    own_threshold: float = 1e-8,
) -> list[Entry]:
    postprocess = SimpleNamespace(
        max_detections=100, nms_score_threshold=own_threshold, nms_iou_threshold=0.6
    )
    context: Any = SimpleNamespace(
        key=_KEY,
        dataset=dataset,
        policy=policy or load_policy(),
        runs=_Runs(),
        subject=SimpleNamespace(postprocess=postprocess, detections=lambda: candidate),
        reference=SimpleNamespace(detections=lambda: reference),
        num_classes=len(_CLASSES),
        level=0.95,
        class_names=lambda: SimpleNamespace(names=dict(enumerate(_CLASSES, 1)), count=None),
    )
    return operating_point(context)


def _result(entries: list[Entry]) -> CheckResult:
    return cast(CheckResult, entries[-1])


def _record(result: CheckResult, losses: OperatingPointLosses) -> Record:
    header, footer = Header("run", "now", (_KEY,), {}, {}, {}, "00"), Footer("later", 1.0, 1, 0)
    return Record(header, results=(result,), operating_points=(losses,), footer=footer)


def _first_page(entries: list[Entry]) -> str:
    record = _record(_result(entries), cast(OperatingPointLosses, entries[0]))
    policy = load_policy()
    pages = render_pages(build_report(record, judge(record, policy), policy))
    return pages["index.html"]


def test_a_loss_that_ap_does_not_show(scenes: tuple[Dataset, dict[str, Detections]]) -> None:
    """Small objects of one class fall below the threshold: the first page names them."""
    dataset, reference = scenes
    candidate = _without_small_stars(reference)
    assert abs(_ap(dataset, reference) - _ap(dataset, candidate)) < 0.002
    entries = _check(dataset, reference, candidate)
    assert _result(entries).status is Status.FAIL
    losses = cast(OperatingPointLosses, entries[0])
    assert losses.worst is not None
    assert losses.worst.lost_right == losses.worst.right < 20
    assert losses.total.lost_right == losses.worst.lost_right
    said = f"small objects of class star: {losses.worst.right} of {losses.worst.right} lost"
    assert said in _first_page(entries)


@pytest.mark.parametrize("seed", range(5))
def test_clean_noise_is_no_finding(
    scenes: tuple[Dataset, dict[str, Detections]], seed: int
) -> None:
    """Scores that move by 0.03 and boxes that move by a hundredth of their sides."""
    dataset, reference = scenes
    result = _result(_check(dataset, reference, _noisy(reference, seed)))
    assert result.status is Status.PASS, result.message


def test_the_threshold_is_the_policys(
    scenes: tuple[Dataset, dict[str, Detections]], tmp_path: Path
) -> None:
    """An app that shows detections from 0.1 on still shows the faded stars."""
    dataset, reference = scenes
    (tmp_path / "own.toml").write_text(
        'version = 1\n[[operating_point]]\nmodels = "m*"\nmin_score = 0.1\nreason = "our app"\n'
    )
    policy = load_policy(tmp_path / "own.toml")
    entries = _check(dataset, reference, _without_small_stars(reference), policy=policy)
    losses = cast(OperatingPointLosses, entries[0])
    assert (losses.asked, losses.min_score, losses.worst) == (0.1, 0.1, None)
    higher = _check(dataset, reference, reference, policy=policy, own_threshold=0.4)
    assert cast(OperatingPointLosses, higher[0]).min_score == 0.4
    same = _check(dataset, reference, reference, own_threshold=float(np.float32(0.3)))
    assert cast(OperatingPointLosses, same[0]).min_score == 0.3


def test_without_labels_it_is_unknown(scenes: tuple[Dataset, dict[str, Detections]]) -> None:
    """There is no telling which detections are right."""
    _, reference = scenes
    (result,) = _check(None, reference, reference)
    assert cast(CheckResult, result).status is Status.UNKNOWN


def test_a_measure_that_the_table_does_not_give(
    scenes: tuple[Dataset, dict[str, Detections]],
) -> None:
    """Who verifies a signature is told which figure was changed."""
    dataset, reference = scenes
    losses, result = _check(dataset, reference, _without_small_stars(reference))
    assert isinstance(losses, OperatingPointLosses)
    assert isinstance(result, CheckResult)
    assert list(contradictions(_record(result, losses), {}, redraw=False)) == []
    milder = dataclasses.replace(
        losses, rows=(dataclasses.replace(losses.total, lost_right=0), *losses.rows[1:])
    )
    wrong = [each.what for each in contradictions(_record(result, milder), {}, redraw=False)]
    assert wrong == ["lost_share of m-int8", "lost_right_detections of m-int8"]
    without = dataclasses.replace(losses, rows=())
    (missing,) = contradictions(_record(result, without), {}, redraw=False)
    assert (missing.what, missing.got) == ("the operating point of m-int8", "no row")
