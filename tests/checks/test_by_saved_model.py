"""A given file by a SavedModel of TensorFlow 2: its body, and what the boxes of that imply."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import strangers
from miniature_cases import GIVEN_FILE, RAW_TENSORS, given_case, make_case

from validation.checks.raw_parity import raw_parity
from validation.checks.reference_contract import contract_entries, reference_contract
from validation.errors import NotProvided
from validation.policy.limits import Status
from validation.record.difference_facts import AnchorChange, DifferenceKind
from validation.record.reference_differences import ReferenceDifferences
from validation.record.run import Artefact
from validation.record.types import CheckResult
from validation.workspace.context import CheckContext
from validation.workspace.saved_model_reference import SavedModelReference

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

# Of the miniature's input.
_SIZE = (48, 64)
# float32 sums in another order; boxes and scores are around 1.
_ROUNDING = 1e-5

Judge = Callable[..., CheckResult]
Contract = Callable[..., tuple[ReferenceDifferences, CheckResult]]
Change = Callable[[Path, Path], Path]


@pytest.fixture(scope="module")
def saved_model(
    miniature: MiniatureFiles, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Writes one around the miniature's frozen graph, with `write_tf2`'s options."""
    from saved_models import write_tf2

    from validation.export.graph_io import read_graph

    graph = read_graph(make_case(miniature).build.reference_graph)

    def write(**options: Any) -> Path:
        folder: Path = tmp_path_factory.mktemp("tf2") / "saved_model"
        return write_tf2(folder, graph, **{"raw": RAW_TENSORS, **options})

    return write


@pytest.fixture(scope="module")
def usual(saved_model: Callable[..., Path]) -> Path:
    """As exporters write them; not to be changed."""
    return saved_model()


@pytest.fixture
def judge(miniature: MiniatureFiles, tmp_path: Path) -> Judge:
    """`raw_parity` of the miniature's own float file, changed or not, by a SavedModel."""

    def run(reference: Path, change: Change | None = None) -> CheckResult:
        context = _judged(miniature, tmp_path, reference, change)
        (result,) = raw_parity(context)
        assert isinstance(result, CheckResult)
        return result

    return run


@pytest.fixture
def contract(miniature: MiniatureFiles, tmp_path: Path) -> Contract:
    """What `reference_contract` finds of it."""

    def run(
        reference: Path, change: Change | None = None
    ) -> tuple[ReferenceDifferences, CheckResult]:
        context = _judged(miniature, tmp_path, reference, change)
        found, result = contract_entries(context, context.subject, context.reference)
        assert isinstance(found, ReferenceDifferences)
        assert isinstance(result, CheckResult)
        return found, result

    return run


def _judged(
    miniature: MiniatureFiles, folder: Path, reference: Path, change: Change | None
) -> CheckContext:
    context = make_case(miniature, canaries=())
    path = Path(shutil.copy(context.build.tflite("float"), folder / GIVEN_FILE))
    if change is not None:
        change(path, path)
    judged_by = SavedModelReference(context.key.model, reference, context.runs)
    return given_case(context, path, judged_by)


def _figures(result: CheckResult) -> dict[str, Any]:
    return {each.name: each.value for each in result.measures if each.limit is not None}


def test_own_file(judge: Judge, usual: Path) -> None:
    """Decoded by its own anchors, every row is the SavedModel's, whoever resizes the image."""
    result = judge(usual)
    assert result.status is Status.PASS
    figures = _figures(result)
    assert figures.keys() == {
        "decoded_boxes_max_abs_diff", "class_predictions_max_abs_diff",
        "own_resize_decoded_boxes_max_abs_diff", "own_resize_class_predictions_max_abs_diff",
    }  # fmt: skip
    assert max(figures.values()) < _ROUNDING
    assert f"the same pixels, {_SIZE[0]}x{_SIZE[1]}" in result.message


@pytest.mark.parametrize(
    "change", [strangers.other_anchors, strangers.other_scales, strangers.shifted_classes]
)
def test_another_body_or_decoding_fails(judge: Judge, usual: Path, change: Change) -> None:
    """With the image and the row that differ most, and nothing said of the resize."""
    result = judge(usual, change)
    assert result.status is Status.FAIL
    assert "image " in result.where
    assert not any(name.startswith("own_resize") for name in _figures(result))


def test_without_the_backgrounds_column(judge: Judge, saved_model: Callable[..., Path]) -> None:
    """Some releases leave it out: the classes are compared."""
    reference = saved_model(change_raw=lambda boxes, scores: (boxes, scores[..., 1:]))
    result = judge(reference)
    assert result.status is Status.PASS
    assert max(_figures(result).values()) < _ROUNDING


def test_other_classes_fail(judge: Judge, saved_model: Callable[..., Path]) -> None:
    """Neither with the background's column nor without it are they as many."""
    reference = saved_model(change_raw=lambda boxes, scores: (boxes, scores[..., 2:]))
    result = judge(reference)
    assert result.status is Status.FAIL
    assert "gives 1 scores an anchor, the file has 2 classes" in result.message


def test_one_size_alone(judge: Judge, saved_model: Callable[..., Path]) -> None:
    """Both sides get the pixels that the SavedModel wants, in whole numbers; it resizes none."""
    result = judge(saved_model(size=_SIZE))
    assert result.status is Status.PASS
    assert _figures(result).keys() == {
        "decoded_boxes_max_abs_diff", "class_predictions_max_abs_diff",
    }  # fmt: skip


def test_another_resize_is_distinguished_from_another_body(
    judge: Judge, saved_model: Callable[..., Path]
) -> None:
    """The body agrees on the same pixels; that stored images come in otherwise is a WARN."""
    result = judge(saved_model(resized_to=_SIZE))
    assert result.status is Status.WARN
    figures = _figures(result)
    assert figures["decoded_boxes_max_abs_diff"] < _ROUNDING
    assert figures["own_resize_class_predictions_max_abs_diff"] > 1e-3
    assert "resizes stored images otherwise" in result.message


def test_rows_that_are_no_anchors(judge: Judge, saved_model: Callable[..., Path]) -> None:
    """What its NMS left cannot be compared, and is said to be so."""
    reference = saved_model(change_raw=lambda boxes, scores: (boxes[:, :5], scores[:, :5]))
    with pytest.raises(NotProvided, match=r"not one for each anchor.*got 5: rows that its NMS"):
        judge(reference)


def test_without_raw_outputs(judge: Judge, saved_model: Callable[..., Path]) -> None:
    """Exporters before 2019 gave none."""
    with pytest.raises(NotProvided, match="no boxes and scores before its NMS"):
        judge(saved_model(raw=None))


def test_contract_of_the_own_file(contract: Contract, usual: Path) -> None:
    """Its boxes imply the file's own anchors and box scales, and its scores the classes."""
    found, result = contract(usual)
    assert result.status is Status.PASS
    assert found.differences == ()
    assert {
        DifferenceKind.ANCHORS, DifferenceKind.SCALES, DifferenceKind.CLASS_SHIFT,
        DifferenceKind.SCORE_KIND,
    } <= set(found.compared)  # fmt: skip


def test_other_anchors_are_named_with_their_price(contract: Contract, usual: Path) -> None:
    """Though the SavedModel states none: three quarters of their size, and back costs nothing."""
    found, result = contract(usual, strangers.other_anchors)
    assert result.status is Status.FAIL
    (difference,) = found.differences
    assert difference.kind is DifferenceKind.ANCHORS
    assert difference.anchors is not None
    assert difference.anchors.change is AnchorChange.SCALED
    assert difference.anchors.factors == pytest.approx((0.75, 0.75), abs=1e-3)
    assert difference.ap_change(found.ap) is not None
    assert difference.ap == pytest.approx(1, abs=0.05)


def test_other_box_scales_are_named_with_their_price(contract: Contract, usual: Path) -> None:
    """As the whole numbers that they are, nearly."""
    found, result = contract(usual, strangers.other_scales)
    assert result.status is Status.FAIL
    (difference,) = found.differences
    assert difference.kind is DifferenceKind.SCALES
    (fact,) = difference.facts
    assert fact.expected == pytest.approx([10, 10, 5, 5], rel=1e-3)
    assert fact.got == [1, 1, 1, 1]
    assert difference.ap == pytest.approx(1, abs=0.05)


def test_shifted_classes_are_found_by_raw_scores(contract: Contract, usual: Path) -> None:
    """Row by row, as by a graph."""
    found, result = contract(usual, strangers.shifted_classes)
    assert result.status is Status.FAIL
    (difference,) = found.differences
    assert difference.kind is DifferenceKind.CLASS_SHIFT
    assert difference.classes is not None
    assert difference.classes.of_scores


def test_anchors_that_do_not_follow_are_not_compared(
    contract: Contract, saved_model: Callable[..., Path]
) -> None:
    """Boxes of another body imply nothing of this file's anchors."""
    reference = saved_model(change_raw=lambda boxes, scores: (boxes[:, ::-1], scores))
    found, _ = contract(reference)
    (reason,) = [each for each in found.not_compared if DifferenceKind.ANCHORS in each.kinds]
    assert "no anchors and box scales make its boxes" in reason.why


def test_the_row_of_given_files(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """By the archive's graph: the file itself passes, and with other scales it fails."""
    results = []
    for change in (None, strangers.other_scales):
        context = make_case(miniature, canaries=())
        path = Path(shutil.copy(context.build.tflite("float"), tmp_path / GIVEN_FILE))
        if change is not None:
            change(path, path)
        entries = reference_contract(given_case(context, path, context.reference))
        assert any(isinstance(each, Artefact) for each in entries)
        results += [each for each in entries if isinstance(each, CheckResult)]
    assert [each.status for each in results] == [Status.PASS, Status.FAIL]
    assert [each.name for each in results[1].measures if each.status is Status.FAIL] == ["scales"]
