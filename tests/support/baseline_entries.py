"""Hypothesis strategies of what a run keeps of the baseline that it was compared with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from validation.policy.limits import Status
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineComparison,
    BaselineKind,
    BaselineSubject,
    BaselineUpdate,
    Clock,
    KeyPart,
    LatencyBlock,
    LatencyTrial,
    Outcome,
    Why,
)
from validation.record.baseline_facts import BaselineFacts, CheckFacts, LatencyFacts, SubjectFacts
from validation.record.machine_class import MachineClass
from validation.specs.tensors import TensorSpec

_TEXT = st.text(max_size=12)
_COUNT = st.integers(0, 10**9)
_FLOAT = st.floats(allow_nan=False)
_VALUE = st.none() | st.booleans() | _FLOAT | _COUNT | _TEXT | st.lists(_COUNT, max_size=3)
_TABLE = st.dictionaries(_TEXT, _TEXT, max_size=3)
_STATUS = st.sampled_from(Status)
_SAMPLES = st.lists(_FLOAT, max_size=4).map(tuple)
_PARTS = st.lists(st.sampled_from(KeyPart), max_size=2).map(tuple)

MACHINES = st.builds(MachineClass, _TEXT, _COUNT, _TEXT)
UPDATES = st.builds(BaselineUpdate, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT)
CHANGES = st.builds(
    AspectChange,
    st.sampled_from(Aspect),
    st.sampled_from(Outcome),
    _TEXT,
    _VALUE,
    _VALUE,
    st.none() | st.tuples(_FLOAT, _FLOAT),
    st.none() | _FLOAT,
    st.none() | _FLOAT,
    st.none() | _FLOAT,
    st.none() | st.sampled_from(Why),
    _PARTS,
    _TEXT,
    st.none() | st.sampled_from(Clock),
)

ENTRIES: dict[str, st.SearchStrategy[Any]] = {
    "baseline": st.builds(
        Baseline,
        st.sampled_from(BaselineKind),
        _TEXT,
        _TEXT,
        _TEXT,
        MACHINES,
        _TABLE,
        _STATUS,
        st.lists(st.builds(BaselineSubject, _TEXT, _TEXT, _STATUS, _TEXT), max_size=2).map(tuple),
        _TEXT,
        _TEXT,
        _COUNT,
        _PARTS,
        st.none() | UPDATES,
        _TEXT,
        _TEXT,
    ),
    "baseline_comparison": st.builds(
        BaselineComparison, _TEXT, _TEXT, st.lists(CHANGES, max_size=3).map(tuple), _TEXT
    ),
    "latency_trial": st.builds(
        LatencyTrial,
        _TEXT,
        _TEXT,
        _TEXT,
        _COUNT,
        _TEXT,
        st.lists(
            st.builds(
                LatencyBlock,
                st.permutations((0, 1, 2)).map(tuple),
                _SAMPLES,
                _SAMPLES,
                _SAMPLES,
                _COUNT,
            ),
            max_size=2,
        ).map(tuple),
        _TEXT,
    ),
}

_TENSORS = st.lists(
    st.builds(
        TensorSpec,
        _TEXT,
        _TEXT,
        st.lists(_COUNT, max_size=3).map(tuple),
        st.none() | _FLOAT,
        st.none() | _COUNT,
    ),
    max_size=2,
).map(tuple)
SUBJECTS = st.builds(
    SubjectFacts,
    _TEXT,
    _TEXT,
    _STATUS,
    _TEXT,
    _COUNT,
    _TENSORS,
    _TENSORS,
    st.lists(
        st.builds(CheckFacts, _TEXT, _STATUS, st.dictionaries(_TEXT, _VALUE, max_size=2)),
        max_size=2,
    ).map(tuple),
    st.none() | _FLOAT,
    _TEXT,
    st.lists(st.builds(LatencyFacts, _TEXT, _COUNT, _SAMPLES), max_size=2).map(tuple),
    _TEXT,
    _TEXT,
)
FACTS = st.builds(
    BaselineFacts,
    _TEXT,
    _TEXT,
    MACHINES,
    _TABLE,
    _TEXT,
    _STATUS,
    st.lists(SUBJECTS, max_size=3).map(tuple),
    st.none() | UPDATES,
    _TEXT,
)
