"""What a signature claims follows from the run: no sentence too many, and none too few."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from validation.policy.limits import Status
from validation.record.run import DatasetFacts, GivenFile
from validation.record.types import ModelKey
from validation.signoff.claims import claims, no_claims
from validation.specs.feeds import FeedWay, StatedFeed
from validation.specs.references import ReferenceKind

_MADE = ModelKey("m", "float")
_IMAGES = DatasetFacts("coco", "1", 40, 99)


def _given(name: str, *, stated: bool = False) -> GivenFile:
    feed = StatedFeed(FeedWay.BYTES) if stated else None
    return GivenFile("m", "uint8", name, "0" * 64, ReferenceKind.GRAPH, feed)


def _run(*given: GivenFile, made: bool = True, images: bool = True, seeded: bool = False) -> Any:
    """Record and judgement."""
    header = SimpleNamespace(given=given, dataset=_IMAGES if images else None, until_decided=None)
    keys = [*([_MADE] if made else []), *(each.key for each in given)]
    run = SimpleNamespace(structure_only=seeded)
    return (
        SimpleNamespace(header=header),
        SimpleNamespace(subjects=dict.fromkeys(keys), run=run),
    )


def _claimed(status: Status, *, waivers: bool = False, **run: Any) -> str:
    return "\n".join(claims(*_run(*run.pop("given", ()), **run), status, waivers))


@pytest.mark.parametrize(("status", "warned"), [(Status.PASS, False), (Status.WARN, True)])
def test_a_warning_is_claimed_as_one(status: Status, warned: bool) -> None:
    """And a PASS without a word about values that should be better."""
    assert ("worse than they should be" in _claimed(status)) is warned


@pytest.mark.parametrize("waivers", [True, False])
def test_with_a_waiver_nothing_keeps_every_limit(waivers: bool) -> None:
    """Neither files that were made here nor given ones."""
    said = _claimed(Status.WARN, waivers=waivers, given=(_given("a.tflite"),))
    assert ("accepted by name" in said) is waivers
    assert ("keeps every limit of the policy" in said) is not waivers
    assert ("a.tflite was made elsewhere" in said) is not waivers


@pytest.mark.parametrize("made", [True, False])
def test_of_given_files_alone_nothing_is_said_of_an_archive(made: bool) -> None:
    """The archive's own graph judged what was made from it, where anything was."""
    said = _claimed(Status.PASS, made=made, given=(_given("a.tflite"),))
    assert ("the archive's own inference graph" in said) is made


def test_every_stated_feed_is_said_and_no_other() -> None:
    """Whatever the order in which the files are given."""
    files = (_given("a.tflite"), _given("b.tflite", stated=True), _given("c.tflite", stated=True))
    lines = [each for each in _claimed(Status.PASS, given=files).split("\n") if "fed as" in each]
    assert [line.split(" was ")[0] for line in lines] == ["b.tflite", "c.tflite"]
    assert "was ." not in _claimed(Status.PASS, given=files)


@pytest.mark.parametrize(
    ("images", "seeded", "measured", "lacks"),
    [(True, False, True, False), (False, False, False, True), (False, True, False, False)],
    ids=["labelled images", "none", "seeded weights"],
)
def test_accuracy_is_claimed_where_it_was_measured(
    images: bool, seeded: bool, measured: bool, lacks: bool
) -> None:
    """Without labelled images the signature says that it claims nothing of it."""
    record, judgement = _run(images=images, seeded=seeded)
    said = "\n".join(claims(record, judgement, Status.PASS, waivers=False))
    assert ("40 images with 99 objects" in said) is measured
    assert any("no labelled images" in each for each in no_claims(record, judgement)) is lacks
    assert ("seeded and not trained" in said) is seeded
