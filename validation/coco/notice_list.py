"""Notices about a data set, gathered while it is read."""

from __future__ import annotations

from validation.record.dataset_notices import MOST_EXAMPLES, DatasetNotice, DatasetNoticeKind


class NoticeList:
    """Counts by kind, with the first examples of each."""

    def __init__(self) -> None:
        self._counts: dict[DatasetNoticeKind, int] = {}
        self._examples: dict[DatasetNoticeKind, list[str]] = {}
        self._moving: set[DatasetNoticeKind] = set()

    def add(self, kind: DatasetNoticeKind, example: str, moves_figures: bool = False) -> None:
        """Once more of a kind; a kind moves figures when one of its cases does."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < MOST_EXAMPLES and example not in examples:
            examples.append(example)
        if moves_figures:
            self._moving.add(kind)

    def all(self) -> tuple[DatasetNotice, ...]:
        """One notice for each kind, in the order of their first cases."""
        return tuple(
            DatasetNotice(kind, count, tuple(self._examples[kind]), kind in self._moving)
            for kind, count in self._counts.items()
        )
