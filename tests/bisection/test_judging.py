"""What an exit code says, and which command is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from validation.bisection.environment import Environment
from validation.bisection.judging import (
    Verdict,
    answer_of,
    command_line,
    judged,
    require_usable,
)
from validation.bisection.search import Answer
from validation.errors import ProcessEnded, UsageError


@pytest.mark.parametrize(
    ("command", "code", "answer"),
    [
        ("run", 0, Answer.GOOD),
        ("run", 1, Answer.BAD),
        ("judge", 10, Answer.SKIP),
        *(("judge", code, None) for code in (2, 3, 4, 5, 125, 127, -9)),
        ("./run", 0, Answer.GOOD),
        ("./run", 125, Answer.SKIP),
        *(("./run", code, Answer.BAD) for code in (1, 2, 10, 124, 126, 127)),
        *(("./run", code, None) for code in (128, 130, 255, -2)),
    ],
)
def test_exit_codes(command: str, code: int, answer: Answer | None) -> None:
    """Those of the harness say what its verdict was; all others are read as git reads them."""
    assert answer_of(command, code) is answer


def test_pages_of_runs_lie_in_the_folder_of_the_search(tmp_path: Path) -> None:
    """Unless another one is named, in either spelling."""
    environment = Environment(tmp_path)
    start = [str(tmp_path / "bin" / "python"), "-P", "-m", "validation"]
    words = ["run", "--model", "m"]
    assert command_line(words, environment, Path("runs")) == [
        *start, *words, "--report-dir", "runs",
    ]  # fmt: skip
    for named in (["--report-dir", "x"], ["--report_dir=x"]):
        words = ["judge", "a.tflite", *named]
        assert command_line(words, environment, Path("runs")) == [*start, *words]


def test_programs_of_the_environment_come_first(tmp_path: Path) -> None:
    """A python that judges is the one with the version."""
    own = tmp_path / "bin" / "python"
    own.parent.mkdir()
    own.symlink_to("/bin/true")
    command = command_line(["python", "check.py"], Environment(tmp_path), Path("runs"))
    assert command == [str(own), "check.py"]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """With nothing in it."""
    (tmp_path / "bin").mkdir()
    return Environment(tmp_path)


def _judged(words: list[str], environment: Environment) -> Verdict:
    with (environment.folder / "a.log").open("w+b") as log:
        return judged(words, environment, Path("runs"), log)


def test_a_script_that_cannot_be_started_is_called_by_its_name(environment: Environment) -> None:
    """And not taken for a log that cannot be written."""
    script = environment.folder / "check"
    script.write_text("exit 0\n")
    script.chmod(0o755)
    with pytest.raises(UsageError, match=r"cannot be started \(.*check\): got Exec format error"):
        _judged([str(script)], environment)


def test_a_signal_without_a_name_is_said(environment: Environment) -> None:
    """By its number."""
    with pytest.raises(ProcessEnded, match=r"ended by signal 40 \(unknown\)"):
        _judged(["sh", "-c", "kill -40 $$"], environment)


def test_what_a_program_prints_goes_to_the_log(environment: Environment) -> None:
    """However much it is, to both of its streams."""
    size = 5_000_000
    program = f"import sys; sys.stdout.write('x' * {size}); sys.stderr.write('y' * {size})"
    verdict = _judged([sys.executable, "-c", program], environment)
    assert verdict.answer is Answer.GOOD
    assert (environment.folder / "a.log").stat().st_size > 2 * size


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-program"], "there is no such program: expected run, judge with options"),
        (["run", "--no-such-option"], "`run` refuses these words: got .*--no-such-option"),
        (["run", "--model", "nothing"], "`run` refuses these words: got .*nothing"),
    ],
)
def test_wrong_use_is_refused_before_an_environment_is_made(words: list[str], said: str) -> None:
    """A mistyped option would cost minutes."""
    with pytest.raises(UsageError, match=said):
        require_usable(words)


def test_right_use_is_not() -> None:
    """Neither of the harness nor of a program."""
    require_usable(["python", "-c", "pass"])
    require_usable(["run", "--model", "ssd_mobilenet_v1", "--variant", "raw"])
