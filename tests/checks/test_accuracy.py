"""Accuracy passes where every class and every object had its part in the figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.checks.accuracy import accuracy
from validation.coco.dataset import Dataset
from validation.policy.limits import Status
from validation.record.dataset_notices import DatasetNotice, DatasetNoticeKind
from validation.record.types import Accuracy, CheckResult


def _renamed(dataset: Dataset) -> Dataset:
    first, *others = dataset.categories
    names = {key: dataset.categories[key] for key in others} | {first: "something else"}
    return dataclasses.replace(dataset, categories=names)


def _doubtful(dataset: Dataset) -> Dataset:
    notice = DatasetNotice(DatasetNoticeKind.TURN_UNDECIDED, 3, ("a.jpg",), moves_figures=True)
    return dataclasses.replace(dataset, notices=(notice,))


def _unnamed(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, categories=dict.fromkeys(dataset.categories, ""))


def _as_it_is(dataset: Dataset) -> Dataset:
    return dataset


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        (_as_it_is, []),
        (_unnamed, ["classes_joined_by_number"]),
        (_renamed, ["classes_without_category", "objects_without_class"]),
        (_doubtful, ["labels_assumed"]),
    ],
)
def test_what_the_figures_rest_on_is_judged(
    miniature: MiniatureFiles,
    change: Callable[[Dataset], Dataset],
    warned: list[str],
) -> None:
    """Reference and file agree on it, so that their difference shows nothing; both say it."""
    context = make_case(miniature, "float")
    assert context.dataset is not None
    context = dataclasses.replace(context, dataset=change(context.dataset))
    entries = accuracy(context)
    (result,) = [entry for entry in entries if isinstance(entry, CheckResult)]
    assert result.status is (Status.WARN if warned else Status.PASS)
    assert [one.name for one in result.measures if one.status is Status.WARN] == warned
    joins = [entry.join for entry in entries if isinstance(entry, Accuracy)]
    assert joins
    assert all(join is not None and join == joins[0] for join in joins)
