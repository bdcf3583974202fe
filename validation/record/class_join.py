"""How a model's classes were joined to a data set's categories, and what was left out."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.errors import first_few
from validation.labels.alignment import NameCount


class JoinedBy(enum.StrEnum):
    """By what classes and categories were joined."""

    NAME = "name"
    NUMBER = "number"


@dataclass(frozen=True)
class LeftClass:
    """A class of the model that no category was joined to: its detections are not scored.

    Args:
        id: Of the class, 1 the first.
        name: Empty where it has none.
        closest: The name of a category that is nearest to it; empty where none is near.
    """

    id: int
    name: str
    closest: str = ""


@dataclass(frozen=True)
class LeftCategory:
    """A category of the data set that no class was joined to: its objects are not scored.

    Args:
        id: Of the category.
        name: As the data set has it.
        objects: On the images that were scored.
        closest: The name of a class that is nearest to it; empty where none is near.
    """

    id: int
    name: str
    objects: int
    closest: str = ""


@dataclass(frozen=True)
class CategoryTwins:
    """Categories of one name, of which one was scored.

    Args:
        name: Of the scored one.
        scored: Its id.
        empty: Ids of the others, which have no objects.
    """

    name: str
    scored: int
    empty: tuple[int, ...]


@dataclass(frozen=True)
class ClassJoin:
    """What was joined to what, by what, and what was left out.

    Args:
        by: By what.
        class_names_known: Whether the model's classes have names.
        joined: Number of classes with a category.
        classes: Number of classes of the model.
        left_classes: Without a category. A number that the label list leaves free, and no
            category has, is no class.
        left_categories: Without a class, those without objects among them.
        twins: Categories of one name.
        names: How many classes have a name; None where no list was given.
    """

    by: JoinedBy
    class_names_known: bool
    joined: int
    classes: int
    left_classes: tuple[LeftClass, ...] = ()
    left_categories: tuple[LeftCategory, ...] = ()
    twins: tuple[CategoryTwins, ...] = ()
    names: NameCount | None = None

    @property
    def left_names(self) -> tuple[str, ...]:
        """Names that no class of the model has: the label list may be another model's."""
        return () if self.names is None else self.names.surplus

    @property
    def objects_left(self) -> int:
        """Objects on the scored images that no class of the model stands for."""
        return sum(each.objects for each in self.left_categories)

    @property
    def doubted(self) -> tuple[LeftCategory, ...]:
        """Categories with objects that may be a class's own under another name.

        Where every class found its category by name, the others are no concern of the model, as
        all but one are of a person detector: none of their objects could be scored. One whose
        name comes near a class's may be that class.
        """
        wanted = (each for each in self.left_categories if each.objects)
        certain = self.by is JoinedBy.NAME and not self.left_classes
        return tuple(each for each in wanted if not certain or each.closest)

    @property
    def objects_doubted(self) -> int:
        """Objects of the categories that are in doubt."""
        return sum(each.objects for each in self.doubted)

    @property
    def by_number(self) -> int:
        """Classes that were joined by number alone."""
        return self.joined if self.by is JoinedBy.NUMBER else 0

    def describe(self) -> tuple[str, ...]:
        """One sentence for each thing that was assumed or left out, the kind of join first."""
        names = self.names
        counted = () if names is None else (f"{names.describe()} ({names.source})",)
        by_name = () if self.by_number else (self._joined(),)
        other = tuple(
            each for each in self.left_categories if each.objects and each not in self.doubted
        )
        idle = [each for each in self.left_categories if not each.objects]
        unused = first_few(f"{each.id} {each.name}" for each in idle)
        return (
            *counted,
            *by_name,
            *self.doubts(),
            *((_without_class(other),) if other else ()),
            *((f"without class and without objects on these images: {unused}",) if idle else ()),
            *(
                f"of the categories called {each.name}, {each.scored} is scored; without objects: "
                + first_few(each.empty)
                for each in self.twins
            ),
        )

    def doubts(self) -> tuple[str, ...]:
        """One sentence for each thing that makes the figures doubtful."""
        sentences = [self._joined()] if self.by_number else []
        if self.left_classes:
            sentences.append(
                f"no category for {_count(len(self.left_classes), 'class', 'classes')}, which "
                f"{_verb(self.left_classes)} not scored: "
                + first_few(map(_describe_class, self.left_classes))
            )
        if self.doubted:
            sentences.append(_without_class(self.doubted))
        if self.left_names:
            sentences.append(
                f"the label list has {_count(len(self.left_names), 'name', 'names')} beyond the "
                f"model's classes: {first_few(self.left_names)}"
            )
        return tuple(sentences)

    def _joined(self) -> str:
        text = f"{self.joined} of {_count(self.classes, 'class', 'classes')} joined to categories"
        if self.by is JoinedBy.NAME:
            return f"{text} by name"
        whose = "the categories'" if self.class_names_known else "the model's class"
        return f"{text} by number, because {whose} names are unknown"


def _describe_class(left: LeftClass) -> str:
    text = f"{left.id} {left.name or 'without a name'}"
    return f"{text} (closest category: {left.closest})" if left.closest else text


def _describe_category(left: LeftCategory) -> str:
    text = f"{left.id} {left.name}".rstrip()
    return f"{text} (closest class: {left.closest})" if left.closest else text


def _without_class(those: tuple[LeftCategory, ...]) -> str:
    objects = sum(each.objects for each in those)
    return (
        f"no class for {_count(len(those), 'category', 'categories')} with "
        f"{_count(objects, 'object', 'objects')}, which {_verb(those)} not scored: "
        + first_few(map(_describe_category, those))
    )


def _verb(those: tuple[LeftClass, ...] | tuple[LeftCategory, ...]) -> str:
    return "is" if len(those) == 1 else "are"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
