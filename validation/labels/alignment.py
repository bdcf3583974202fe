"""Names and classes are aligned here, by count, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from validation.errors import DatasetError, first_few
from validation.labels.label_list import LabelList, Numbering, is_background, is_gap
from validation.root_cause import FaultKind, RootCause

# COCO has 80 names for 90 ids. In the list of 80, the twelfth is COCO's id 13.
_COCO_NAMES, _COCO_CLASSES = 80, 90
_COCO_SHIFTED = (12, "stop sign")
_COCO_HINT = "--label_map=coco has COCO's 80 names for 90 ids"
_BY_NUMBER = "number its lines, `1: name`, 1 the first class, if it names only some of the classes"


@dataclass(frozen=True)
class NameCount:
    """How many of a model's classes have a name.

    Args:
        source: Where the names are from, for people; empty where there are none.
        named: Classes that have one.
        classes: Of the model, without the background.
        unnamed: Ids of the others.
        surplus: Names of the list that belong to no class of the model.
        background_dropped: True where the list began with a line for the background.
    """

    source: str
    named: int
    classes: int
    unnamed: tuple[int, ...] = ()
    surplus: tuple[str, ...] = ()
    background_dropped: bool = False

    def describe(self) -> str:
        """For example "80 names for 90 classes; 10 unnamed: 12, 26, 29 and 7 more"."""
        names = _count(self.named + len(self.surplus), "name")
        text = f"{names} for {_count(self.classes, 'class', 'classes')}"
        if self.background_dropped:
            text += ", and one for the background, which is no class"
        if self.unnamed:
            text += f"; {len(self.unnamed)} unnamed: {first_few(self.unnamed)}"
        if self.surplus:
            text += f"; {len(self.surplus)} of no class: {first_few(self.surplus)}"
        return text


@dataclass(frozen=True)
class ClassNames:
    """The names of a model's classes.

    Args:
        names: By class id, 1 the first class; only classes that have a name.
        num_classes: Of the model, without the background.
        source: Where the names are from, for people; empty where there are none.
        unnamed: Ids of the classes without a name.
        surplus: Names of the list that belong to no class of the model.
        background_dropped: True where the list began with a line for the background.
    """

    names: Mapping[int, str] = field(hash=False)
    num_classes: int
    source: str
    unnamed: tuple[int, ...] = ()
    surplus: tuple[str, ...] = ()
    background_dropped: bool = False

    @property
    def count(self) -> NameCount | None:
        """How many classes have a name, without the names; None where there is no list."""
        if not self.source:
            return None
        return NameCount(
            self.source,
            len(self.names),
            self.num_classes,
            self.unnamed,
            self.surplus,
            self.background_dropped,
        )

    def describe(self) -> str:
        """See `NameCount.describe`; without a list "no names for 90 classes"."""
        if self.count is None:
            return f"no names for {_count(self.num_classes, 'class', 'classes')}"
        return self.count.describe()


def no_names(num_classes: int) -> ClassNames:
    """Of a model for which there is no list."""
    return ClassNames({}, num_classes, "", tuple(range(1, num_classes + 1)))


def align(labels: LabelList, num_classes: int) -> ClassNames:
    """Join a list's names with a model's classes.

    A list without numbers fits by its length alone: as many names as classes, or one more with
    the background first. Stated numbers may leave classes without a name.

    Args:
        labels: The list.
        num_classes: Of the model, without the background.

    Raises:
        DatasetError: The list does not fit the classes, or fits in two ways; the message says
            what would.
    """
    if labels.numbering is Numbering.FROM_ONE:
        return _by_id(labels, labels.by_number, num_classes)
    if labels.numbering is Numbering.NUMBERS:
        return _by_number(labels, num_classes)
    return _by_order(labels, num_classes)


def align_uncounted(labels: LabelList) -> ClassNames:
    """Names for a model that does not say how many classes it has: as many as the list has.

    Raises:
        DatasetError: Without a count, the list can be read in two ways.
    """
    if labels.numbering is Numbering.ORDER:
        return align(labels, len([name for name in labels.names if name]))
    if not labels.numbers:
        return align(labels, len(labels.names))
    last = max(labels.numbers)
    zero = labels.by_number.get(0)
    return align(labels, last if zero is None or is_background(zero) else last + 1)


def _by_order(labels: LabelList, num_classes: int) -> ClassNames:
    """A list whose lines are classes, each line or each line that is not empty."""
    fitting: dict[tuple[str, ...], bool] = {}
    for names in _readings(labels):
        if len(names) == num_classes:
            fitting[names] = False
        elif len(names) == num_classes + 1 and is_background(names[0]):
            fitting[names[1:]] = True
        elif len(names) > num_classes and all(map(is_gap, names[num_classes:])):
            fitting[names[:num_classes]] = False
    if not fitting:
        raise _unfitting(labels, num_classes)
    if len(fitting) > 1:
        raise _ambiguous(labels, num_classes, "an empty line is a class without a name, or nothing")
    ((names, dropped),) = fitting.items()
    # Where values are named, the first line is the first class, whatever it is called.
    if not dropped and is_background(names[0]) and labels.numbering is not Numbering.VALUES:
        raise _ambiguous(
            labels, num_classes, f"the first, {names[0]!r}, is the background or the first class"
        )
    return _named(labels, dict(enumerate(names, 1)), num_classes, background_dropped=dropped)


def _readings(labels: LabelList) -> Iterable[tuple[str, ...]]:
    yield labels.names
    # In metadata, a line's number is the value that it names.
    if labels.numbering is Numbering.ORDER and "" in labels.names:
        yield tuple(name for name in labels.names if name)


def _by_number(labels: LabelList, num_classes: int) -> ClassNames:
    """Numbers from 0 or from 1, which the numbers themselves have to tell."""
    names = labels.by_number
    first, last = min(names), max(names)
    if first == 0 and not is_background(names[0]):
        last = max(number for number, name in names.items() if not is_gap(name))
        if last >= num_classes:
            raise _out_of_range(
                labels,
                num_classes,
                f"0: {names[0]} to {last}: {names[last]}",
                _advice_beyond(names, num_classes),
            )
        return _by_id(labels, {number + 1: name for number, name in names.items()}, num_classes)
    if first == 0 and last == num_classes:
        own = {number: name for number, name in names.items() if number}
        return _by_id(labels, own, num_classes, background_dropped=True)
    if first == 0:
        raise _ambiguous(
            labels, num_classes, f"0, {names[0]!r}, is the background or the first class"
        )
    if first == 1 and last == num_classes + 1 and is_background(names[1]):
        own = {number - 1: name for number, name in names.items() if number > 1}
        return _by_id(labels, own, num_classes, background_dropped=True)
    return _by_id(labels, names, num_classes)


def _by_id(
    labels: LabelList,
    names: Mapping[int, str],
    num_classes: int,
    *,
    background_dropped: bool = False,
) -> ClassNames:
    aligned = _named(labels, names, num_classes, background_dropped=background_dropped)
    shifted, sign = _COCO_SHIFTED
    coco_of_80 = (len(names), num_classes) == (_COCO_NAMES, _COCO_CLASSES) and (
        names.get(shifted, "").casefold() == sign
    )
    # A list of another model may name some ids that this one has.
    if not aligned.names or (aligned.surplus and aligned.unnamed) or coco_of_80:
        raise _out_of_range(labels, num_classes, f"ids {min(names)} to {max(names)}")
    return aligned


def _named(
    labels: LabelList, names: Mapping[int, str], num_classes: int, *, background_dropped: bool
) -> ClassNames:
    named = {number: name for number, name in sorted(names.items()) if not is_gap(name)}
    own = {number: name for number, name in named.items() if number <= num_classes}
    return ClassNames(
        own,
        num_classes,
        labels.source,
        unnamed=tuple(number for number in range(1, num_classes + 1) if number not in own),
        surplus=tuple(name for number, name in named.items() if number > num_classes),
        background_dropped=background_dropped,
    )


def _unfitting(labels: LabelList, num_classes: int) -> DatasetError:
    names = [name for name in labels.names if name]
    background = len(names) == num_classes + 1
    return DatasetError(
        "the label list does not fit the model's classes",
        expected=f"{_count(num_classes, 'name')}, or {num_classes + 1} with the background first",
        got=f"{_count(len(names), 'name')} for {_count(num_classes, 'class', 'classes')}"
        + (f", the first {names[0]!r}" if background else ""),
        where=labels.source,
        next_step=_advice(len(names), num_classes),
        causes=[_count_of_names(len(names), num_classes, _advice(len(names), num_classes))],
    )


def _count_of_names(names: int, num_classes: int, advice: str) -> RootCause:
    return RootCause(
        FaultKind.CLASS_COUNT,
        expected=_count(num_classes, "class", "classes"),
        got=_count(names, "name"),
        next_step=advice,
    )


def _ambiguous(labels: LabelList, num_classes: int, why: str) -> DatasetError:
    return DatasetError(
        "the label list fits the model's classes in two ways",
        got=f"{_count(len(labels.names), 'line')} for "
        f"{_count(num_classes, 'class', 'classes')}: {why}",
        where=labels.source,
        next_step="number its lines, `1: name`, 1 the first class, without the background",
    )


def _out_of_range(
    labels: LabelList, num_classes: int, got: str, advice: str | None = None
) -> DatasetError:
    return DatasetError(
        "the label map is of another model",
        expected=f"ids from 1 to {num_classes}",
        got=f"{_count(len(labels.names), 'name')}, {got}",
        where=labels.source,
        next_step=advice or _advice(len(labels.names), num_classes),
        causes=[
            RootCause(
                FaultKind.CLASS_NAMES,
                next_step=advice or _advice(len(labels.names), num_classes),
            )
        ],
    )


def _advice_beyond(names: Mapping[int, str], num_classes: int) -> str | None:
    """For numbers from 0 that are one too many."""
    if num_classes not in names or len(names) != num_classes + 1:
        return None
    if is_background(names[num_classes]):
        return f"leave out {num_classes}, {names[num_classes]!r}"
    return f"leave out 0, {names[0]!r}, if it is no class but the parent of the others"


def _advice(count: int, num_classes: int) -> str:
    if num_classes == _COCO_CLASSES and count in (_COCO_NAMES, _COCO_NAMES + 1):
        return _COCO_HINT
    return _BY_NUMBER if count < num_classes else "give the label map of this model"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
