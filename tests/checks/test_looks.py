"""Looks at files of a real model on the scenes that ship: a PASS, a FAIL, and neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from validation.checks.looks import Looker
from validation.coco.dataset import load_dataset
from validation.faults import file_edits
from validation.metadata.class_labels import labels_named
from validation.plugin.given import given_to_judge
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.record.until_decided import UNSEEN_LOSS
from validation.workspace.looks import LookPlan
from validation.workspace.products import ProductCache
from validation.workspace.session import Session
from validation.zoo.bundled_files import SCENES_NAME, labelled_scenes

_LIMIT = """\
version = 1

[[limit]]
check = "accuracy"
measure = "ap_drop"
max = {limit}
reason = "where this test puts it"
"""


@dataclass(frozen=True)
class _Judged:
    """A sound 8-bit file and one with a fault, by the float file of the same model."""

    folder: Path
    cache: Path
    paths: tuple[Path, ...]
    reference: Path
    labels: Path

    def looks(self, limit: float) -> tuple[LookPlan, Looker, dict[str, ModelKey]]:
        """All scenes, with a limit on what is lost."""
        own = self.folder / f"{limit:g}.toml"
        own.write_text(_LIMIT.format(limit=limit), encoding="utf-8")
        policy = load_policy(own)
        dataset = load_dataset(*labelled_scenes(), name=SCENES_NAME)
        given = given_to_judge(
            self.paths, self.reference, ProductCache(self.cache / "work", lambda _: None)
        )
        session = Session(
            entries=(),
            keys=tuple(each.key for each in given.candidates),
            policy=policy,
            dataset=dataset,
            canaries=(),
            labels=labels_named(str(self.labels)),
            cache_dir=self.cache,
            offline=True,
            candidates=given.candidates,
            judged_by=given.judged_by,
            runs=self.cache / "runs",
        )
        plan = LookPlan.of(dataset, policy)
        return plan, Looker(session, plan), {each.key.file: each.key for each in given.candidates}


@pytest.fixture(scope="module")
def judged(made_once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> _Judged:
    """Converted once; what the files detect is kept as well."""
    from bundled_tflite import write_bundled

    made = made_once(
        "looked-at", lambda folder: write_bundled(folder, "ssd_mobilenet_v1", "float", "dynamic")
    )
    folder = tmp_path_factory.mktemp("looks")
    change = file_edits.change_anchors(lambda anchors: anchors * [1, 1, 1.3, 1.3])
    worse = file_edits.rewrite(made / "dynamic.tflite", folder / "worse.tflite", change)
    categories = load_dataset(*labelled_scenes()).categories
    labels = folder / "labels.txt"
    labels.write_text("".join(f"{categories[key]}\n" for key in sorted(categories)))
    paths = made / "dynamic.tflite", worse
    return _Judged(folder, folder / "cache", paths, made / "float.tflite", labels)


def test_a_sound_file_is_passed_at_the_first_look(judged: _Judged) -> None:
    """Far inside of its limit."""
    _, looker, keys = judged.looks(0.05)
    assert looker.look(1, keys["dynamic.tflite"]) is None


def test_a_fault_is_failed_at_the_first_look(judged: _Judged) -> None:
    """Boxes that are a third too large."""
    _, looker, keys = judged.looks(0.05)
    assert looker.look(1, keys["worse.tflite"]) is None
    # Not for want of a limit that it breaks: with none it is undecided for another reason.
    _, looker, keys = judged.looks(0.002)
    assert looker.look(1, keys["worse.tflite"]) is None


def test_near_its_limit_every_image_is_looked_at(judged: _Judged) -> None:
    """What is lost on all scenes lies on both sides of the limit at every look."""
    plan, looker, keys = judged.looks(0.0007)
    open_at = [looker.look(number, keys["dynamic.tflite"]) for number in (1, 2, 3)]
    assert [look.images for look in plan.looks] == [250, 500, 600]
    assert all(each is not None for each in open_at)
    assert [each.measures for each in open_at if each is not None] == [
        ("ap_drop", UNSEEN_LOSS),
        ("ap_drop", UNSEEN_LOSS),
        ("ap_drop",),
    ]


def test_images_of_looks_are_nested_and_drawn(judged: _Judged) -> None:
    """By ascending id, from all of the set, the same ones for the same seed."""
    plan, _, _ = judged.looks(0.05)
    again, _, _ = judged.looks(0.05)
    ids = [[each.id for each in plan.dataset(number).images] for number in (1, 2, 3)]
    assert [len(each) for each in ids] == [250, 500, 600]
    assert all(each == sorted(each) for each in ids)
    assert set(ids[0]) < set(ids[1]) < set(ids[2])
    # The first 250 by id would be of one half.
    assert max(ids[0]) > ids[2][550]
    assert [each.id for each in again.dataset(1).images] == ids[0]
    parts = [{int(file.key) for file in part} for part in plan.increments(3)]
    assert [len(each) for each in parts] == [250, 250, 100]
    assert parts[0] == set(ids[0])
    assert parts[0] | parts[1] == set(ids[1])
