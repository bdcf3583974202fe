"""How the tests run, and a miniature detector that several folders of them share."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distribution import is_slow, one_of_all_workers, rank, unit_of
from hypothesis import settings
from limited_files import LimitFiles, limit

from validation.files.limits import keep_to
from validation.workspace.memory import collect_seldom

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

pytest_plugins = ["pytester"]
# Sessions inside of tests load the plugin, which these tests import too.
pytest.register_assert_rewrite("validation.plugin")

# Who runs the tests in the background ignores these, and so would the sessions that tests start
# and interrupt.
for _each in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_each) is signal.SIG_IGN:
        signal.signal(
            _each, signal.default_int_handler if _each is signal.SIGINT else signal.SIG_DFL
        )

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("any speed", settings(), deadline=None)
settings.load_profile("any speed")

# Importing the modules under test, and the tests, leaves nothing to collect.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave the imported modules out of every later garbage collection."""
    gc.collect()
    gc.freeze()
    gc.enable()
    collect_seldom()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` does not even import what builds graphs."""
    return True if config.option.markexpr == "quick" and is_slow(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is quick; several workers start with the longest modules, and end together."""
    for item in items:
        if not is_slow(item.path):
            item.add_marker("quick")
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out modules instead of tests, unless --dist asks for something else."""
    if config.getvalue("dist") != "load":
        return None
    # pytest-xdist is there: this is its hook.
    from xdist.scheduler import LoadScopeScheduling

    class LoadModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]
        """One unit of work for each module."""

        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    config.option.loadscopereorder = False
    return LoadModuleScheduling(config, log)


@pytest.fixture
def limit_files() -> Iterator[LimitFiles]:
    """Limits of files from outside that hold in one test."""
    yield limit
    keep_to(None)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a folder once for all workers: `made_once(name, fill)`; see `one_of_all_workers`."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if own.name.startswith("popen-") else own
    return lambda name, fill: one_of_all_workers(shared / name, fill)


@pytest.fixture(scope="session")
def small_zoo(made_once: Callable[..., Path]) -> Path:
    """A folder with one whole archive, `small`, of a true architecture; not to be changed."""
    from small_ssd import write_small_archive

    return made_once("small-zoo", lambda zoo: write_small_archive(zoo / "small"))


@pytest.fixture(scope="session")
def miniature(made_once: Callable[..., Path]) -> MiniatureFiles:
    """An archive, labelled images and a filled cache; read only, but for the cache."""
    # Not at the top: most tests need neither an export nor the TensorFlow behind it.
    from miniature_cases import files_in, fill_cache, lay_out

    return files_in(made_once("miniature", lambda folder: fill_cache(lay_out(folder))))
