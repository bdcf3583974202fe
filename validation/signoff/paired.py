"""How far AP is between two runs, by a paired bootstrap over the matches that both have kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from validation.errors import ValidationError
from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference
from validation.record.run import Evidence, EvidenceContent
from validation.record.store import Record
from validation.record.types import ModelKey


def paired_differences(
    before: tuple[Path, Record], after: tuple[Path, Record], policy: Policy
) -> dict[ModelKey, ApDifference]:
    """By the key in the later run: of files and references that both have matches of.

    What cannot be paired is left out: a file that is gone, or other images or objects.

    Args:
        before: Folder and record of the earlier run.
        after: Of the later one.
        policy: Says how often images are drawn.
    """
    (folder, record), (other_folder, other_record) = before, after
    replicates = int(policy.setting("bootstrap_replicates"))
    seed = int(policy.setting("bootstrap_seed"))
    found = {}
    earlier = {each.key.identity: each for each in _matches(record)}
    for now in _matches(other_record):
        was = earlier.get(now.key.identity)
        if was is None:
            continue
        if was.sha256 == now.sha256:
            found[now.key] = ApDifference(
                now.model, now.variant, "", now.images, replicates, seed, True, file=now.file
            )
            continue
        # NumPy is for runs that differ: without any, nothing waits for it.
        from validation.coco.intervals import ap_difference
        from validation.coco.matches import load_matches

        try:
            sides = load_matches(folder, was), load_matches(other_folder, now)
            found[now.key] = ap_difference(now.key, "", *sides, replicates, seed)
        except ValidationError:
            continue
    return found


def _matches(record: Record) -> Iterator[Evidence]:
    return (each for each in record.evidence if each.content is EvidenceContent.MATCHES)
