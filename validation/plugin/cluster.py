"""A session with ``--cluster``: workers run its files on all images before the checks begin."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from validation.checks.cluster_runs import ClusterWork, work_for_cluster
from validation.cluster.address import CLUSTER_FLAG, IMAGES_FLAG, ClusterAddress
from validation.cluster.extra import require_extra
from validation.cluster.images import ImagePlaces
from validation.cluster.kept_pieces import kept_pieces
from validation.cluster.pieces import ClusterImages, ClusterRun
from validation.cluster.session import ClusterSession, cluster_session
from validation.errors import UsageError, ValidationError
from validation.files.terminal import printable
from validation.isolation.apart import call_apart
from validation.pieces.store import PieceStore
from validation.plugin.command_line import workers_of
from validation.plugin.latency_table import runs_suites
from validation.plugin.memory_needs import budget_of
from validation.plugin.processes import item_of
from validation.plugin.state import STATE, is_isolated
from validation.plugin.waiting import WAITING
from validation.policy.process_limits import limits_of
from validation.preprocess.image import ImageFile
from validation.record.cluster_use import ClusterUse
from validation.record.formatting import plural
from validation.record.types import ModelKey
from validation.workspace.cluster_conversions import convert_on_cluster
from validation.workspace.context import image_files
from validation.workspace.products import image_sha256
from validation.workspace.session import Session

_RECORDER = "validation-recorder"
_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse what does not go together before anything is read."""
    option = session.config.getoption
    if not runs_suites(session.config):
        return
    with _as_wrong_use():
        if option(IMAGES_FLAG) and not option(CLUSTER_FLAG):
            raise UsageError(f"{IMAGES_FLAG} is of a cluster", next_step=f"add {CLUSTER_FLAG}")
        if option(CLUSTER_FLAG) is None:
            return
        for flag, given in (
            ("-n", workers_of(session.config)),
            ("--shard", option("--shard")),
            ("--pieces", option("--pieces")),
            ("--until-decided", option("--until-decided")),
        ):
            if given:
                raise UsageError(
                    f"{CLUSTER_FLAG} does not go with {flag}",
                    next_step="leave one of them out",
                )
        require_extra()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the cluster make the pieces of all runs, before the checks' own processes start."""
    config = session.config
    address = config.getoption(CLUSTER_FLAG)
    if address is None or STATE not in config.stash or config.option.collectonly:
        return
    wanted = {item[1] for each in session.items if (item := item_of(each)) is not None}
    keys = [key for key in config.stash[STATE].keys if key in wanted]
    if not keys:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    with (
        _as_wrong_use(),
        capture.global_and_fixture_disabled() if capture else contextlib.nullcontext(),
    ):
        use = _made(config, address, keys)
    recorder = config.pluginmanager.get_plugin(_RECORDER)
    if use is not None and recorder is not None:
        recorder.write(use)


def _made(
    config: pytest.Config, address: ClusterAddress, keys: Sequence[ModelKey]
) -> ClusterUse | None:
    state, say = config.stash[STATE], config.stash[WAITING].say
    images = image_files(state.dataset, state.canaries)
    if not images:
        return None
    of_cluster = _images(config, images)
    with cluster_session(address, state.policy, say) as session:
        workers = plural(len(session.connection.workers), "worker")
        say(f"cluster {address.text}: {workers}, preparing {plural(len(keys), 'file')}")
        runs = _runs(config, state, keys, session, of_cluster)
        folder = kept_pieces(state.cache_dir, runs, of_cluster.hashes)
        config.stash[_FOLDER] = folder
        # The checks, in whichever process, find the pieces there.
        state.pieces = (folder,)
        say(
            f"cluster {address.text}: {workers}, "
            f"{plural(len(runs), 'run')} of {plural(len(images), 'image')}"
        )
        session.make_pieces(runs, of_cluster, PieceStore((folder,)), f"cluster {address.text}")
        return session.use(config.getoption(IMAGES_FLAG) or "")


def _runs(
    config: pytest.Config,
    state: Session,
    keys: Sequence[ModelKey],
    session: ClusterSession,
    images: ClusterImages,
) -> Sequence[ClusterRun]:
    """The runs of some subjects; the workers convert the files that are not there yet."""
    work = _work(config, state, keys)
    if not work.conversions:
        return work.runs
    say = config.stash[WAITING].say
    say(f"cluster: converting {plural(len(work.conversions), 'file')}")
    needs = budget_of(state).needs
    state.steps += convert_on_cluster(
        work.conversions, session, images.places, needs, state.cache_dir / "work", say
    )
    return _work(config, state, keys).runs


def _work(config: pytest.Config, state: Session, keys: Sequence[ModelKey]) -> ClusterWork:
    """Where native code is run apart from this process, graphs are exported apart from it too."""
    find = partial(work_for_cluster, state.for_another_process(), tuple(keys))
    found = (
        call_apart(find, limits_of(state.policy), work="preparing the files for the cluster")
        if is_isolated(config)
        else find()
    )
    state.steps += found.steps
    return found


def _images(config: pytest.Config, images: Sequence[ImageFile]) -> ClusterImages:
    hashes = {image.key: image_sha256(image) for image in images}
    option = config.getoption
    places = ImagePlaces.of(images, option("--coco-images"), option(IMAGES_FLAG))
    return ClusterImages(images, hashes, places)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The pieces of a run that has ended are in its evidence; those of another one are kept."""
    folder = session.config.stash.get(_FOLDER, None)
    if folder is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _as_wrong_use() -> Iterator[None]:
    """An error of the harness ends the session in one line, whatever has been done until then."""
    try:
        yield
    except ValidationError as error:
        raise pytest.UsageError(printable(error.with_next_step())) from error
