"""Hypothesis strategies of every kind of entry of a record."""

from __future__ import annotations

from typing import Any

import baseline_entries
import share_entries
from hypothesis import strategies as st

from validation.policy.limits import Limit, Rule, Status
from validation.policy.operating_points import OperatingPoint
from validation.policy.overlay import (
    ChangedLimit,
    ChangedOperatingPoint,
    ChangedRequirement,
    ChangedSetting,
    Overlay,
)
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.cluster_use import ClusterMachine, ClusterUse, LostWorker
from validation.record.coco_figures import CocoFigures
from validation.record.detections import Detections
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.difference_facts import (
    AnchorChange,
    AnchorFacts,
    ClassFacts,
    DifferenceKind,
    Fact,
)
from validation.record.error_facts import ErrorFacts
from validation.record.feeds import FileFeed
from validation.record.first_divergence import FirstDivergence, MatchedBy
from validation.record.operating_point import ObjectSize, OperatingPointLosses, OperatingRow
from validation.record.pictures import BoxState, Panel, Picture
from validation.record.quantisation_cost import (
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
)
from validation.record.reference_differences import (
    NotCompared,
    ReferenceDifference,
    ReferenceDifferences,
)
from validation.record.run import (
    Artefact,
    ArtefactRole,
    CommandOption,
    DatasetFacts,
    Evidence,
    EvidenceContent,
    Footer,
    Header,
    Stage,
    Step,
)
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    Measure,
    ModelKey,
    PublishedFigure,
    Timing,
)
from validation.specs.contracts import PostprocessAttributes, Preprocessing
from validation.specs.feeds import FeedWay
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec

_TEXT = st.text(max_size=12)
_WHOLE = st.integers(-(2**63), 2**63 - 1)
_NUMBER = st.floats(allow_nan=False) | _WHOLE
_VALUE = st.none() | st.booleans() | _NUMBER | _TEXT | st.lists(_WHOLE | _TEXT, max_size=3)
_LIMIT = st.builds(
    Limit, st.sampled_from(["max", "min", "equal"]), _VALUE, _TEXT, st.none() | _NUMBER
)
_FLOAT = st.floats(allow_nan=False)
# A record is read only if the bounds of its measures can be compared.
_LIMIT_OF_MEASURE = st.one_of(
    st.builds(Limit, st.sampled_from(["max", "min"]), _NUMBER, _TEXT, st.none() | _NUMBER),
    st.builds(Limit, st.just("equal"), _VALUE, _TEXT, st.none() | _NUMBER),
)
_MEASURES = st.lists(
    st.builds(
        Measure,
        _TEXT,
        _VALUE,
        st.none() | _LIMIT_OF_MEASURE,
        st.none() | st.tuples(_FLOAT, _FLOAT),
        st.none() | st.integers(0, 10**9),
    ),
    max_size=3,
).map(tuple)
_BOX = st.tuples(_FLOAT, _FLOAT, _FLOAT, _FLOAT)
_DETECTIONS = st.lists(st.tuples(_BOX, _FLOAT, st.integers(0, 2**31)), max_size=3).map(
    lambda found: Detections(
        tuple(box for box, _, _ in found),
        tuple(score for _, score, _ in found),
        tuple(number for _, _, number in found),
    )
)
_TABLE = st.dictionaries(_TEXT | st.just("float"), _TEXT, max_size=3)
_COUNT = st.integers(0, 10**9)
_STATUS = st.sampled_from(Status)
_WORDS = st.lists(_TEXT, max_size=2).map(tuple)
_RULE = st.builds(Rule, _TEXT, _TEXT, _WORDS, _WORDS, _LIMIT)
_POINT = st.builds(OperatingPoint, st.floats(0, 1), _TEXT, _WORDS)
_OVERLAY = st.builds(
    Overlay,
    _TEXT,
    _TEXT,
    st.lists(
        st.builds(ChangedLimit, _RULE, st.lists(_RULE, max_size=1).map(tuple)), max_size=2
    ).map(tuple),
    st.lists(st.builds(ChangedSetting, _TEXT, _NUMBER, _TEXT, _NUMBER), max_size=2).map(tuple),
    st.lists(st.builds(ChangedRequirement, _TEXT, _WORDS, _WORDS), max_size=2).map(tuple),
    st.none(),
    st.lists(
        st.builds(ChangedOperatingPoint, _POINT, st.lists(_POINT, max_size=1).map(tuple)),
        max_size=2,
    ).map(tuple),
)
_TENSOR = st.builds(
    TensorSpec,
    _TEXT,
    _TEXT,
    st.lists(_COUNT, max_size=3).map(tuple),
    st.none() | _FLOAT,
    st.none() | _WHOLE,
)
_SHARE = st.none() | _FLOAT
_FIDELITY = st.builds(ErrorStatistics, _WHOLE, *[_FLOAT] * 5, *[_SHARE] * 3)
_ERROR = st.builds(
    ErrorFacts, _TEXT, st.lists(_TEXT, max_size=2).map(tuple), _TEXT, *[st.none() | _TEXT] * 4
)
_KINDS = st.lists(st.sampled_from(DifferenceKind), max_size=2).map(tuple)
_DIFFERENCE = st.builds(
    ReferenceDifference,
    st.sampled_from(DifferenceKind),
    _FLOAT,
    st.lists(st.builds(Fact, _TEXT, _VALUE, _VALUE), max_size=2).map(tuple),
    st.none()
    | st.builds(
        AnchorFacts,
        *[_COUNT] * 3,
        st.sampled_from(AnchorChange),
        st.lists(_FLOAT, max_size=2).map(tuple),
    ),
    st.none()
    | st.builds(
        ClassFacts,
        st.lists(st.tuples(_COUNT, _COUNT), max_size=2).map(tuple),
        _WHOLE,
        _COUNT,
        _COUNT,
        st.booleans(),
    ),
    st.booleans(),
    st.booleans(),
    st.none() | _FLOAT,
)

_PANEL = st.tuples(_TEXT, _DETECTIONS, st.sampled_from(BoxState) | st.none()).map(
    lambda of: Panel.of(*of[:2], [] if of[2] is None else [of[2]] * len(of[1]))
)

ENTRIES: dict[str, st.SearchStrategy[Any]] = {
    "header": st.builds(
        Header,
        _TEXT,
        _TEXT,
        st.lists(st.builds(ModelKey, _TEXT, _TEXT), max_size=3).map(tuple),
        _TABLE,
        _TABLE,
        _TABLE,
        _TEXT,
        st.none() | st.builds(DatasetFacts, _TEXT, _TEXT, _WHOLE, _WHOLE),
        st.none() | _OVERLAY,
        command_line=st.lists(st.builds(CommandOption, _TEXT, _TEXT), max_size=2).map(tuple),
    ),
    "check": st.builds(
        CheckResult,
        _TEXT,
        _TEXT,
        _TEXT,
        _STATUS,
        _MEASURES,
        _TEXT,
        _TEXT,
        _FLOAT,
        st.none() | _ERROR,
    ),
    "timing": st.builds(
        Timing, _TEXT, _TEXT, _TEXT, _WHOLE, _WHOLE, st.lists(_FLOAT, max_size=4).map(tuple)
    ),
    "accuracy": st.builds(
        Accuracy,
        _TEXT,
        _TEXT,
        _TEXT,
        st.builds(CocoFigures, *[_FLOAT] * 12),
        _WHOLE,
        st.lists(_WHOLE, max_size=4).map(tuple),
        _WHOLE,
        _FLOAT,
        _FLOAT,
    ),
    "quantisation": st.builds(
        QuantisationCost,
        _TEXT,
        _TEXT,
        _TEXT,
        _WHOLE,
        _WHOLE,
        st.lists(st.builds(OutputError, _TENSOR, _FIDELITY, st.booleans()), max_size=2).map(tuple),
        st.lists(
            st.builds(
                LayerError,
                _WHOLE,
                _TEXT,
                _TENSOR,
                _TEXT,
                _SHARE,
                st.none() | _FIDELITY,
                st.none() | _FIDELITY,
            ),
            max_size=2,
        ).map(tuple),
    ),
    "operating_point": st.builds(
        OperatingPointLosses,
        _TEXT,
        _TEXT,
        *[_FLOAT] * 5,
        _COUNT,
        _WORDS,
        _COUNT,
        _COUNT,
        st.lists(
            st.builds(
                OperatingRow,
                st.none() | _COUNT,
                _TEXT,
                st.none() | st.sampled_from(ObjectSize),
                *[_COUNT] * 10,
                st.none() | st.tuples(_FLOAT, _FLOAT),
            ),
            max_size=2,
        ).map(tuple),
    ),
    "reference_differences": st.builds(
        ReferenceDifferences,
        _TEXT,
        _TEXT,
        st.sampled_from(ReferenceKind),
        st.lists(_DIFFERENCE, max_size=2).map(tuple),
        _KINDS,
        st.lists(st.builds(NotCompared, _KINDS, _TEXT), max_size=2).map(tuple),
        st.none() | _FLOAT,
        st.none() | _FLOAT,
        _COUNT,
        _TEXT,
    ),
    "diagnosis": st.builds(
        Diagnosis,
        _TEXT,
        _TEXT,
        st.sampled_from(FaultKind),
        st.sampled_from(Place),
        st.sampled_from(DiagnosedBy),
        _TEXT,
        _VALUE,
        _VALUE,
        _COUNT,
        _TEXT,
        _SHARE,
        _SHARE,
        st.lists(st.sampled_from(FaultKind), max_size=2).map(tuple),
        st.lists(st.sampled_from(Place), max_size=2).map(tuple),
        _TEXT,
        _TEXT,
    ),
    "feed": st.builds(
        FileFeed,
        _TEXT,
        _TEXT,
        st.sampled_from(FeedWay),
        st.builds(
            Preprocessing,
            _COUNT,
            _COUNT,
            *[st.tuples(_FLOAT, _FLOAT, _FLOAT)] * 2,
            st.booleans(),
            st.booleans(),
        ),
        st.none() | st.tuples(_COUNT, _COUNT),
        st.none() | _COUNT,
        st.none()
        | st.builds(
            PostprocessAttributes,
            *[_COUNT] * 2,
            *[_FLOAT] * 2,
            _COUNT,
            *[_FLOAT] * 4,
            _COUNT,
            st.booleans(),
        ),
    ),
    "first_divergence": st.builds(
        FirstDivergence,
        _TEXT,
        _TEXT,
        _TEXT,
        _COUNT,
        _TEXT,
        _TEXT,
        _TEXT,
        st.sampled_from(MatchedBy),
        st.none() | _FLOAT,
        st.none() | _FLOAT,
        _FLOAT,
        st.booleans(),
        _COUNT,
        _COUNT,
        _COUNT,
        _TEXT,
    ),
    "picture": st.builds(
        Picture,
        _TEXT,
        _TEXT,
        _COUNT,
        _COUNT,
        _TEXT,
        st.lists(_PANEL, max_size=2).map(tuple),
        _TABLE,
    ),
    "artefact": st.builds(
        Artefact, _TEXT, st.sampled_from(ArtefactRole), _TEXT, _TEXT, _TEXT, _WHOLE, _TEXT, _TEXT
    ),
    "evidence": st.builds(
        Evidence,
        *[_TEXT] * 4,
        *[_WHOLE] * 2,
        st.sampled_from(EvidenceContent),
    ),
    "ap_difference": st.builds(
        ApDifference,
        *[_TEXT] * 3,
        *[_COUNT] * 3,
        st.booleans(),
        st.lists(
            st.builds(
                Difference,
                st.sampled_from(Figure),
                *[_FLOAT] * 2,
                _COUNT,
                *[_FLOAT] * 3,
                _COUNT,
                st.none() | _COUNT,
            ),
            max_size=2,
        ).map(tuple),
        st.none() | _COUNT,
        st.dictionaries(_COUNT, _TEXT, max_size=2),
    ),
    "background": st.builds(
        Background,
        _TEXT,
        _TEXT,
        st.lists(st.builds(PublishedFigure, _TEXT, _NUMBER, _TEXT), max_size=2).map(tuple),
        st.lists(_TEXT, max_size=2).map(tuple),
    ),
    "cluster": st.builds(
        ClusterUse,
        _TEXT,
        st.lists(st.builds(ClusterMachine, _TEXT, _TEXT, _COUNT, _COUNT), max_size=2).map(tuple),
        *[_COUNT] * 2,
        *[_FLOAT] * 2,
        *[_COUNT] * 2,
        st.lists(st.builds(LostWorker, _TEXT, _TEXT), max_size=2).map(tuple),
        *[st.lists(_TEXT, max_size=2).map(tuple)] * 2,
        _TEXT,
    ),
    "step": st.builds(Step, _TEXT, st.sampled_from(Stage), _TEXT, _FLOAT, st.booleans()),
    "footer": st.builds(Footer, _TEXT, _FLOAT, _COUNT, _COUNT),
    **baseline_entries.ENTRIES,
    **share_entries.ENTRIES,
}
