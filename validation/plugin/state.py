"""The session that pytest's options come to, resolved once."""

from __future__ import annotations

import os

import pytest

from validation.metadata.class_labels import labels_named
from validation.plugin.images import session_images
from validation.plugin.selection import calibrates, select
from validation.plugin.session_checks import session_checks
from validation.policy.load import load_policy
from validation.record.run import Stage, Step
from validation.runtimes.tflite import default_threads
from validation.workspace.groups import chosen_models
from validation.workspace.products import timed
from validation.workspace.session import Session
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.cache import default_cache_dir
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
    own_policy, lock_file, label_map = map(option, ("--policy", "--lock-file", "--label-map"))
    policy = load_policy(own_policy, session_checks(config) if own_policy else ())
    entries = chosen_models(option("--zoo"), option("--model"))
    with timed("", Stage.LOAD, "load labelled images", steps.append):
        images = session_images(
            policy,
            bundled=all(entry.group == BUNDLED_GROUP for entry in entries),
            annotations=option("--coco-annotations"),
            box_format=option("--box-format"),
            images=option("--coco-images"),
            most=option("--max-images"),
            calibration=option("--representative-images"),
            canaries=option("--canaries"),
            calibrates=calibrates(entries, option("--variant") or ()),
            cache=option("--cache-dir"),
        )
    calibrating = images.representative
    keys = select(entries, option("--variant") or (), representative=calibrating is not None)
    if lock_file is not None:
        check_lock_file(lock_file)
    return Session(
        entries=entries,
        keys=keys,
        policy=policy,
        dataset=images.dataset,
        canaries=images.canaries,
        labels=labels_named(label_map) if label_map else None,
        cache_dir=option("--cache-dir") or default_cache_dir(),
        offline=option("--offline"),
        lock_file=lock_file,
        image_workers=_image_workers(),
        representative=calibrating,
        input_stats=option("--input-stats"),
        steps=steps,
    )


def _image_workers() -> int:
    """The cores of this machine, shared with the other workers of pytest-xdist."""
    return max(1, default_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
