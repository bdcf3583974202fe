"""`bisect` with real environments of a tiny package: what is typed, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from planted_index import OLD_PYTHON, PROJECT, pip_variables, write_index

_PROGRAM = f"""
import sys
from validation.bisection import index, trials
from validation.bisection.families import FAMILIES, Family
from validation.cli import main
from validation.record.installed import NIGHTLY

NIGHTLY[{PROJECT!r}] = "{PROJECT}-nightly"
FAMILIES["litert"] = Family({PROJECT!r}, {PROJECT!r})
index._OTHER_PYTHONS = ("3.9",)
trials.own_requirements = lambda: ("{PROJECT}>=1",)
sys.exit(main(["bisect", "litert", *sys.argv[1:]]))
"""
_CHECK = (
    f"import sys, {PROJECT}, validation; assert 'bisect-litert' in validation.__file__; "
    f"sys.exit({PROJECT}.VALUE > 4)"
)
_MOST_SECONDS = 120


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder; beside it one for temporary files, and an index: 1.5 is the first bad."""
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    values = {f"1.{minor}": minor for minor in range(10)}
    write_index(tmp_path / "index", values, tags={"1.2": OLD_PYTHON}, needs={"1.7": "absent"})
    return tmp_path / "here"


def _variables(place: Path) -> dict[str, str]:
    url = (place.parent / "index" / "simple").as_uri()
    temporary = {"TMPDIR": str(place.parent / "temporary")}
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, **pip_variables(url), **temporary, "PYTHONPATH": path}


def _started(place: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=place,
        env=_variables(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(place: Path, *arguments: str) -> tuple[int, str, str]:
    process = _started(place, *arguments)
    out, err = process.communicate(timeout=_MOST_SECONDS)
    return process.returncode, out, err


def _left(place: Path) -> list[str]:
    return [path.name for path in (place.parent / "temporary").iterdir()]


def test_first_bad_version_is_found_in_real_environments(place: Path) -> None:
    """The program that judges is the environment's own, and nothing but logs and state is left."""
    code, out, err = _run(place, "--good", "1.1", "--", "python", "-c", _CHECK)
    lines = out.splitlines()
    assert code == 0, err
    assert lines[:2] == [f"first bad: {PROJECT} 1.5", f"last good: {PROJECT} 1.4"]
    assert "no wheel for Python" in err and "left out: 1.2" in err
    assert "no nightly builds are tried" in err
    assert lines[-1] == "reports/bisect-litert"
    folder = place / lines[-1]
    assert {path.name for path in folder.iterdir()} == {"lock", "logs", "state.json"}
    trials = json.loads((folder / "state.json").read_text())["trials"]
    # 1.1 and 1.9; then three of the seven between, 1.7 being one that cannot be installed or not.
    assert len(trials) <= 2 + 3 + 1
    for trial in trials:
        version = trial["build"]["version"]
        assert trial["installed"].get(PROJECT, version) == version
        assert f"{PROJECT}=={version}" in (folder / trial["log"]).read_text()
    assert _left(place) == []
    code, out, err = _run(place, "--good", "1.1", "--json", "--", "python", "-c", _CHECK)
    assert code == 0 and "going on with the search" in err
    assert json.loads(out)["result"]["first_bad"] == {"project": PROJECT, "version": "1.5"}
    code, _, err = _run(place, "--good", "1.3", "--", "python", "-c", _CHECK)
    assert code == 2 and "the folder holds another search" in err


def test_versions_that_cannot_be_had_leave_doubt(place: Path) -> None:
    """One for another Python, one that needs what the index has not: exit code 1."""
    check = f"import sys, {PROJECT}; sys.exit({PROJECT}.VALUE > 1)"
    code, out, err = _run(
        place, "--trust", "--good", "1.1", "--bad", "1.3", "--", "python", "-c", check
    )
    assert code == 1, err
    assert "in doubt: 1.2: no wheel for Python" in out
    assert f"not tried, as asked: {PROJECT} 1.1, {PROJECT} 1.3" in out
    for typed in ("1.5", "what"):
        words = ("--restart", "--good", "1.6", "--bad", "1.8", "--skip", typed, "--", "false")
        code, _, err = _run(place, *words)
        assert code == 2 and f"--skip names a version that is not searched: {typed}" in err
    words = ("--restart", "--good", "1.6", "--bad", "1.8", "--", "python", "-c", _CHECK)
    code, _, err = _run(place, *words)
    assert code == 1 and "error: the good version is bad (" in err
    assert "01-planted-1.6.log): got planted 1.6: exit code 1; name other versions" in err
    check = _CHECK.replace("4", "7")
    words = ("--restart", "--keep", "--good", "1.6", "--bad", "1.8", "--", "python", "-c", check)
    code, out, err = _run(place, *words)
    assert code == 1, err
    assert f"in doubt: {PROJECT} 1.7: could not be judged" in out
    assert f"skipped: {PROJECT} 1.7: cannot be installed: " in out
    kept = place / "reports" / "bisect-litert" / "environments"
    assert (kept / f"01-{PROJECT}-1.6" / "bin" / "python").exists()


def test_the_same_command_goes_on_among_nightlies(place: Path) -> None:
    """Also where it leaves out a release, which the search among nightlies does not have."""
    values = {"1.8.dev1": 4, "1.8.dev2": 5}
    write_index(place.parent / "index", values, project=f"{PROJECT}-nightly")
    words = ("--good", "1.6", "--bad", "1.8", "--skip", "1.7.0")
    check = _CHECK.replace("> 4", "in (5, 8)")
    for _ in range(2):
        code, out, err = _run(place, *words, "--", "python", "-c", check)
        assert code == 0, err
        assert out.splitlines()[:2] == [
            f"first bad: {PROJECT}-nightly 1.8.dev2",
            f"last good: {PROJECT}-nightly 1.8.dev1",
        ]


def test_an_exit_code_that_says_nothing_stops_the_search(place: Path) -> None:
    """It goes on where it was once the command is mended."""
    check = ("python", "-c", "import os; os.kill(os.getpid(), 9)")
    code, _, err = _run(place, "--good", "1.1", "--", *check)
    assert code == 1
    assert "`python` says neither good nor bad: ended by signal 9 (SIGKILL)" in err
    code, _, err = _run(place, "--restart", "--good", "1.1", "--", "no-such-program")
    assert code == 2 and "there is no such program: expected run, judge with options" in err
    assert _left(place) == []


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_search_leaves_its_state_and_nothing_else(
    place: Path, number: int, expected: int
) -> None:
    """The command is ended with it, and the environment removed."""
    # In a process group of its own, as children of `run` are.
    inner = "import os, time; os.setpgid(0, 0); print(os.getpid(), flush=True); time.sleep(99)"
    check = (
        "import subprocess, sys; "
        f"subprocess.run([sys.executable, '-c', {inner!r}], stdout=open('pid', 'w'))"
    )
    process = _started(place, "--trust", "--good", "1.1", "--", "python", "-c", check)
    deadline = time.monotonic() + _MOST_SECONDS
    while not (place / "pid").exists() or not (place / "pid").read_text():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode == expected
    assert not Path(f"/proc/{(place / 'pid').read_text()}").exists()
    assert _left(place) == []
    state = json.loads((place / "reports" / "bisect-litert" / "state.json").read_text())
    assert state["running"]["version"] and state["trials"] == []
