"""What is assumed or doubted about a given file and its reference: counted, to be judged.

An assumption is settled where the user or the reference says the same thing on its own: what the
reference states of the input is compared by `reference_contract`, and outputs that were taken for
others would not detect what the reference detects.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.policy.limits import Status
from validation.record.results_facts import ResultsDoubt, ResultsFacts
from validation.record.types import Measure
from validation.specs.feeds import StatedFeed


class About(enum.StrEnum):
    """What an assumption is about; the name of its measure."""

    FEED = "feed_assumed"
    OUTPUTS = "outputs_assumed"
    METADATA = "metadata_not_applied"
    TRUST = "file_not_trusted"


# Of the reference: its feed and outputs together.
_REFERENCE_ASSUMED, _REFERENCE_NOT_TRUSTED = "reference_assumed", "reference_not_trusted"

# Those that always or sometimes move figures; every other kind is a fact of the feeding facts.
_ABOUT: Mapping[FileNoticeKind, About] = {
    FileNoticeKind.FEED_DIFFERS: About.FEED,
    FileNoticeKind.INNER_RANGE_DIFFERS: About.FEED,
    FileNoticeKind.NORMALISATION_ASSUMED: About.FEED,
    FileNoticeKind.RANGE_UNUSUAL: About.FEED,
    FileNoticeKind.METADATA_CONTRADICTS_ITSELF: About.FEED,
    FileNoticeKind.METADATA_OTHER_INPUTS: About.FEED,
    FileNoticeKind.EXPORT_DISAGREES: About.FEED,
    FileNoticeKind.EXPORT_IGNORED: About.FEED,
    FileNoticeKind.OUTPUTS_BY_METADATA: About.OUTPUTS,
    FileNoticeKind.OUTPUTS_BY_SIGNATURE: About.OUTPUTS,
    FileNoticeKind.COUNT_MISSING: About.OUTPUTS,
    FileNoticeKind.THRESHOLD_NOT_APPLIED: About.METADATA,
    FileNoticeKind.CALIBRATION_NOT_APPLIED: About.METADATA,
}
# What a stated way, and a stated mean and std, leave no doubt about.
_SETTLED_BY_WAY = (FileNoticeKind.FEED_DIFFERS,)
_SETTLED_BY_STATS = (
    FileNoticeKind.FEED_DIFFERS,
    FileNoticeKind.METADATA_OTHER_INPUTS,
    FileNoticeKind.EXPORT_IGNORED,
)


@dataclass(frozen=True)
class Doubts:
    """What another reading of a file or of its reference would score otherwise.

    Args:
        file: Notices that nothing settles.
        reference: Of a reference that is a .tflite itself, or of what any reference detects.
        results: How a list of detections was read; None where the reference is none.
        ignored: What the user stated and the file cannot be fed by.
    """

    file: tuple[FileNotice, ...] = ()
    reference: tuple[FileNotice, ...] = ()
    results: ResultsFacts | None = None
    ignored: tuple[FileNotice, ...] = ()

    @property
    def figures(self) -> dict[str, float]:
        """How many there are of each, by the names of their measures."""
        found: dict[str, float] = {each.value: 0 for each in About}
        for notice in self.file:
            found[about(notice)] += 1
        trusted = [notice for notice in self.reference if not notice.not_trusted]
        found[_REFERENCE_ASSUMED] = len(trusted)
        found[_REFERENCE_NOT_TRUSTED] = len(self.reference) - len(trusted)
        of_results = {} if self.results is None else self.results.figures
        return found | {doubt.value: value for doubt, value in of_results.items()}

    def sentences(self, measures: Iterable[Measure]) -> list[str]:
        """What is assumed, and how a list of detections was read.

        Args:
            measures: Those of `figures`, judged: of a list of detections they say what to doubt.
        """
        said = [notice.describe() for notice in (*self.ignored, *self.file)]
        if self.reference:
            said.append("reference: " + "; ".join(each.describe() for each in self.reference))
        if self.results is not None:
            doubtful = {each.name for each in measures if each.status is not Status.PASS}
            said.append("reference: " + "; ".join(self.results.describe()))
            said += [self.results.words(each) for each in ResultsDoubt if each.value in doubtful]
        return said


def unsettled(
    notices: Iterable[FileNotice],
    stated: StatedFeed,
    *,
    feed_is_settled: bool = False,
    outputs_are_seen: bool = False,
) -> tuple[FileNotice, ...]:
    """The notices of a file that leave its figures in doubt.

    Args:
        notices: All of them.
        stated: What the user states of its feed.
        feed_is_settled: The reference says itself what pixels become, or would show another feed.
        outputs_are_seen: The reference detects by itself, so that other outputs would be seen.
    """
    settled = set(_SETTLED_BY_WAY if stated.way is not None else ())
    settled |= set(_SETTLED_BY_STATS if stated.stats is not None else ())
    by_reference = {About.FEED: feed_is_settled, About.OUTPUTS: outputs_are_seen}
    return tuple(
        notice
        for notice in notices
        if notice.not_trusted
        or (
            notice.moves_figures
            and notice.kind not in settled
            and not by_reference.get(about(notice), False)
        )
    )


def about(notice: FileNotice) -> About:
    """What a notice that moves figures is about."""
    # A kind that is new and moves figures is no less a doubt than one that has its place.
    return About.TRUST if notice.not_trusted else _ABOUT.get(notice.kind, About.FEED)
