"""`validation run`: pytest on the suites from any folder, by the package's own settings."""

from __future__ import annotations

import fnmatch
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from warm_process import WarmProcess

from validation.cli import main
from validation.signoff.exit_codes import UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

    from miniature_cases import MiniatureFiles

Run = Callable[..., pytest.RunResult]

# Of the folder that a run is started in: reading them fails.
_FOREIGN = {
    "pytest.ini": "[pytest]\naddopts = --no-such-option\n",
    "conftest.py": "raise SystemExit('not this one')\n",
}
_WARNING_PLUGIN = """
import warnings

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    warnings.warn("a dependency will change", DeprecationWarning)
    return (yield)
"""


# pytest, and what is imported in every run of it.
_IMPORTED = ("validation.cli.run", "pytest", "xdist.plugin", "hypothesis", "numpy", "PIL.Image")
# Of plugins that are imported before pytest could rewrite them, which is so only here.
_EXPECTED_WARNING = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


@pytest.fixture(scope="module")
def with_pytest() -> Iterator[WarmProcess]:
    """Has imported pytest; nothing of TensorFlow, which these runs do not need."""
    with WarmProcess(*_IMPORTED) as process:
        yield process


@pytest.fixture
def run(
    with_pytest: WarmProcess,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    miniature: MiniatureFiles,
    tmp_path: Path,
) -> Run:
    """`python -m validation run` over the miniature, in a folder with settings of its own.

    Forked from a process with pytest, or started anew as a user does.
    """
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    for name, text in _FOREIGN.items():
        (pytester.path / name).write_text(text)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    models = ("--zoo", miniature.zoo, "--cache-dir", miniature.cache, "--variant", "raw")

    def run(*arguments: object, anew: bool = False) -> pytest.RunResult:
        if anew:
            return pytester.run(sys.executable, "-m", "validation", "run", *models, *arguments)
        command = ["python", "-m", "validation", "run", *_EXPECTED_WARNING]
        command += map(str, (*models, *arguments))
        start = time.monotonic()
        ended = with_pytest.run(command, pytester.path)
        seconds = time.monotonic() - start
        out, err = (text.decode().splitlines() for text in (ended.out, ended.err))
        return pytest.RunResult(ended.code, out, err, seconds)

    return run


def test_a_run_writes_its_report_where_it_is_started(run: Run, pytester: pytest.Pytester) -> None:
    """With a record below reports/, and nothing else in the folder; -k leaves it UNKNOWN."""
    result = run("-k", "archive_holds or tflite_file", anew=True)
    assert result.ret == UNKNOWN
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["configfile: *plugin/pytest.ini", "report: reports/*/index.html"])
    # Keras keeps its settings in the home folder, which is this one here.
    made = {path.name for path in pytester.path.iterdir()} - {"stdout", "stderr", ".keras"}
    assert made == {*_FOREIGN, "reports"}


def test_a_warning_of_a_dependency_is_listed_and_turns_nothing_red(
    run: Run, pytester: pytest.Pytester
) -> None:
    """A release that will break next year is no reason to refuse a model today."""
    (pytester.path / "warning_plugin.py").write_text(_WARNING_PLUGIN)
    result = run("-k", "archive_holds", "-p", "warning_plugin")
    assert result.ret == UNKNOWN
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*= warnings summary =*", "*DeprecationWarning: a dependency will change"]
    )


def test_nothing_done_has_the_exit_code_of_pytest(run: Run) -> None:
    """Nothing to check is no success, and neither is wrong use."""
    assert run("-k", "no_such_check").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert run("--max-images", "0").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--max-images", "0"], "argument --max-images: must be 1 or more, got 0; `*run --help` *"),
        (["--max_images", "0"], "argument --max-images: must be 1 or more, got 0; `*run --help` *"),
        (["--input-stats", "1"], "argument --input-stats: *; `python -m validation run --help` *"),
        (["--ofline"], "unrecognized arguments: --ofline; did you mean '--offline'?; `*--help` *"),
        (["--zoo", "##[error]x"], r"no group and no folder '##\u005berror]x' *"),
        (["--zoo", "nope"], "no group and no folder 'nope' *synthetic*did you mean *"),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: list[str], line: str) -> None:
    """As of every other command, and it ends with what to do next; the exit code is pytest's."""
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.outlines == []
    (printed,) = result.errlines
    assert fnmatch.fnmatchcase(printed, f"error: {line}")


def test_workers(run: Run) -> None:
    """-n reaches pytest-xdist, and the workers find the same suites and options."""
    result = run("-k", "archive_holds or tflite_file", "-n", "2")
    assert result.ret == UNKNOWN
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["report: reports/*/index.html"])


def test_a_folder_of_models_is_not_taken_for_suites(run: Run, miniature: MiniatureFiles) -> None:
    """Without --zoo, the bundled models would be judged in place of those."""
    result = run(miniature.zoo)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"error: no suites: * name it with --zoo {miniature.zoo}"])


def test_help_lists_the_options_of_the_harness(capsys: pytest.CaptureFixture[str]) -> None:
    """The harness's own, each with its default, without pytest's hundreds of lines."""
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert {"--zoo", "--variant", "--report-dir"} <= set(re.findall(r"^  (--[\w-]+)", text, re.M))
    assert "every option of pytest" in text
    assert len(text.splitlines()) < 100
