"""The second process: what it takes on, what it leaves, and that it ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniature_cases import MODEL, MiniatureFiles
from zoo_archives import entries_at

from validation.checks.needs import candidate_detections, tflite
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.workspace.prefetch import Item, Prefetcher, next_items
from validation.workspace.session import Session
from validation.zoo.canaries import load_canaries

_IMPORTED = ("tensorflow.compat.v1", "tensorflow.lite.python.lite", "validation.checks.needs")
pytestmark = pytest.mark.usefixtures("from_one_import")

_FLOAT, _RAW = ModelKey(MODEL, "float"), ModelKey(MODEL, "raw")


def _items(stages: list[int]) -> list[Item]:
    return [
        (f"check {stage}", ModelKey(f"m{model}", "float"))
        for stage, models in enumerate(stages)
        for model in range(models)
    ]


def test_each_stage_is_gone_through_backwards() -> None:
    """While the other stands at the beginning: from its far end, never its first item."""
    items = _items([3, 2])
    assert list(next_items(items, lambda: 0)) == [items[2], items[1], items[4], items[3]]


@given(stages=st.lists(st.integers(0, 4), max_size=4), paces=st.lists(st.integers(0, 3)))
def test_nothing_is_done_that_the_other_has_reached(stages: list[int], paces: list[int]) -> None:
    """However fast the other is: what is taken on lies ahead of it, each item once."""
    items, reached = _items(stages), [0]
    steps = iter(paces)
    taken: list[Item] = []
    for item in next_items(items, lambda: reached[0]):
        assert items.index(item) > reached[0]
        taken.append(item)
        reached[0] += next(steps, 0)
    assert len(set(taken)) == len(taken)


@pytest.fixture(scope="module")
def from_one_import() -> Iterator[None]:
    """Second processes are forked from one that has imported TensorFlow, and has not used it.

    tests/plugin has the one that a session starts, from nothing.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["validation.workspace.prefetch", *_IMPORTED])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", lambda _: context)
        yield
    # Its memory is not kept for the modules that follow.
    multiprocessing.forkserver._forkserver._stop()


@pytest.fixture
def session(miniature: MiniatureFiles, tmp_path: Path) -> Iterator[Session]:
    """Over a cache of its own, without labelled images."""
    yield Session(
        entries=tuple(entries_at(miniature.zoo)),
        keys=(_FLOAT, _RAW),
        policy=load_policy(),
        dataset=None,
        canaries=load_canaries(),
        labels=None,
        cache_dir=tmp_path / "cache",
        offline=True,
    )


def test_products_lie_ready_and_are_listed_once(session: Session) -> None:
    """Made in the other process, found in this one; its steps stand for both."""
    prefetcher = Prefetcher(session, [("first", _FLOAT), ("second", _RAW)], {"second": [tflite]})
    prefetcher._process.join()
    context = session.context(_RAW)
    context.build.tflite("raw")
    own = session.drain_steps()
    assert [step.cached for step in own if step.step == "convert raw"] == [True]
    merged = prefetcher.merged(own)
    assert [step.cached for step in merged if step.step == "convert raw"] == [False]
    assert prefetcher.merged([]) == []
    prefetcher.finish()


def test_runs_of_the_session_are_shared(session: Session) -> None:
    """A file under test is run once a session, whichever process does it."""
    needs = {"second": [candidate_detections]}
    prefetcher = Prefetcher(session, [("first", _FLOAT), ("second", _FLOAT)], needs)
    prefetcher._process.join()
    detections = session.context(_FLOAT).inference.candidate("float")
    runs = [step for step in session.drain_steps() if step.step.startswith("run float")]
    assert len(detections) == len(load_canaries())
    assert [step.cached for step in runs] == [True]
    prefetcher.finish()


def test_finish_leaves_the_rest_undone(session: Session, tmp_path: Path) -> None:
    """The machine is quiet afterwards; another finish does nothing."""
    items = [("first", _FLOAT), *[("second", _RAW)] * 50]
    prefetcher = Prefetcher(session, items, {"second": [tflite]})
    prefetcher.finish(at_once=True)
    assert not prefetcher._process.is_alive()
    prefetcher.finish()
    assert not (tmp_path / "cache" / "work" / "convert").exists()


def test_what_fails_there_is_left_to_the_session(session: Session) -> None:
    """No message and no exit: the check itself says what is wrong."""
    session.entries = ()
    prefetcher = Prefetcher(session, [("first", _FLOAT), ("second", _RAW)], {"second": [tflite]})
    prefetcher._process.join()
    assert prefetcher._process.exitcode == 0
    assert prefetcher.merged([]) == []
    prefetcher.finish()


def test_module_that_cannot_be_imported_there_costs_one_check(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others need is made all the same."""
    module = ModuleType("only_in_this_process")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("def need(context):\n    return None\n", vars(module))
    needs = {"second": [module.need], "third": [tflite]}
    items = [("first", _FLOAT), ("second", _RAW), ("third", _RAW)]
    prefetcher = Prefetcher(session, items, needs)
    prefetcher._process.join()
    assert "convert raw" in [step.step for step in prefetcher.merged([])]
    prefetcher.finish()
