"""Classes find their categories by name, or by number without names; it is said which."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.coco.annotations import CocoAnnotation
from validation.coco.categories import join_categories
from validation.coco.dataset import Dataset
from validation.errors import DatasetError
from validation.record.class_join import (
    CategoryTwins,
    JoinedBy,
    LeftCategory,
    LeftClass,
)

_CATEGORIES = {1: "person", 2: "bicycle", 17: "cat", 18: "dog"}


def _dataset(categories: Mapping[int, str], objects: Mapping[int, int] | None = None) -> Dataset:
    """Categories, and how many objects each has; none where nothing is given."""
    truth = tuple(
        CocoAnnotation(1, key, (0, 0, 1, 1), 1, is_crowd=False)
        for key, count in (objects or {}).items()
        for _ in range(count)
    )
    return Dataset("tiny", Path("tiny.json"), (), truth, categories, "")


def _joined(
    labels: Mapping[int, str] | None, dataset: Dataset, num_classes: int | None
) -> dict[int, int | None]:
    return dict(join_categories(labels, dataset, num_classes).categories)


def test_without_labels_numbers_are_categories() -> None:
    """Numbers that the data set does not have are not scored, and the join is by number."""
    join = join_categories(None, _dataset(_CATEGORIES, {1: 1}), 18)
    assert {key for key, value in join.categories.items() if value is not None} == {1, 2, 17, 18}
    assert list(join.categories) == list(range(1, 19))
    assert (join.facts.by, join.facts.by_number) == (JoinedBy.NUMBER, 4)
    assert len(join.facts.left_classes) == 14
    assert join.facts.doubts()[0] == (
        "4 of 18 classes joined to categories by number, because the model's class names are "
        "unknown"
    )


def test_a_model_of_one_class_scores_the_first_category() -> None:
    """An empty label map is none; the other categories are named with their objects."""
    join = join_categories({}, _dataset(_CATEGORIES, {1: 4, 17: 2, 18: 1}), 1)
    assert join.categories == {1: 1}
    assert join.facts.objects_left == 3
    assert join.facts.describe()[1:] == (
        "no class for 2 categories with 3 objects, which are not scored: 17 cat, 18 dog",
        "without class and without objects on these images: 2 bicycle",
    )


@pytest.mark.parametrize("names", [{1: "", 2: ""}, {1: "1", 2: " 2 "}])
def test_categories_without_names_are_joined_by_number(names: dict[int, str]) -> None:
    """A name that only says the number once more is no name."""
    join = join_categories({1: "person", 2: "cat"}, _dataset(names), 2)
    assert join.categories == {1: 1, 2: 2}
    assert "by number, because the categories' names are unknown" in join.facts.doubts()[0]


def test_labels_that_agree_keep_their_id() -> None:
    """The OD API's COCO label map has the data set's own ids; the numbers between are free."""
    objects = {1: 1, 17: 1}
    join = join_categories(
        {1: "person", 17: "cat"}, _dataset({1: "person", 17: "cat"}, objects), 17
    )
    found = join.categories
    assert (found[1], found[17], found[2]) == (1, 17, None)
    assert join.facts.doubts() == ()
    assert join.facts.describe() == ("2 of 2 classes joined to categories by name",)


def test_a_list_that_ends_before_the_classes_leaves_classes_out() -> None:
    """Eighty names for ninety classes say nothing of the last ten."""
    join = join_categories({1: "person", 2: "cat"}, _dataset(_CATEGORIES), 4)
    assert join.facts.left_classes == (LeftClass(3, ""), LeftClass(4, ""))
    assert "no category for 2 classes, which are not scored: 3 without a name" in str(
        join.facts.doubts()
    )


def test_a_free_number_that_is_a_category_is_left_out() -> None:
    """The list skips 2, and the data set has a category 2 that nothing else is."""
    labels = {1: "person", 17: "cat", 18: "dog"}
    facts = join_categories(labels, _dataset(_CATEGORIES, {2: 5}), 18).facts
    assert facts.left_classes == (LeftClass(2, "", "bicycle"),)
    assert facts.left_categories == (LeftCategory(2, "bicycle", 5),)


def test_labels_find_other_ids_by_name() -> None:
    """Blanks at the ends do not count; a name of no category is named."""
    join = join_categories({1: "dog", 2: " cat ", 3: "unicorn"}, _dataset(_CATEGORIES), 3)
    assert join.categories == {1: 18, 2: 17, 3: None}
    assert join.facts.left_classes == (LeftClass(3, "unicorn"),)


@pytest.mark.parametrize(
    "label", ["Arrow Up", "arrow_up", "ARROW-UP", " arrow  up ", "arrow\u2013up", "\uff41rrow up"]
)
def test_case_and_separators_do_not_count(label: str) -> None:
    """One name, however its words are put together."""
    join = join_categories({1: label}, _dataset({7: "arrow up"}, {7: 1}), 1)
    assert join.categories == {1: 7}
    assert join.facts.doubts() == ()


@pytest.mark.parametrize("label", ["arrows up", "arrowup", "arow up", "arrow"])
def test_names_that_are_merely_near_are_offered(label: str) -> None:
    """A plural, a lost letter or another word may be another thing."""
    dataset = _dataset({1: "star", 7: "arrow up", 8: "ring"}, {1: 1, 7: 3})
    join = join_categories({1: "star", 2: label}, dataset, 2)
    assert join.categories == {1: 1, 2: None}
    assert join.facts.doubts() == (
        f"no category for 1 class, which is not scored: 2 {label} (closest category: arrow up)",
        "no class for 1 category with 3 objects, which is not scored: 7 arrow up "
        f"(closest class: {label})",
    )


def test_the_same_spelling_goes_before_a_like_one() -> None:
    """The category that differs in case alone is another, and left out by name."""
    join = join_categories({1: "cat"}, _dataset({1: "Cat", 2: "cat"}, {1: 1, 2: 1}), 1)
    assert join.categories == {1: 2}
    assert [left.id for left in join.facts.left_categories] == [1]


@pytest.mark.parametrize(
    "categories", [{0: "cat", 1: "cat"}, {0: "Cats", 1: "cats"}, {1: "cat", 3: "Cat"}]
)
def test_of_two_categories_of_one_name_the_one_with_objects_is_taken(
    categories: dict[int, str],
) -> None:
    """The other is a parent, or was left over; it does not matter which is spelt alike."""
    empty, full = sorted(categories) if 0 in categories else (1, 3)
    join = join_categories({1: categories[empty]}, _dataset(categories, {full: 2}), 1)
    assert join.categories == {1: full}
    assert join.facts.twins == (CategoryTwins(categories[full], full, (empty,)),)
    assert join.facts.doubts() == ()
    assert f"{full} is scored; without objects: {empty}" in join.facts.describe()[-1]


def test_every_class_with_empty_twins_names_all_of_them() -> None:
    """They are no categories that are left out."""
    categories = {1: "cat", 2: "Cat", 3: "CAT", 4: "dog", 5: "Dog", 6: "DOG", 7: "sheep"}
    join = join_categories({1: "cat", 2: "dog"}, _dataset(categories, {1: 1, 4: 1}), 2)
    assert join.categories == {1: 1, 2: 4}
    assert join.facts.twins == (
        CategoryTwins("cat", 1, (2, 3)),
        CategoryTwins("dog", 4, (5, 6)),
    )
    assert join.facts.left_categories == (LeftCategory(7, "sheep", 0),)


def test_each_name_that_is_left_is_offered_its_own_nearest() -> None:
    """Several classes and several categories, whatever their order."""
    dataset = _dataset({1: "person", 2: "traffic light", 3: "zebra"}, {1: 1})
    facts = join_categories({1: "person", 2: "zebras", 3: "traffic lights"}, dataset, 3).facts
    assert facts.left_classes == (
        LeftClass(2, "zebras", "zebra"),
        LeftClass(3, "traffic lights", "traffic light"),
    )
    assert facts.left_categories == (
        LeftCategory(2, "traffic light", 0, "traffic lights"),
        LeftCategory(3, "zebra", 0, "zebras"),
    )


def test_two_categories_of_one_name_with_objects_are_refused() -> None:
    """Only who labelled them knows whether they are one thing; the counts are named."""
    dataset = _dataset({1: "person", 5: "mouse", 6: "mouse"}, {1: 1, 5: 2, 6: 3})
    with pytest.raises(
        DatasetError, match=r"one name have objects.*5: mouse, 2 objects, 6: mouse, 3 objects"
    ):
        join_categories({1: "person", 2: "mouse"}, dataset, 2)
    # Where no class asks for the name they are merely left out.
    facts = join_categories({1: "person"}, dataset, 1).facts
    assert [left.objects for left in facts.left_categories] == [2, 3]


def test_two_categories_of_one_name_keep_their_numbers() -> None:
    """A label map that has both tells them apart."""
    dataset = _dataset({1: "mouse", 2: "mouse"}, {1: 2, 2: 3})
    assert _joined({1: "mouse", 2: "mouse"}, dataset, 2) == {1: 1, 2: 2}
    join = join_categories({2: "mouse"}, dataset, 2)
    assert join.categories == {1: None, 2: 2}
    assert join.facts.objects_left == 2


def test_labels_beyond_the_classes_are_ignored() -> None:
    """One label map may serve models with fewer classes."""
    assert _joined({1: "person", 2: "person"}, _dataset(_CATEGORIES), 1) == {1: 1}


def test_the_background_may_stand_at_zero() -> None:
    """It is no class, so it is not in the map."""
    assert _joined({0: "Background", 1: "cat"}, _dataset(_CATEGORIES), 1) == {1: 17}


@pytest.mark.parametrize("labels", [{0: "person", 1: "bicycle"}, {-1: "person"}])
def test_labels_that_count_from_zero_are_refused(labels: dict[int, str]) -> None:
    """They would shift every class by one."""
    with pytest.raises(DatasetError, match=r"ids that no class can have.*-?\d: person"):
        join_categories(labels, _dataset(_CATEGORIES), 2)


def test_labels_of_another_data_set_are_refused() -> None:
    """Nothing would be scored."""
    with pytest.raises(DatasetError, match=r"no class of the model is a category.*got face"):
        join_categories({1: "face"}, _dataset(_CATEGORIES), 1)


@pytest.mark.parametrize(("num_classes", "last"), [(2, 2), (None, 5)])
def test_ids_of_another_data_set_are_refused(num_classes: int | None, last: int) -> None:
    """Nothing would be scored without labels either, whatever the numbering."""
    dataset = _dataset({100: "airplane"} if num_classes else {0: "airplane"})
    text = f"no class of the model.*got class ids 1 to {last}" if num_classes else "count from 0"
    with pytest.raises(DatasetError, match=text):
        join_categories(None, dataset, num_classes)


@pytest.mark.parametrize("categories", [_CATEGORIES, {0: "cat", 1: "dog"}])
def test_two_classes_of_one_category_are_refused(categories: dict[int, str]) -> None:
    """A doubled label is a wrong label map, whatever the id."""
    with pytest.raises(DatasetError, match=r"one and the same category.*got 1: cat, 3: CAT"):
        join_categories({1: "cat", 2: "dog", 3: "CAT"}, _dataset(categories), 3)


def test_every_doubled_label_is_named() -> None:
    """Whichever comes first."""
    labels = {1: "dog", 2: "cat", 3: "CAT", 4: "Dog"}
    with pytest.raises(DatasetError, match="got 1: dog, 4: Dog, 2: cat and 1 more"):
        join_categories(labels, _dataset(_CATEGORIES), 4)


def test_every_label_with_an_impossible_id_is_named() -> None:
    """In ascending order."""
    with pytest.raises(DatasetError, match="got -2: dog, -1: person"):
        join_categories({-1: "person", -2: "dog", 1: "cat"}, _dataset(_CATEGORIES), 2)


@pytest.mark.parametrize("objects", [{0: 1}, {}])
def test_categories_from_zero_need_labels(objects: dict[int, int]) -> None:
    """By ids alone each class would be scored as its neighbour; by names it is right."""
    dataset = _dataset({0: "person", 1: "bicycle"}, objects)
    with pytest.raises(DatasetError, match=r"count from 0.*got 0: person"):
        join_categories(None, dataset, 2)
    assert _joined({1: "person", 2: "bicycle"}, dataset, 2) == {1: 0, 2: 1}


def test_a_root_category_is_not_counted_from() -> None:
    """Some tools export the name of the project as category 0, beside one for each class."""
    dataset = _dataset({0: "pets", 1: "cat", 2: "dog"}, {1: 3, 2: 1})
    join = join_categories(None, dataset, 2)
    assert join.categories == {1: 1, 2: 2}
    assert "without class and without objects on these images: 0 pets" in join.facts.describe()
    with pytest.raises(DatasetError, match="count from 0"):
        join_categories(None, _dataset(dataset.categories, {0: 1, 1: 1}), 2)


def test_numbers_that_were_given_in_reading_join_nothing() -> None:
    """A data set of names alone says nothing of a model that has none."""
    dataset = dataclasses.replace(_dataset({1: "cat", 2: "dog"}), numbers_stated=False)
    with pytest.raises(DatasetError, match=r"names of categories and no numbers.*got cat, dog"):
        join_categories(None, dataset, 2)
    assert _joined({1: "dog", 2: "cat"}, dataset, 2) == {1: 2, 2: 1}


@given(order=st.permutations(list(_CATEGORIES.values())))
@settings(max_examples=24, deadline=None)
def test_names_survive_any_numbering(order: list[str]) -> None:
    """However the labels are numbered, each class ends at the category of its name."""
    labels = dict(enumerate(order, 1))
    found = _joined(labels, _dataset(_CATEGORIES), len(order))
    assert {key: _CATEGORIES[value] for key, value in found.items() if value} == labels
