"""The session that pytest's options come to, resolved once."""

from __future__ import annotations

import os
from functools import partial

import pytest

from validation.coco.dataset import Dataset
from validation.errors import UsageError
from validation.isolation.apart import call_apart
from validation.metadata.class_labels import labels_named
from validation.plugin.baseline import baseline_of
from validation.plugin.command_line import workers_of
from validation.plugin.given import (
    UNSTATED,
    Given,
    feed_of_given,
    given_to_judge,
    given_with_archives,
    require_no_archives,
)
from validation.plugin.images import session_images
from validation.plugin.joining import require_same_session, shares_of
from validation.plugin.selection import calibrates, select, with_given
from validation.plugin.session_checks import session_checks
from validation.plugin.waiting import WAITING
from validation.policy.file_limits import keep_to_policy
from validation.policy.load import Policy, load_policy
from validation.policy.process_limits import limits_of
from validation.record.formatting import plural
from validation.record.run import Stage, Step
from validation.record.shares import PIECES_FOLDER, PRODUCTS_FOLDER
from validation.runtimes.tflite import default_threads
from validation.workspace.candidates import packed_archives
from validation.workspace.groups import chosen_models
from validation.workspace.products import ProductCache, timed
from validation.workspace.reference_source import ReferenceSource, read_first, takes_tensorflow
from validation.workspace.session import Session
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.cache import default_cache_dir
from validation.zoo.lockfile import check_lock_file

STATE = pytest.StashKey[Session]()
# Options by which images are run before anything is decided.
_ELSEWHERE = ("--shard", "--pieces", "--cluster")


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
    keep_to_policy(policy)
    joined = shares_of(config)
    given = _given(config, policy, steps)
    entries = given.entries
    # Graphs that only judge given files are not converted.
    converted = entries if given.judged_by is None else ()
    with timed("", Stage.LOAD, "load labelled images", steps.append):
        images = session_images(
            policy,
            bundled=bool(entries) and all(entry.group == BUNDLED_GROUP for entry in entries),
            annotations=option("--coco-annotations"),
            box_format=option("--box-format"),
            images=option("--coco-images"),
            most=option("--max-images"),
            calibration=option("--representative-images"),
            canaries=option("--canaries"),
            calibrates=bool(converted) and calibrates(converted, option("--variant") or ()),
            cache=option("--cache-dir"),
        )
    calibrating = images.representative
    keys = (
        select(converted, option("--variant") or (), representative=calibrating is not None)
        if converted
        else ()
    )
    keys = with_given(keys, given.candidates)
    if option("--until-decided"):
        require_looks(config, images.dataset, given.judged_by)
    if lock_file is not None:
        check_lock_file(lock_file)
    session = Session(
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
        input_stats=option("--input-stats") if given.judged_by is None else None,
        feed=feed_of_given(option("--feed"), option("--input-stats"), given),
        candidates=given.candidates,
        judged_by=given.judged_by,
        baseline=baseline_of(config),
        pieces=tuple(each.folder / PIECES_FOLDER for each in joined),
        products=tuple(each.folder / PRODUCTS_FOLDER for each in joined),
        share=option("--shard"),
        notes=given.notes,
        steps=steps,
    )
    if joined:
        require_same_session(session, joined)
    return session


def require_looks(
    config: pytest.Config, dataset: Dataset | None, judged_by: ReferenceSource | None
) -> None:
    """There is something to look at, and one process to do it.

    Raises:
        UsageError: Another option or a lack of one leaves nothing to decide by looks.
    """
    next_step = ""
    if dataset is None:
        got, next_step = "no labelled images", "name them with --coco-annotations"
    elif judged_by is not None and judged_by.path is None:
        got, next_step = "no reference, so that no figure has an interval", "name a reference"
    elif workers_of(config):
        got, next_step = "several sessions side by side (-n)", "leave -n out"
    elif elsewhere := [each for each in _ELSEWHERE if config.getoption(each, None)]:
        got = f"{elsewhere[0]}, which runs all images elsewhere"
        next_step = f"leave {elsewhere[0]} or --until-decided out"
    if next_step:
        raise UsageError(
            "--until-decided looks at more and more labelled images until files are decided",
            expected="labelled images, a reference, and one session that decides",
            got=got,
            next_step=next_step,
        )


def is_isolated(config: pytest.Config) -> bool:
    """True where native code runs in child processes; a debugger has to be in that of the test."""
    return not (config.option.no_isolation or config.option.usepdb or config.option.trace)


def _given(config: pytest.Config, policy: Policy, steps: list[Step]) -> Given:
    option = config.getoption
    paths = [path for each in option("--candidate") or () for path in each]
    cache_dir = option("--cache-dir") or default_cache_dir()
    if option("--reference") != UNSTATED:
        require_no_archives(option("--zoo"))
        work = ProductCache(cache_dir / "work", steps.append)
        reference = option("--reference")
        if paths and is_isolated(config) and takes_tensorflow(reference):
            read = partial(read_first, reference, paths[0].resolve().stem, cache_dir, policy)
            limits = limits_of(policy)
            steps += call_apart(read, limits, work=f"reading {reference.name}")
        return given_to_judge(paths, reference, work)
    entries = chosen_models(option("--zoo"), option("--model") or ("*",))
    packed = packed_archives(entries)
    if not packed:
        return given_with_archives(paths, entries, cache_dir, steps.append)
    if not hasattr(config, "workerinput"):
        config.stash[WAITING].say(
            f"reading {plural(len(packed), 'packed archive')} for .tflite files; "
            "what is unpacked stays in the cache"
        )
    with timed("", Stage.FETCH, "look for .tflite files in packed archives", steps.append):
        return given_with_archives(paths, entries, cache_dir, steps.append)


def _image_workers() -> int:
    """The cores of this machine, shared with the other workers of pytest-xdist."""
    return max(1, default_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
