"""Files whose scores have other columns than their reference's, or are widened for the op."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import strangers
from miniature_cases import GIVEN_FILE, MiniatureFiles, given_case, make_case

from validation.checks.accuracy import accuracy
from validation.checks.quantisation import quantisation
from validation.checks.raw_parity import raw_parity
from validation.policy.limits import Status
from validation.record.lines import Entry
from validation.record.quantisation_cost import QuantisationCost
from validation.record.types import Accuracy, CheckResult
from validation.specs.tensors import TensorSpec
from validation.workspace.context import CheckContext
from validation.workspace.other_references import NoReference

Given = Callable[..., CheckContext]


@pytest.fixture
def given(miniature: MiniatureFiles, tmp_path: Path) -> Given:
    """The product's own float file with these columns of its scores, by its archive's graph."""

    def make(columns: Sequence[int], num_classes: int | None = None) -> CheckContext:
        context = make_case(miniature)
        path = tmp_path / GIVEN_FILE
        strangers.chosen_columns(context.build.tflite("float"), path, columns, num_classes)
        return given_case(context, path, context.reference)

    return make


def _result(entries: Sequence[Entry]) -> CheckResult:
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return result


def _box_difference(result: CheckResult) -> float:
    values = {each.name: each.value for each in result.measures}
    return float(values["box_encodings_max_abs_diff"])


def test_without_the_background_the_body_is_the_same(given: Given) -> None:
    """Exporters of TensorFlow 2 cut its scores off, which the op never reads."""
    whole, cut = (_result(raw_parity(given(columns))) for columns in ((0, 1, 2), (1, 2)))
    assert whole.status is cut.status is Status.PASS
    assert _box_difference(cut) == _box_difference(whole)


def test_of_other_classes_the_body_is_another(given: Given) -> None:
    """A class that is left out is no background."""
    assert _result(raw_parity(given((0, 1), num_classes=1))).status is Status.FAIL
    assert _result(raw_parity(given((2, 1)))).status is Status.FAIL


def test_a_reference_with_more_classes_is_scored_on_the_files_own(given: Given) -> None:
    """Both sides on the same categories; that one is left out is said."""
    entries = accuracy(given((0, 1), num_classes=1))
    scored = [each for each in entries if isinstance(each, Accuracy)]
    assert len({each.category_ids for each in scored}) == 1
    assert _result(entries).measures
    assert not _result(entries).error


def test_steps_of_what_the_op_reads_widened(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """An int8 file widens its outputs for the op: the tensors before that have the steps."""
    specs = [
        (role, TensorSpec(role, "int8", (1, 4, 4), scale, 0))
        for role, scale in (("boxes", 0.05), ("scores", 1 / 256))
    ]
    monkeypatch.setattr("validation.checks.quantisation.quantised_heads", lambda _: specs)
    context = given((0, 1, 2))
    key = dataclasses.replace(context.key, variant="int8")
    entries = quantisation(dataclasses.replace(context, key=key))
    (cost,) = [each for each in entries if isinstance(each, QuantisationCost)]
    assert [row.tensor for row in cost.outputs] == [spec for _, spec in specs]
    assert {"box_encodings_rmse_in_steps", "class_predictions_saturated_share"} <= {
        each.name for each in _result(entries).measures
    }


@pytest.mark.parametrize(
    ("columns", "status"), [((0, 1, 2), Status.PASS), ((0, 2, 1), Status.FAIL)]
)
def test_by_labels_alone_classes_in_another_order_are_found(
    given: Given, columns: Sequence[int], status: Status
) -> None:
    """Boxes meet the objects, and none calls them by their class."""
    context = dataclasses.replace(given(columns), judged_by=NoReference())
    result = _result(accuracy(context))
    (share,) = [each for each in result.measures if each.name == "called_otherwise_share"]
    assert share.status is status
    assert ("another order" in result.message) is (status is Status.FAIL)
