"""The fields of an annotation file's entries, as other tools write them, with what was assumed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from validation.coco.notice_list import NoticeList
from validation.coco.plain_entries import LARGEST
from validation.errors import DatasetError
from validation.record.dataset_notices import DatasetNoticeKind as Kind
from validation.root_cause import RootCause

_DIGITS = re.compile(r"\s*[0-9]{1,18}\s*", re.ASCII)


class EntryFields:
    """One entry of an annotation file.

    Args:
        entry: As JSON has it.
        file: Name of the file, for messages.
        place: List and index.
        notices: What was assumed is added to these.
    """

    __slots__ = ("_file", "_notices", "_place", "entry")

    def __init__(
        self, entry: Mapping[str, Any], file: str, place: tuple[str, int], notices: NoticeList
    ) -> None:
        self.entry = entry
        self._file = file
        self._place = place
        self._notices = notices

    @property
    def name(self) -> str:
        """List and index, for messages."""
        part, number = self._place
        return f"{part}[{number}]"

    @property
    def position(self) -> str:
        """File, list and index, for messages."""
        return f"{self._file}, {self.name}"

    def identity(self, key: str) -> int:
        """An id: a whole number, maybe written as text or with a decimal point.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if type(value) is int and -LARGEST < value < LARGEST:
            return value
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            self._notices.add(Kind.ID_AS_TEXT, self._example(key))
            return int(value)
        return self.whole(key)

    def whole(self, key: str) -> int:
        """A whole number, maybe with a decimal point.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
            self._notices.add(Kind.NUMBER_AS_OTHER, self._example(key))
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= LARGEST:
            raise self.wrong(key, "a whole number of at most 63 bits")
        return value

    def flag(self, key: str, kind_if_missing: Kind) -> bool:
        """0 or 1, or true or false; false with a notice where there is none.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if value is None:
            self._notices.add(kind_if_missing, self.name)
            return False
        if isinstance(value, bool) or value in ("0", "1"):
            self._notices.add(Kind.NUMBER_AS_OTHER, self._example(key))
            return bool(int(value))
        return bool(self.whole(key))

    def states(self, key: str) -> bool:
        """True where a field is there and is not null."""
        return self.entry.get(key) is not None

    def has(self, key: str) -> bool:
        """True where a field is there and is neither 0, nor false, nor empty."""
        return self.entry.get(key) not in (None, 0, "", "0")

    def text(self, key: str) -> str:
        """Text that is not empty.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "text")
        return value

    def number(self, key: str) -> float | None:
        """A finite number; None where there is none.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if value is None:
            return None
        if not _is_finite(value):
            raise self.wrong(key, "a finite number")
        return float(value)

    def four(self, key: str) -> tuple[float, float, float, float]:
        """Four finite numbers.

        Raises:
            DatasetError: Anything else.
        """
        value = self.entry.get(key)
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_finite, value)):
            raise self.wrong(key, "four finite numbers")
        first, second, third, fourth = (float(number) for number in value)
        return first, second, third, fourth

    def wrong(self, key: str, expected: str, causes: Sequence[RootCause] = ()) -> DatasetError:
        """The error about a field; see `ValidationError` for its causes."""
        value = self.entry.get(key)
        return DatasetError(
            f"the annotation file has not the COCO layout: {key} is wrong",
            expected=expected,
            got="nothing" if value is None else repr(value),
            where=self.position,
            causes=causes,
        )

    def _example(self, key: str) -> str:
        return f"{key} of {self.name}"


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
