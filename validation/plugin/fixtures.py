"""The fixtures that suites take: context, run_check, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

import pytest

from validation.checks.check import Check
from validation.checks.child import NotThere
from validation.checks.running import run_row
from validation.errors import UsageError, ValidationError
from validation.files.terminal import printable, printable_lines
from validation.plugin import hookspecs
from validation.plugin.latency_table import measures_latency, runs_suites
from validation.plugin.places import places_tried
from validation.plugin.processes import POOL
from validation.plugin.run_folder import run_folder
from validation.plugin.session_checks import check_of, session_checks
from validation.plugin.short_summary import diagnoses_among
from validation.plugin.state import session_state
from validation.plugin.waiting import WAITING
from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import diagnosis_lines
from validation.record.formatting import describe_measure
from validation.record.lines import Entry
from validation.record.run import Artefact, Evidence
from validation.record.stopped import with_diagnosis
from validation.record.types import Accuracy, CheckResult, ModelKey, Timing
from validation.timing.sampling import Stopwatch
from validation.workspace.context import CheckContext, FoundSoFar
from validation.workspace.memory import collect_seldom, without_pools
from validation.zoo.locks import set_waiting

ENTRIES = pytest.StashKey[list[Entry]]()
# What tests have left, where a later one compares it.
_FOUND = pytest.StashKey[dict[ModelKey, list[Entry]]]()
_COMPARED = (CheckResult, Timing, Accuracy, Artefact, Evidence)
# Which test records a check of a subject; a record holds each result once.
_OWNERS = pytest.StashKey[dict[tuple[str, ModelKey], str]]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other plugins add checks."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that ties a test to its check."""
    config.addinivalue_line(
        "markers",
        "check(name): the check that this test records; its row in the table of checks says for "
        "which variants",
    )
    # A latency test that fails before it measures has already said why.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used at all")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Bad options end the session in one line, before anything is collected."""
    if runs_suites(session.config):
        without_pools()
        collect_seldom()
        try:
            with places_tried(session.config):
                session_checks(session.config)
                say = session.config.stash[WAITING].say
                set_waiting(None, say)
                set_waiting(session_state(session.config).policy, say)
        except ValidationError as error:
            raise pytest.UsageError(printable(with_diagnosis(error))) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each model and variant that the check speaks about."""
    marker = metafunc.definition.get_closest_marker("check")
    takes_context = "context" in metafunc.fixturenames
    if marker is None and not takes_context:
        return
    if marker is None or len(marker.args) != 1:
        _refuse(metafunc, "takes a context but names no check: add @pytest.mark.check(name)")
    if not takes_context:
        _refuse(metafunc, "names a check but takes no context: add the fixture `context`")
    if marker.kwargs:
        _refuse(metafunc, f"gives {', '.join(marker.kwargs)}, which belongs in the check's row")
    checks = session_checks(metafunc.config)
    (name,) = marker.args
    if name not in checks:
        _refuse(metafunc, f"names the check {name!r}, which is none of {', '.join(checks)}")
    check = checks[name]
    state = session_state(metafunc.config)
    compared = not check.compares or state.baseline is not None
    keys = [key for key in state.keys if compared and check.covers(key)]
    if check.first_only:
        keys = list({(key.variant, key.file): key for key in reversed(keys)}.values())[::-1]
    owners = metafunc.config.stash.setdefault(_OWNERS, {})
    for key in keys:
        owner = owners.setdefault((name, key), metafunc.definition.nodeid)
        if owner != metafunc.definition.nodeid:
            _refuse(metafunc, f"names the check {name!r}, which {owner} records")
    metafunc.parametrize("context", keys, ids=str, indirect=True)


def _refuse(metafunc: pytest.Metafunc, why: str) -> NoReturn:
    # Collector.CollectError is shown as its text alone, and ends the session.
    raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid} {why}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the suites by the table of checks, models together; leave out what has no subject."""
    # pytest keeps a test without parameters as a skip, which would look like a gap.
    without = [item for item in items if not _has_subject(item)]
    if without:
        items[:] = [item for item in items if _has_subject(item)]
        # What compares is no gap in a session that is compared with nothing.
        config.hook.pytest_deselected(items=[each for each in without if not _compares(each)])
    checks = [check_of(item) for item in items]
    if any(checks):
        order = list(session_checks(config).values())
        items.sort(key=lambda item: order.index(check) if (check := check_of(item)) else len(order))


def _compares(item: pytest.Item) -> bool:
    check = check_of(item)
    return check is not None and check.compares


def _has_subject(item: pytest.Item) -> bool:
    if item.get_closest_marker("check") is None or not isinstance(item, pytest.Function):
        return True
    return isinstance(item.callspec.params.get("context"), ModelKey)


@pytest.fixture
def context(request: pytest.FixtureRequest) -> CheckContext:
    """The model and variant under test."""
    key: ModelKey = request.param
    return session_state(request.config).context(key)


@pytest.fixture
def run_check(request: pytest.FixtureRequest) -> Callable[[CheckContext], list[Entry]]:
    """The check that the test's marker names; its result carries the wall time that it took."""
    check = check_of(request.node)
    if check is None:
        raise UsageError("a test runs a check but names none", where=request.node.nodeid)
    pool = request.config.stash.get(POOL, None)

    def run(context: CheckContext) -> list[Entry]:
        if check.compares:
            context = replace(context, found=found_so_far(request.config, context.key))
        if pool is None:
            return run_row(check, replace(context, stopwatch=_stopwatch(request, check)))
        if not check.quiet:
            try:
                entries = pool.entries((check.name, context.key))
            finally:
                request.config.stash[WAITING].clear()
            return run_row(check, context) if isinstance(entries, NotThere) else entries
        # What ends a process ends a child that makes the file and runs it, before this one does.
        try:
            pool.prepare((check.name, context.key))
        finally:
            request.config.stash[WAITING].clear()
        return run_row(check, replace(context, stopwatch=_stopwatch(request, check)))

    return run


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[Sequence[Entry]], None]:
    """Keep entries for the record, and let the test end as they say."""

    def keep(entries: Sequence[Entry]) -> None:
        kept = request.node.stash.setdefault(ENTRIES, [])
        _refuse_foreign(request.node, [*kept, *entries])
        kept.extend(entries)
        for entry in entries:
            if isinstance(entry, CheckResult):
                _end_as(entry, diagnoses_among(kept))

    return keep


def keep_found(config: pytest.Config, entries: Sequence[Entry]) -> None:
    """Remember what a test has left, in a session that is compared with a baseline."""
    if session_state(config).baseline is None:
        return
    found = config.stash.setdefault(_FOUND, {})
    for entry in entries:
        if isinstance(entry, _COMPARED):
            found.setdefault(entry.key, []).append(entry)


def found_so_far(config: pytest.Config, key: ModelKey) -> FoundSoFar:
    """What the tests of a subject have left until now."""
    found = config.stash.get(_FOUND, {})
    return FoundSoFar(tuple(found.get(key, ())), run_folder(config))


def _refuse_foreign(item: pytest.Function, entries: Sequence[Entry]) -> None:
    """A test speaks once, for its own check and subject: nothing else may be in its record."""
    marker = item.get_closest_marker("check")
    own = (marker.args[0], item.callspec.params["context"]) if marker else None
    results = [(each.check, each.key) for each in entries if isinstance(each, CheckResult)]
    if results not in ([], [own]):
        raise UsageError(
            "a test records other results than its own",
            expected="at most one, of its check and subject",
            got=", ".join(f"{check} of {key}" for check, key in results),
            where=item.nodeid,
        )


def _end_as(result: CheckResult, diagnoses: Sequence[Diagnosis]) -> None:
    __tracebackhide__ = True
    if result.status is Status.FAIL:
        pytest.fail(printable_lines(_describe_failure(result, diagnoses)), pytrace=False)
    if result.status is Status.UNKNOWN:
        pytest.skip(printable(f"UNKNOWN: {result.message}"))


def _describe_failure(result: CheckResult, diagnoses: Sequence[Diagnosis]) -> str:
    broken = [
        f"  {describe_measure(measure)} ({measure.limit.reason})"
        for measure in result.measures
        if measure.limit is not None and measure.status is Status.FAIL
    ]
    where = f" at {result.where}" if result.where else ""
    # No line begins with a name: what a CI takes for a command begins its line.
    headline = f"{result.check} of {result.key} failed{where}. {result.message}".rstrip()
    diagnosed = [f"  {line}" for line in diagnosis_lines(diagnoses, headline)]
    return "\n".join([headline, *broken, *diagnosed])


def _stopwatch(request: pytest.FixtureRequest, check: Check) -> Stopwatch | None:
    """pytest-benchmark's stopwatch; None where nothing is timed, or other work would disturb."""
    if not check.quiet or not measures_latency(request.config):
        return None
    watch = request.getfixturevalue("benchmark")
    return None if watch.disabled else watch
