"""From a model's classes to the data set's categories: by name, or by number and said so."""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from validation.coco.dataset import Dataset
from validation.errors import DatasetError, first_few
from validation.labels.alignment import NameCount
from validation.labels.spelling import plain
from validation.record.class_join import (
    CategoryTwins,
    ClassJoin,
    JoinedBy,
    LeftCategory,
    LeftClass,
)

# Names of this likeness are offered as the closest; they are never joined.
_LIKENESS = 0.6


@dataclass(frozen=True)
class CategoryJoin:
    """The category to score each class as, and what there is to say about it.

    Args:
        categories: Category id of each class id from 1; None is not scored.
        facts: By what classes were joined, and what was left out.
    """

    categories: Mapping[int, int | None] = field(hash=False)
    facts: ClassJoin


def join_categories(
    labels: Mapping[int, str] | None,
    dataset: Dataset,
    num_classes: int | None,
    counted: NameCount | None = None,
) -> CategoryJoin:
    """Join the classes of a model to the categories of a data set.

    By name where the names of both are known: the same name, else the same but for case and
    what separates its words (``Arrow-Up``, ``arrow_up`` and ``arrow up``). Of several
    categories of one name the one with objects is taken. Other names that are merely near
    are offered and not joined. By number where one side has no names at all.

    Args:
        labels: Name of each class id, 1 the first; 0 may only be the background. Labels
            beyond the model's classes are ignored. None or empty: unknown.
        dataset: Gives the categories; a category called nothing, or by its number, has no
            known name.
        num_classes: Classes of the model, without the background. None: as many as the
            labels or the categories count to.
        counted: How many classes the label list names, for the record.

    Raises:
        DatasetError: A label has no valid id, no class finds a category, two classes find
            the same one, two categories of a class's name have objects, or there are no
            names and the categories count from 0 or have no numbers.
    """
    _check_label_ids(labels or {})
    names = _known(labels or {})
    names.pop(0, None)
    count = num_classes or max([*names, *dataset.categories, 1])
    names = {key: name for key, name in names.items() if key <= count}
    categories = _known(dataset.categories)
    objects = Counter(item.category_id for item in dataset.ground_truth)
    if names and categories:
        mapped = _by_name(names, categories, objects, dataset.annotation_path.name, count)
        by = JoinedBy.NAME
    else:
        mapped = _by_number(dataset, objects, num_classes, count)
        by = JoinedBy.NUMBER
    if all(category is None for category in mapped.values()):
        raise DatasetError(
            "no class of the model is a category of the data set",
            expected=first_few(dataset.categories.values()) or "categories",
            got=first_few(names.values()) if names else f"class ids 1 to {count}",
            where=dataset.annotation_path.name,
            next_step="give the label map that the model was trained with",
        )
    _refuse_doubled_classes(mapped, names, dataset)
    facts = _facts(by, mapped, names, dataset.categories, objects)
    return CategoryJoin(mapped, dataclasses.replace(facts, names=counted))


def _known(names: Mapping[int, str]) -> dict[int, str]:
    """Without those that are empty, or only say the number once more."""
    return {key: name for key, name in names.items() if name.strip() not in ("", str(key))}


def _check_label_ids(labels: Mapping[int, str]) -> None:
    wrong = {
        key: name
        for key, name in labels.items()
        if key < 0 or (key == 0 and plain(name) != "background")
    }
    if wrong:
        raise DatasetError(
            "the label map has ids that no class can have",
            expected="ids from 1; 0 is the background",
            got=first_few(f"{key}: {name}" for key, name in sorted(wrong.items())),
            next_step="count the labels from 1, as the OD API does",
        )


def _by_number(
    dataset: Dataset, objects: Mapping[int, int], num_classes: int | None, count: int
) -> dict[int, int | None]:
    known = dataset.categories
    if not dataset.numbers_stated:
        raise DatasetError(
            "the data set has names of categories and no numbers, and the model has no names",
            expected="a name for each class of the model",
            got=first_few(known.values()),
            where=dataset.annotation_path.name,
            next_step="give the model's label map",
        )
    # Class ids taken as they are would score each class as its neighbour. A category 0
    # without objects, beside one for each class, is the root that some tools export.
    is_root = not objects.get(0) and num_classes is not None and len(known) > num_classes
    if 0 in known and not is_root:
        raise DatasetError(
            "the categories count from 0 and classes from 1, so ids alone cannot join them",
            got=f"0: {known[0]}",
            where=dataset.annotation_path.name,
            next_step="give the model's label map, to go by names",
        )
    return {key: key if key in known else None for key in range(1, count + 1)}


def _by_name(
    names: Mapping[int, str],
    categories: Mapping[int, str],
    objects: Mapping[int, int],
    where: str,
    count: int,
) -> dict[int, int | None]:
    """The same name before a like one, and categories with objects before all others."""
    mapped: dict[int, int | None] = dict.fromkeys(range(1, count + 1))
    with_objects = [key for key in categories if objects.get(key)]
    for among in (with_objects, list(categories)):
        for spelling in (str.strip, plain):
            taken = set(mapped.values())
            free: dict[str, list[int]] = {}
            for key in among:
                if key not in taken:
                    free.setdefault(spelling(categories[key]), []).append(key)
            for key, name in names.items():
                found = free.get(spelling(name), [])
                if mapped[key] is None and found:
                    mapped[key] = _one_of(found, key, categories, objects, where)
    return mapped


def _one_of(
    found: list[int],
    class_id: int,
    categories: Mapping[int, str],
    objects: Mapping[int, int],
    where: str,
) -> int:
    """The category of the class's own number, else the only one.

    Of several with objects none is taken: they may be two things of one name (a mouse), or
    one thing labelled twice, and only who labelled them knows.
    """
    if class_id in found:
        return class_id
    if len(found) > 1 and objects.get(found[0]):
        raise DatasetError(
            f"{len(found)} categories of one name have objects, and the model has one class for it",
            got=first_few(f"{key}: {categories[key]}, {objects[key]} objects" for key in found),
            where=where,
            next_step="merge them in the annotations if they are one thing, else rename one",
        )
    return found[0]


def _refuse_doubled_classes(
    mapped: Mapping[int, int | None], names: Mapping[int, str], dataset: Dataset
) -> None:
    """Each class has a category to itself, or there is none of its name."""
    by_name: dict[str, list[int]] = {}
    for key, name in names.items():
        by_name.setdefault(plain(name), []).append(key)
    doubled = [
        key
        for keys in by_name.values()
        if len({mapped[key] for key in keys} - {None}) not in (0, len(keys))
        for key in keys
    ]
    if doubled:
        raise DatasetError(
            "several classes are one and the same category",
            got=first_few(f"{key}: {names[key]}" for key in doubled),
            where=dataset.annotation_path.name,
            next_step="give each class of the label map a name of its own",
        )


def _facts(
    by: JoinedBy,
    mapped: Mapping[int, int | None],
    names: Mapping[int, str],
    categories: Mapping[int, str],
    objects: Mapping[int, int],
) -> ClassJoin:
    scored = {key for key in mapped.values() if key is not None}
    twins = _twins(scored, categories, objects)
    twin_ids = {key for each in twins for key in each.empty}
    left = {key: name for key, name in categories.items() if key not in scored | twin_ids}
    without = [key for key, category in mapped.items() if category is None]
    # A list that goes on after a number leaves that number free; one that ends is short.
    last = max(names, default=0)
    free = [key for key in without if key not in names and key < last and key not in left]
    of_category, of_class = (
        _closest(left.values()),
        _closest(names[k] for k in without if k in names),
    )
    return ClassJoin(
        by,
        bool(names),
        len(mapped) - len(without),
        len(mapped) - len(free),
        tuple(
            LeftClass(key, names[key], of_category(names[key]))
            if key in names
            else LeftClass(key, "", left.get(key, ""))
            for key in without
            if key not in free
        ),
        tuple(
            LeftCategory(key, name, objects.get(key, 0), of_class(name))
            for key, name in left.items()
        ),
        twins,
    )


def _twins(
    scored: Collection[int], categories: Mapping[int, str], objects: Mapping[int, int]
) -> tuple[CategoryTwins, ...]:
    called: dict[str, list[int]] = {}
    for key, name in _known(categories).items():
        if key not in scored and not objects.get(key):
            called.setdefault(plain(name), []).append(key)
    return tuple(
        CategoryTwins(categories[key], key, tuple(called[plain(categories[key])]))
        for key in sorted(scored)
        if plain(categories[key]) in called
    )


def _closest(known: Iterable[str]) -> Callable[[str], str]:
    """Finds the nearest of these names, or nothing where none is near."""
    by_plain = {plain(name): name for name in known}

    def find(name: str) -> str:
        near = difflib.get_close_matches(plain(name), by_plain, n=1, cutoff=_LIKENESS)
        return by_plain[near[0]] if near else ""

    return find
