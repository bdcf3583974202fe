"""A given file that is not its reference's: each difference is named and has its price."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from foreign_tflite import ANCHORS, CLASSES, Foreign, falling_scores, write_foreign
from PIL import Image
from strangers import other_op

from validation.checks.reference_contract import contract_entries
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.errors import NotProvided
from validation.inference.base import detect_all, on_files
from validation.inference.input_cache import InputCache
from validation.inference.model_file import TfliteModel, open_tflite
from validation.inference.op_anchors import op_anchors
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.difference_facts import DifferenceKind
from validation.record.reference_differences import ReferenceDifferences
from validation.record.types import CheckResult, ModelKey
from validation.specs.contracts import UNIT_RANGE, Preprocessing, SsdContract
from validation.specs.references import ReferenceKind
from validation.tflite.facts import read_anchors
from validation.workspace.image_runs import ImageRuns
from validation.workspace.products import ProductCache

_SIDE = 100
_REGULAR: dict[str, Any] = {"use_regular_nms": True, "detections_per_class": 100}


class _Side:
    """A .tflite file as subject, and as a reference that states what a graph states."""

    def __init__(self, path: Path, images: tuple[ImageFile, ...], kind: ReferenceKind) -> None:
        self.path, self.kind = path, kind
        self._images = images
        self._model: TfliteModel = open_tflite(path)
        self.file, self.way = self._model.file, self._model.feeding.way
        self.preprocessing = self._model.preprocessing
        self.num_classes = self._model.num_classes
        self.op_anchors = op_anchors(path)
        self.anchors = self.op_anchors.values
        self.postprocess = self.file.postprocess
        self.shared_size = None

    @property
    def subject(self) -> _Side:
        """Of a reference that is a .tflite."""
        return self

    @property
    def contract(self) -> SsdContract:
        """Of a reference."""
        if self.kind is ReferenceKind.DETECTIONS:
            raise NotProvided("detections state no contract")
        assert self.file.postprocess is not None
        return SsdContract(self.preprocessing, ANCHORS, CLASSES, "SIGMOID", self.file.postprocess)

    def detections(self) -> Mapping[str, Detections]:
        """On every image."""
        return detect_all(
            lambda: on_files(self._model.detector()), self._images, workers=1, label=""
        )

    def raw_outputs(self, _: int) -> dict[str, Any]:
        """The op's inputs are not outputs here."""
        raise NotProvided("no raw outputs")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageFile, ...]:
    """Three grey ones: the files detect the same on any image."""
    folder = tmp_path_factory.mktemp("images")
    for number in (1, 2, 3):
        Image.new("RGB", (_SIDE, _SIDE), "grey").save(folder / f"{number}.png")
    return tuple(ImageFile(str(number), folder / f"{number}.png") for number in (1, 2, 3))


def _dataset(images: tuple[ImageFile, ...], anchors: np.ndarray[Any, Any]) -> Dataset:
    """Every anchor is an object."""
    objects = []
    for image in images:
        for place, (y, x, height, width) in enumerate((anchors * _SIDE).tolist()):
            box = (x - width / 2, y - height / 2, width, height)
            category = 1 + place % CLASSES
            objects.append(
                CocoAnnotation(int(image.key), category, box, width * height, is_crowd=False)
            )
    pictures = tuple(
        CocoImage(int(each.key), each.path.name, each.path, _SIDE, _SIDE) for each in images
    )
    return Dataset("grid", Path("grid.json"), pictures, tuple(objects), {1: "a", 2: "b"}, "00")


class _Bench:
    """Reference and work folder of a module's tests."""

    def __init__(self, folder: Path, images: tuple[ImageFile, ...]) -> None:
        self.folder, self.images = folder, images
        plain = write_foreign(folder / "plain.tflite")
        self.reference = other_op(plain, folder / "reference.tflite", **_REGULAR)
        self.dataset = _dataset(images, read_anchors(plain)[0])

    def copy(self, anchors: Any = None, **attributes: Any) -> Path:
        """The reference with other attributes or anchors."""
        return other_op(self.reference, self.folder / "copy.tflite", anchors, **attributes)

    def check(
        self,
        file: Path,
        *,
        labelled: bool = True,
        kind: ReferenceKind = ReferenceKind.GRAPH,
        **fields: Any,
    ) -> tuple[ReferenceDifferences, CheckResult]:
        """Of a file by the reference."""
        subject = _Side(file, self.images, kind)
        for name, value in fields.items():
            setattr(subject, name, value)
        names = SimpleNamespace(names={1: "a", 2: "b"}, count=None)
        work = ProductCache(self.folder / "work", lambda _: None)
        context: Any = SimpleNamespace(
            key=ModelKey("m", "float", file.name),
            policy=load_policy(),
            dataset=self.dataset if labelled else None,
            canaries=(),
            parity_images=self.images,
            class_names=lambda: names,
            runs=ImageRuns(self.images, work, work, InputCache(), self.folder),
            subject=subject,
            given=subject,
            num_classes=CLASSES,
            work=work,
        )
        entries = contract_entries(context, subject, _Side(self.reference, self.images, kind))
        return cast(ReferenceDifferences, entries[0]), cast(CheckResult, entries[1])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, images: tuple[ImageFile, ...]) -> _Bench:
    """See `_Bench`."""
    return _Bench(tmp_path_factory.mktemp("bench"), images)


def test_the_reference_itself(bench: _Bench) -> None:
    """Nothing differs, nothing is run anew, and it is said what was compared."""
    found, result = bench.check(bench.copy())
    assert (found.differences, found.ap) == ((), None)
    assert result.status is Status.PASS
    assert len(found.compared) == len(DifferenceKind) - 2


def test_guide_defaults_and_scales(bench: _Bench) -> None:
    """One finding for NMS and detections, one for the scales; the worst comes first."""
    file = bench.copy(max_detections=10, use_regular_nms=False, h_scale=1.0, w_scale=1.0)
    found, result = bench.check(file)
    assert result.status is Status.FAIL
    assert {each.kind for each in found.differences} == {
        DifferenceKind.GUIDE_DEFAULTS,
        DifferenceKind.SCALES,
    }
    (slots,) = [each for each in found.differences if each.kind is DifferenceKind.GUIDE_DEFAULTS]
    change = slots.ap_change(found.ap)
    assert change is not None
    assert change < -0.1
    assert f"where the reference has 12 and NMS for each class: {change:.3f} AP" in result.message
    assert found.ap_of_all == pytest.approx(1.0)
    # Encodings are 0 here, so that no scale matters.
    assert "box scales 10, 10, 1, 1 where the reference has 10, 10, 5, 5: 0.000 AP" in (
        result.message
    )


def test_another_anchor_table(bench: _Bench) -> None:
    """Boxes of other sides fit no object."""
    anchors = read_anchors(bench.reference)[0] * np.float32((1, 1, 3, 3))
    found, result = bench.check(bench.copy(anchors))
    (difference,) = found.differences
    assert result.status is Status.FAIL
    assert difference.describe(found.ap) == (
        "another anchor table, 12 of 12 rows differ (sides are 3 times as long): -1.000 AP"
    )


def test_shifted_classes(bench: _Bench) -> None:
    """Renumbering needs no run; class numbers come from detections, where scores are hidden."""
    scores = np.concatenate([np.zeros((ANCHORS, 1)), falling_scores()], axis=1)
    path = write_foreign(bench.folder / "shifted.tflite", Foreign(scores=scores.astype(np.float32)))
    shifted = other_op(path, path, **_REGULAR, num_classes=3)
    found, result = bench.check(shifted)
    shift, classes = (
        next(each for each in found.differences if each.kind is kind)
        for kind in (DifferenceKind.CLASS_SHIFT, DifferenceKind.CLASSES)
    )
    assert result.status is Status.FAIL
    assert (shift.ap, classes.ap) == (pytest.approx(1.0), None)
    assert "class numbers are the reference's plus 1 (36 of 36 pairs of detections)" in (
        result.message
    )
    assert "3 classes where the reference has 2" in result.message


def test_turned_outputs(bench: _Bench) -> None:
    """Apps that bind by position mix them up; the figures here do not, and have no price."""
    path = write_foreign(bench.folder / "turned.tflite", Foreign(order=(2, 0, 3, 1)))
    found, result = bench.check(other_op(path, path, **_REGULAR))
    (difference,) = found.differences
    assert difference.kind is DifferenceKind.OUTPUT_ORDER
    assert result.status is Status.FAIL
    assert "scores, boxes, count, classes" in result.message
    assert "no cost in AP" in found.unpriced
    assert bench.check(path, kind=ReferenceKind.TFLITE)[1].status is Status.FAIL
    assert bench.check(path, kind=ReferenceKind.DETECTIONS)[1].status is Status.WARN


def test_another_mean(bench: _Bench) -> None:
    """The file is run anew with what the reference makes of a pixel."""
    other = Preprocessing(8, 8, (1 / 255,) * 3, (0.0,) * 3)
    found, result = bench.check(bench.copy(), preprocessing=other)
    (difference,) = found.differences
    assert (difference.kind, difference.ap) == (DifferenceKind.FEED, found.ap)
    assert result.status is Status.FAIL
    half = dataclasses.replace(other, scale=UNIT_RANGE[0], offset=(1 + 1 / 255,) * 3)
    assert bench.check(bench.copy(), preprocessing=half)[1].status is Status.WARN


def test_detections_alone_tell_classes(bench: _Bench) -> None:
    """What was not compared is named with its reason."""
    found, result = bench.check(bench.copy(max_detections=10), kind=ReferenceKind.DETECTIONS)
    assert result.status is Status.PASS
    assert DifferenceKind.CLASS_SHIFT in found.compared
    assert result.message.count("detections state no contract") == 1
    assert "not compared: input size, number of classes, box scales, NMS," in result.message


def test_without_labels_there_is_no_price(bench: _Bench) -> None:
    """The differences are named all the same."""
    found, result = bench.check(bench.copy(max_detections=10), labelled=False)
    assert found.ap is None
    assert result.status is Status.WARN
    assert "no cost: no labelled images were given" in result.message
