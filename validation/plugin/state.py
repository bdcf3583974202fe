"""The session that pytest's options come to, resolved once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from validation.plugin.images import SessionImages, session_images
from validation.plugin.selection import select
from validation.plugin.session_checks import session_checks
from validation.policy.load import Policy, load_policy, load_user_policy
from validation.record.run import Stage, Step
from validation.runtimes.tflite import default_threads
from validation.workspace.groups import chosen_models
from validation.workspace.products import timed
from validation.workspace.session import Session
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.cache import default_cache_dir
from validation.zoo.entry import CatalogueEntry
from validation.zoo.label_map import read_label_map
from validation.zoo.lockfile import check_lock_file

STATE = pytest.StashKey[Session]()


def session_state(config: pytest.Config) -> Session:
    """The state of this session, resolved on first use.

    Raises:
        UsageError, CatalogueError, DatasetError: The options do not make a session.
    """
    if STATE not in config.stash:
        config.stash[STATE] = _resolve(config)
    return config.stash[STATE]


def _resolve(config: pytest.Config) -> Session:
    option = config.getoption
    steps: list[Step] = []
    policy = _policy(config)
    entries = chosen_models(option("--zoo"), option("--model"))
    with timed("", Stage.LOAD, "load labelled images", steps.append):
        images = _images(config, policy, entries)
    calibrating = images.representative
    keys = select(entries, option("--variant") or (), representative=calibrating is not None)
    return Session(
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


def _policy(config: pytest.Config) -> Policy:
    path: Path | None = config.getoption("--policy")
    return load_policy() if path is None else load_user_policy(path, session_checks(config))


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
