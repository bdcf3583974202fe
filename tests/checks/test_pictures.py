"""The page's pictures: where both sides disagree comes first, and labels stand beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.checks import pictures as module
from validation.checks.pictures import pictures
from validation.checks.scored_sides import REFERENCE_TITLES
from validation.errors import NotProvided
from validation.record.detections import Detections
from validation.record.pictures import GROUND_TRUTH
from validation.record.types import ModelKey
from validation.specs.references import ReferenceKind

Runs = Mapping[str, Detections]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Runs]:
    """What both sides detect: a test fills it in."""
    given: dict[str, Runs] = {}
    monkeypatch.setattr(module, "reference_detections", lambda _: given["reference"])
    monkeypatch.setattr(module, "candidate_detections", lambda _: given["candidate"])
    return given


def test_disagreement_comes_first(miniature: MiniatureFiles, runs: dict[str, Runs]) -> None:
    """An image on which one clear detection is lost, before all that show more and agree."""
    context = make_case(miniature, "float")
    keys = [image.key for image in context.images]
    many = Detections([(0.1, 0.1, 0.3, 0.3), (0.5, 0.5, 0.9, 0.9)], [0.9, 0.8], [1, 2])
    few, none = many.take(slice(1)), many.take(slice(0))
    runs["reference"] = {**dict.fromkeys(keys, many), keys[-1]: few}
    runs["candidate"] = {**runs["reference"], keys[-1]: none}
    shown = pictures(context)
    assert len(shown) == int(context.policy.setting("pictures"))
    first = shown[0]
    assert first.image == context.images[-1].path.name
    assert [len(panel.scores) for panel in first.panels[:2]] == [1, 0]
    assert all(len(each.panels[1].scores) == 2 for each in shown[1:])


def test_labels_are_a_panel_of_their_own(miniature: MiniatureFiles, runs: dict[str, Runs]) -> None:
    """With the names of their categories; without labels there are two panels."""
    nothing = Detections((), (), ())
    for labelled, count in ((True, 3), (False, 2)):
        context = make_case(
            miniature, "float", labelled=labelled, canaries=() if labelled else None
        )
        keys = [image.key for image in context.images]
        runs["reference"] = runs["candidate"] = dict.fromkeys(keys, nothing)
        shown = pictures(context)
        assert {len(each.panels) for each in shown} == {count}
        truth = [each.panels[-1] for each in shown if each.panels[-1].title == GROUND_TRUTH]
        assert any(panel.classes for panel in truth) is labelled
        assert all(each.labels for each in shown if each.panels[-1].classes)


@pytest.mark.parametrize("file", [GROUND_TRUTH, REFERENCE_TITLES[ReferenceKind.GRAPH]])
def test_a_given_file_of_a_panels_name(
    miniature: MiniatureFiles, runs: dict[str, Runs], file: str
) -> None:
    """It is neither taken for that panel nor does it replace it."""
    context = make_case(miniature, "float")
    own = dataclasses.replace(context, key=ModelKey(context.key.model, "float", file))
    keys = [image.key for image in context.images]
    runs["reference"] = runs["candidate"] = dict.fromkeys(keys, Detections((), (), ()))
    titles = [[panel.title for panel in each.panels] for each in pictures(own)]
    assert all(each[1] == f"{file} (given file)" for each in titles)
    assert [len(set(each)) for each in titles] == [len(each) for each in titles]


def test_without_a_reference_labels_are_what_is_expected(
    miniature: MiniatureFiles, runs: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside the objects, on labelled images alone."""

    def nobody(_: object) -> Runs:
        raise NotProvided("no reference was given")

    monkeypatch.setattr(module, "reference_detections", nobody)
    context = make_case(miniature, "float")
    keys = [image.key for image in context.images]
    runs["candidate"] = dict.fromkeys(keys, Detections((), (), ()))
    shown = pictures(context)
    assert {tuple(panel.title for panel in each.panels) for each in shown} == {
        ("float .tflite", GROUND_TRUTH)
    }
    objects = [len(each.panels[-1].classes) for each in shown]
    assert objects == sorted(objects, reverse=True)
    assert objects[0] > 0
