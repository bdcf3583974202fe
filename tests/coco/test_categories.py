"""Classes find their categories by id or by name, or say that they have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.coco.categories import category_map
from validation.coco.dataset import Dataset
from validation.errors import DatasetError

_CATEGORIES = {1: "person", 2: "bicycle", 17: "cat", 18: "dog"}


def _dataset(categories: dict[int, str]) -> Dataset:
    return Dataset("tiny", Path("tiny.json"), (), (), categories, "")


def test_without_labels_ids_are_categories() -> None:
    """Ids that the data set does not have are not scored."""
    found = category_map(None, _dataset(_CATEGORIES), 18)
    assert {key for key, value in found.items() if value is not None} == {1, 2, 17, 18}
    assert found[17] == 17
    assert list(found) == list(range(1, 19))


def test_a_model_of_one_class_scores_the_first_category() -> None:
    """An empty label map is none."""
    assert category_map({}, _dataset(_CATEGORIES), 1) == {1: 1}


def test_labels_that_agree_keep_their_id() -> None:
    """The OD API's COCO label map has the data set's own ids; gaps are not scored."""
    found = category_map({1: "person", 17: "cat"}, _dataset(_CATEGORIES), 18)
    assert (found[1], found[17], found[2], found[18]) == (1, 17, None, None)


def test_labels_find_other_ids_by_name() -> None:
    """Case and blanks at the ends do not count; a name of no category is not scored."""
    labels = {1: "Dog", 2: " cat ", 3: "unicorn"}
    assert category_map(labels, _dataset(_CATEGORIES), 3) == {1: 18, 2: 17, 3: None}


def test_the_same_id_goes_before_another_of_that_name() -> None:
    """Where two categories share a name, the class keeps its own id."""
    dataset = _dataset({1: "mouse", 2: "mouse"})
    assert category_map({2: "mouse"}, dataset, 2) == {1: None, 2: 2}
    assert category_map({3: "mouse"}, dataset, 3) == {1: None, 2: None, 3: 1}


def test_labels_beyond_the_classes_are_passed_over() -> None:
    """One label map may serve models with fewer classes."""
    assert category_map({1: "person", 2: "person"}, _dataset(_CATEGORIES), 1) == {1: 1}


def test_the_background_may_stand_at_zero() -> None:
    """It is no class, so it is not in the map."""
    assert category_map({0: "Background", 1: "cat"}, _dataset(_CATEGORIES), 1) == {1: 17}


@pytest.mark.parametrize("labels", [{0: "person", 1: "bicycle"}, {-1: "person"}])
def test_labels_that_count_from_zero_are_refused(labels: dict[int, str]) -> None:
    """They would shift every class by one."""
    with pytest.raises(DatasetError, match=r"ids that no class can have.*-?\d: person"):
        category_map(labels, _dataset(_CATEGORIES), 2)


def test_labels_of_another_data_set_are_refused() -> None:
    """Nothing would be scored."""
    with pytest.raises(DatasetError, match=r"no class of the model is a category.*got face"):
        category_map({1: "face"}, _dataset(_CATEGORIES), 1)


def test_ids_of_another_data_set_are_refused() -> None:
    """Nothing would be scored without labels either."""
    with pytest.raises(DatasetError, match=r"no class of the model.*got class ids 1 to 2"):
        category_map(None, _dataset({5: "airplane"}), 2)


def test_two_classes_of_one_category_are_refused() -> None:
    """A doubled label is a wrong label map."""
    with pytest.raises(DatasetError, match=r"one and the same category.*got 1: cat, 3: CAT"):
        category_map({1: "cat", 2: "dog", 3: "CAT"}, _dataset(_CATEGORIES), 3)


def test_categories_from_zero_need_labels() -> None:
    """By ids alone each class would be scored as its neighbour; by names it is right."""
    dataset = _dataset({0: "person", 1: "bicycle"})
    with pytest.raises(DatasetError, match=r"count from 0.*got 0: person"):
        category_map(None, dataset, 2)
    assert category_map({1: "person", 2: "bicycle"}, dataset, 2) == {1: 0, 2: 1}


def test_doubles_of_a_category_zero_are_refused() -> None:
    """The id 0 is an id like any other."""
    with pytest.raises(DatasetError, match="one and the same category"):
        category_map({1: "person", 2: "Person"}, _dataset({0: "person"}), 2)


@given(order=st.permutations(list(_CATEGORIES.values())))
@settings(max_examples=24, deadline=None)
def test_names_survive_any_numbering(order: list[str]) -> None:
    """However the labels are numbered, each class ends at the category of its name."""
    labels = dict(enumerate(order, 1))
    found = category_map(labels, _dataset(_CATEGORIES), len(order))
    assert {key: _CATEGORIES[value] for key, value in found.items() if value} == labels
