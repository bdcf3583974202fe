"""One entry of a record, one JSON object a line: the only way in and out.

A line is ``{"kind": ..., <fields of the dataclass>}``. What does not fit the
dataclass exactly is refused, so that a record is never read by guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from validation.errors import RecordError, RecordVersionError
from validation.files.structured import structure, unstructure
from validation.record.ap_difference import ApDifference
from validation.record.baseline import Baseline, BaselineComparison, LatencyTrial
from validation.record.cluster_use import ClusterUse
from validation.record.diagnosis import Diagnosis
from validation.record.feeds import FileFeed
from validation.record.first_divergence import FirstDivergence
from validation.record.operating_point import OperatingPointLosses
from validation.record.pictures import Picture
from validation.record.quantisation_cost import QuantisationCost
from validation.record.reference_differences import ReferenceDifferences
from validation.record.run import RECORD_VERSION, Artefact, Evidence, Footer, Header, Step
from validation.record.shares import JoinedShare, KeptPiece, KeptProduct, ShareFacts
from validation.record.types import Accuracy, Background, CheckResult, Timing
from validation.record.until_decided import UntilDecided

Entry = (
    CheckResult
    | Timing
    | Accuracy
    | ApDifference
    | QuantisationCost
    | OperatingPointLosses
    | ReferenceDifferences
    | Diagnosis
    | FileFeed
    | FirstDivergence
    | Baseline
    | BaselineComparison
    | LatencyTrial
    | Picture
    | Artefact
    | Evidence
    | Background
    | ClusterUse
    | Step
    | JoinedShare
    | ShareFacts
    | KeptPiece
    | KeptProduct
    | Header
    | Footer
)

KINDS: dict[str, type] = {
    "header": Header,
    "check": CheckResult,
    "timing": Timing,
    "accuracy": Accuracy,
    "ap_difference": ApDifference,
    "quantisation": QuantisationCost,
    "operating_point": OperatingPointLosses,
    "reference_differences": ReferenceDifferences,
    "diagnosis": Diagnosis,
    "feed": FileFeed,
    "first_divergence": FirstDivergence,
    "baseline": Baseline,
    "baseline_comparison": BaselineComparison,
    "latency_trial": LatencyTrial,
    "picture": Picture,
    "artefact": Artefact,
    "evidence": Evidence,
    "background": Background,
    "cluster": ClusterUse,
    "step": Step,
    "joined_share": JoinedShare,
    "share": ShareFacts,
    "piece": KeptPiece,
    "product": KeptProduct,
    "footer": Footer,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def to_line(entry: Entry) -> dict[str, Any]:
    """An entry as the JSON object that a record's line holds."""
    return {"kind": _NAMES[type(entry)], **unstructure(entry)}


def from_line(line: Mapping[str, Any]) -> Entry:
    """Rebuild an entry from a record's line.

    Raises:
        RecordVersionError: The header was written by another version of the layout.
        RecordError: Unknown kind, fields missing or left over, or limits that compare nothing.
    """
    fields = dict(line)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise RecordError("unknown kind of record line", expected=" | ".join(KINDS), got=kind)
    if kind == "header":
        _check_version(fields.get("version"))
    entry: Entry = structure(KINDS[kind], fields, where=kind)
    if isinstance(entry, CheckResult):
        _check_measures(entry)
    if isinstance(entry, Header) and entry.until_decided is not None:
        _check_looks(entry.until_decided)
    return entry


def _check_looks(found: UntilDecided) -> None:
    """A run stops at one of its looks.

    Raises:
        RecordError: None was made, or more than were planned.
    """
    if not 1 <= found.number <= len(found.looks):
        raise RecordError(
            "looks that were made and were not planned",
            expected=f"1 to {len(found.looks)}",
            got=found.number,
        )


def _check_measures(result: CheckResult) -> None:
    """Limits hold values of any type: those that are compared are numbers.

    Raises:
        RecordError: No number for a bound, or a relation that there is not.
    """
    for measure in result.measures:
        limit = measure.limit
        if limit is None:
            continue
        is_bound = limit.relation in ("max", "min")
        if not is_bound and limit.relation not in ("equal", "any"):
            raise RecordError("a limit of no known relation", got=limit.relation)
        if is_bound and not isinstance(limit.bound, int | float):
            raise RecordError(f"the bound of {measure.name} is no number", got=limit.bound)


def _check_version(version: object) -> None:
    if version == RECORD_VERSION:
        return
    newer = isinstance(version, int) and version > RECORD_VERSION
    raise RecordVersionError(
        "the record has another layout",
        expected=f"version {RECORD_VERSION}",
        got=f"version {version}",
        next_step="install the newer harness to read it"
        if newer
        else "run the suites again: older records are not migrated",
    )
