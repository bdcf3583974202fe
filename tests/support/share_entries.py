"""Hypothesis strategies of the entries that shares of a run have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from validation.record.shares import (
    JoinedShare,
    KeptPiece,
    KeptProduct,
    SharedRange,
    ShareFacts,
)

_TEXT, _COUNT = st.text(max_size=8), st.integers(0, 9)
_RANGE = st.builds(SharedRange, _TEXT, _TEXT, _COUNT, _COUNT, _TEXT)

ENTRIES: dict[str, st.SearchStrategy[Any]] = {
    "joined_share": st.builds(
        JoinedShare,
        *[_COUNT] * 2,
        *[_TEXT] * 2,
        st.floats(0, 1e6),
        st.dictionaries(_TEXT, _TEXT, max_size=2),
        _COUNT,
        st.lists(_TEXT, max_size=2).map(tuple),
    ),
    "share": st.builds(ShareFacts, *[_COUNT] * 3, st.lists(_RANGE, max_size=2).map(tuple)),
    "piece": st.builds(KeptPiece, *[_TEXT] * 4, _COUNT, _TEXT),
    "product": st.builds(KeptProduct, _TEXT, _TEXT),
}
