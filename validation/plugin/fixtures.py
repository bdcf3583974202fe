"""The fixtures that suites take: case, record, stopwatch."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from typing import NoReturn

import pytest

from validation.errors import UsageError, ValidationError
from validation.plugin.second_process import PREFETCHER
from validation.plugin.state import session_state
from validation.policy.limits import Status
from validation.record.formatting import describe_measure
from validation.record.lines import Entry
from validation.record.types import CheckResult, ModelKey
from validation.timing.latency import Stopwatch
from validation.workspace.context import CheckContext
from validation.workspace.memory import without_pools

ENTRIES = pytest.StashKey[list[Entry]]()
# Which test records a check of a case; a record holds each result once.
_OWNERS = pytest.StashKey[dict[tuple[str, ModelKey], str]]()

# Suites run in the order of the chain, whatever their files are called: what a check
# needs has then been timed under its own name.
CHECK_ORDER = (
    "archive",
    "export_contract",
    "fake_quant_lint",
    "tflite_contract",
    "guide",
    "route_parity",
    "raw_parity",
    "postprocess_parity",
    "quantisation",
    "end_to_end_parity",
    "canaries",
    "accuracy",
    "latency",
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that ties a test to its check."""
    config.addinivalue_line(
        "markers",
        "check(name, variants='*', first_only=False): the check that this test records, and for "
        "which variants: a pattern or several; of each variant the first model only, where it "
        "speaks of the tools and not of the model",
    )
    # A latency test that fails before it measures has already said why.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used at all")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Bad options end the session in one line, before anything is collected."""
    if _runs_suites(session.config):
        without_pools()
        try:
            session_state(session.config)
        except ValidationError as error:
            raise pytest.UsageError(error.with_next_step()) from error


def _runs_suites(config: pytest.Config) -> bool:
    suites = config.rootpath / "suites"
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path == suites or suites in path.parents or path in suites.parents:
            return True
    return False


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each model and variant that the check speaks about."""
    marker = metafunc.definition.get_closest_marker("check")
    takes_case = "context" in metafunc.fixturenames
    if marker is None and not takes_case:
        return
    if marker is None or len(marker.args) != 1:
        _refuse(metafunc, "takes a context but names no check: add @pytest.mark.check(name)")
    if not takes_case:
        _refuse(metafunc, "names a check but takes no context: add the fixture `context`")
    told = marker.kwargs.get("variants", "*")
    patterns = (told,) if isinstance(told, str) else told
    keys = [
        key
        for key in session_state(metafunc.config).keys
        if any(fnmatch.fnmatchcase(key.variant, pattern) for pattern in patterns)
    ]
    if marker.kwargs.get("first_only"):
        keys = list({key.variant: key for key in reversed(keys)}.values())[::-1]
    owners = metafunc.config.stash.setdefault(_OWNERS, {})
    for key in keys:
        owner = owners.setdefault((marker.args[0], key), metafunc.definition.nodeid)
        if owner != metafunc.definition.nodeid:
            _refuse(metafunc, f"names the check {marker.args[0]!r}, which {owner} records")
    metafunc.parametrize("context", keys, ids=str, indirect=True)


def _refuse(metafunc: pytest.Metafunc, why: str) -> NoReturn:
    # Collector.CollectError is shown as its text alone, and ends the session.
    raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid} {why}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the suites by the chain, models together; leave out what speaks of no case."""
    # pytest keeps a test without parameters as a skip, which would look like a gap.
    without = [item for item in items if not _has_case(item)]
    if without:
        items[:] = [item for item in items if _has_case(item)]
        config.hook.pytest_deselected(items=without)

    def place(item: pytest.Item) -> int:
        marker = item.get_closest_marker("check")
        name = marker.args[0] if marker else ""
        return CHECK_ORDER.index(name) if name in CHECK_ORDER else len(CHECK_ORDER)

    items.sort(key=place)


def _has_case(item: pytest.Item) -> bool:
    if item.get_closest_marker("check") is None or not isinstance(item, pytest.Function):
        return True
    return isinstance(item.callspec.params.get("context"), ModelKey)


@pytest.fixture
def context(request: pytest.FixtureRequest) -> CheckContext:
    """The model and variant under test."""
    key: ModelKey = request.param
    return session_state(request.config).context(key)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[Sequence[Entry]], None]:
    """Keep entries for the record, and let the test end as they say."""

    def keep(entries: Sequence[Entry]) -> None:
        kept = request.node.stash.setdefault(ENTRIES, [])
        _refuse_foreign(request.node, [*kept, *entries])
        kept.extend(entries)
        for entry in entries:
            if isinstance(entry, CheckResult):
                _end_as(entry)

    return keep


def _refuse_foreign(item: pytest.Function, entries: Sequence[Entry]) -> None:
    """A test speaks once, for its own check and case: nothing else may be in its record."""
    marker = item.get_closest_marker("check")
    own = (marker.args[0], item.callspec.params["context"]) if marker else None
    found = [(each.check, each.key) for each in entries if isinstance(each, CheckResult)]
    if found not in ([], [own]):
        raise UsageError(
            "a test records other results than its own",
            expected="at most one, of its check and case",
            got=", ".join(f"{check} of {key}" for check, key in found),
            where=item.nodeid,
        )


def _end_as(result: CheckResult) -> None:
    __tracebackhide__ = True
    if result.status is Status.FAIL:
        pytest.fail(_told(result), pytrace=False)
    if result.status is Status.UNKNOWN:
        pytest.skip(f"UNKNOWN: {result.message}")


def _told(result: CheckResult) -> str:
    broken = [
        f"  {describe_measure(measure)} ({measure.limit.reason})"
        for measure in result.measures
        if measure.limit is not None and measure.status is Status.FAIL
    ]
    place = f" at {result.where}" if result.where else ""
    return "\n".join([f"{result.key}: {result.check} failed{place}. {result.message}", *broken])


@pytest.fixture
def stopwatch(request: pytest.FixtureRequest) -> Stopwatch | None:
    """pytest-benchmark's stopwatch; None where other work would disturb it."""
    if hasattr(request.config, "workerinput"):
        return None
    prefetcher = request.config.stash.get(PREFETCHER, None)
    if prefetcher is not None:
        prefetcher.finish()
    watch = request.getfixturevalue("benchmark")
    return None if watch.disabled else watch
