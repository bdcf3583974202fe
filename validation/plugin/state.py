"""What one pytest session works with, resolved from its options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from validation.chain.case import Case, image_files
from validation.chain.model import ModelChain
from validation.chain.observations import Observations
from validation.chain.representative import Representative
from validation.chain.synthetic import GROUP, synthetic_entries
from validation.chain.work import Work, timed
from validation.coco.dataset import Dataset
from validation.input_stats import InputStats
from validation.plugin.images import SessionImages, session_images
from validation.plugin.options import default_cache_dir
from validation.plugin.selection import select
from validation.policy import Policy, load_policy
from validation.records import ModelKey, Step
from validation.runtimes.tflite import default_threads
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.canaries import Canary
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import CatalogueEntry
from validation.zoo.label_map import read_label_map
from validation.zoo.lockfile import check_lock_file


@dataclass
class SessionState:
    """Selection, data and chains of a session; nothing is fetched before a test asks.

    Args:
        entries: Models under test, at least one.
        keys: Models and variants under test, models in catalogue order.
        policy: Every limit.
        dataset: Labelled images, None where there are none.
        canaries: Images with one known object.
        labels: Of --label-map, None without it.
        cache_dir: Downloads and products.
        offline: Never touch the network.
        lock_file: What trusted downloads are compared with; None takes the one in the cache.
        image_workers: Images that are run at a time; None: one for each core.
        representative: Images to calibrate with, None where there are none.
        input_stats: What a uint8 input stands for; None: each extractor's own.
    """

    entries: tuple[CatalogueEntry, ...]
    keys: tuple[ModelKey, ...]
    policy: Policy
    dataset: Dataset | None
    canaries: tuple[Canary, ...]
    labels: Mapping[int, str] | None
    cache_dir: Path
    offline: bool
    lock_file: Path | None = None
    image_workers: int | None = None
    representative: Representative | None = None
    input_stats: InputStats | None = None
    steps: list[Step] = field(default_factory=list)
    _observations: dict[str, Observations] = field(default_factory=dict)

    @cached_property
    def _work(self) -> Work:
        return Work(self.cache_dir / "work", self.steps.append)

    def case(self, key: ModelKey) -> Case:
        """The case of a key; its chain is shared by the model's variants."""
        observations = self._observations.get(key.model)
        if observations is None:
            entry = next(entry for entry in self.entries if entry.name == key.model)
            chain = ModelChain(
                entry,
                self._work,
                cache_dir=self.cache_dir,
                offline=self.offline,
                lock_file=self.lock_file,
                representative=self.representative,
                input_stats=self.input_stats,
                on_step=self.steps.append,
            )
            images = image_files(self.dataset, self.canaries)
            observations = Observations(
                chain, images, self.steps.append, workers=self.image_workers
            )
            self._observations[key.model] = observations
        return Case(
            key,
            observations.chain,
            observations,
            self.policy,
            self.dataset,
            self.canaries,
            tuple(each.variant for each in self.keys if each.model == key.model),
            self.labels,
        )

    def drain_steps(self) -> list[Step]:
        """The steps made since the last call."""
        steps, self.steps[:] = list(self.steps), []
        return steps


STATE = pytest.StashKey[SessionState]()


def session_state(config: pytest.Config) -> SessionState:
    """The state of this session, resolved on first use.

    Raises:
        UsageError, CatalogueError, DatasetError: The options do not make a session.
    """
    if STATE not in config.stash:
        config.stash[STATE] = _resolve(config)
    return config.stash[STATE]


def _resolve(config: pytest.Config) -> SessionState:
    option = config.getoption
    steps: list[Step] = []
    policy = load_policy()
    entries = _entries(option("--zoo"), option("--model"))
    with timed("", "load labelled images", steps.append):
        images = _images(config, policy, entries)
    calibrating = images.representative
    keys = select(entries, option("--variant") or (), representative=calibrating is not None)
    return SessionState(
        entries=entries,
        keys=keys,
        policy=policy,
        dataset=images.dataset,
        canaries=images.canaries,
        labels=_labels(config),
        cache_dir=option("--cache-dir") or default_cache_dir(),
        offline=option("--offline"),
        lock_file=_lock_file(config),
        image_workers=_image_workers(),
        representative=calibrating,
        input_stats=option("--input-stats"),
        steps=steps,
    )


def _entries(zoo: str, model_glob: str) -> tuple[CatalogueEntry, ...]:
    if zoo == GROUP:
        return synthetic_entries(model_glob)
    return load_catalogue().select(zoo, model_glob)


def _images(
    config: pytest.Config, policy: Policy, entries: tuple[CatalogueEntry, ...]
) -> SessionImages:
    option = config.getoption
    return session_images(
        policy,
        bundled=all(entry.group == BUNDLED_GROUP for entry in entries),
        annotations=option("--coco-annotations"),
        images=option("--coco-images"),
        most=option("--max-images"),
        calibration=option("--representative-images"),
    )


def _image_workers() -> int:
    """The cores of this machine, shared with the other workers of pytest-xdist."""
    return max(1, default_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _lock_file(config: pytest.Config) -> Path | None:
    path: Path | None = config.getoption("--lock-file")
    if path is not None:
        check_lock_file(path)
    return path


def _labels(config: pytest.Config) -> Mapping[int, str] | None:
    path = config.getoption("--label-map")
    return None if path is None else read_label_map(path)
