"""Checks in child processes: what a session starts, and that nothing ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.plugin import memory_needs, processes
from validation.signoff.exit_codes import UNKNOWN

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_SUPPORT = Path(__file__).parents[1] / "support"
_LITTLE_EVIDENCE = _SUPPORT / "little_evidence.toml"
_QUICK = """
[setting.process_image_seconds]
value = 20
reason = "a miniature takes a hundredth of a second, on a loaded machine more"

[setting.process_memory_gib]
value = 2
reason = "a miniature takes half of it"
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How each pool was started; none is, so that checks fail."""
    made: list[dict[str, Any]] = []

    def pool(_: object, ahead: Sequence[Any], **how: Any) -> Any:
        made.append({**how, "ahead": list(ahead)})
        raise pytest.UsageError("started")

    monkeypatch.setattr(processes, "CheckPool", pool)
    monkeypatch.setattr(processes, "default_threads", lambda: 2)
    return made


@pytest.mark.parametrize(
    ("fits", "options", "workers"),
    [
        (True, (), 2),
        (False, (), 1),
        (True, ("--one-process",), 1),
        (True, ("-k", "holds_what and float"), 1),
    ],
)
def test_two_children_where_two_models_fit(
    fits: bool,
    options: tuple[str, ...],
    workers: int,
    started: list[dict[str, Any]],
    session: Any,
    miniature: MiniatureFiles,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a folder too; what needs a quiet machine waits."""
    monkeypatch.setattr(memory_needs, "available_bytes", lambda: 10**11 if fits else 10**9)
    session.run_with_children(
        *("--zoo", miniature.zoo, "--variant", "float", "--variant", "raw"), *options
    )
    (how,) = started
    assert how["workers"] == workers
    assert "latency" not in {check for check, _ in how["ahead"]}


@pytest.mark.parametrize("option", ["--no-isolation", "--pdb", "--trace", "--collect-only"])
def test_no_child_where_none_is_wanted(
    option: str, started: list[dict[str, Any]], session: Any, miniature: MiniatureFiles
) -> None:
    """A debugger has to be where the check is."""
    session.run_with_children("--zoo", miniature.zoo, "-k", "no_such_test", option)
    assert started == []


@pytest.fixture
def planted(session: Any, over_miniature: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the suites in processes with a fault in the files of one variant."""
    policy = session.path / "quick.toml"
    policy.write_text(_LITTLE_EVIDENCE.read_text() + _QUICK)
    monkeypatch.setenv("PYTHONPATH", f"{_SUPPORT}:{_SUPPORT.parents[1]}")

    def run(how: str, part: str, *options: object) -> pytest.RunResult:
        monkeypatch.setenv("PLANTED", f"{how} file {part}")
        monkeypatch.setenv("PLANTED_MEGABYTES", "3000")
        return over_miniature("-p", "planted_faults", f"--policy={policy}", *options, apart=True)

    return run


@pytest.mark.parametrize(
    ("how", "options", "said"),
    [
        ("abort", (), "signal 6 (SIGABRT)"),
        ("segv", ("-n", "2"), "signal 11 (SIGSEGV)"),
        ("loop", ("--one-process",), "no sign of life for 20 s"),
        ("memory", (), "GiB of memory"),
    ],
)
def test_crash_is_a_result_and_the_session_goes_on(
    how: str, options: tuple[str, ...], said: str, planted: Run, session: Any
) -> None:
    """It fails by name, what does not run the file is judged, and record and page are whole."""
    result = planted(how, "mini-float.tflite", *options)
    assert result.ret == 1
    checks = session.checks()
    failed = {each for each, line in checks.items() if line["status"] == "fail"}
    assert {variant for _, variant in failed} == {"float"}
    assert ("end_to_end_parity", "float") in failed
    assert checks["raw_parity", "raw"]["status"] == "pass"
    crashes = [line["error"]["crash"] for line in checks.values() if line["error"]]
    assert all(each["file"] == "mini-float.tflite" for each in crashes)
    text = result.stdout.str()
    assert said in text
    assert "mini-float" in text
    kept = {each["kept"] for each in crashes}
    # Tried once, by whichever child came first: every other check says so.
    assert len(kept) == 1
    (run,) = session.reports.glob("20*")
    assert (run / kept.pop() / "mini-float.tflite").is_file()
    assert said in session.page()
    assert session.lines()[-1]["kind"] == "footer"


def test_verdict_is_that_of_one_process(session: Any, miniature: MiniatureFiles) -> None:
    """Over an empty cache: every product once, in whichever process, and each check once."""
    result = session.run_apart(
        *("--zoo", miniature.zoo, "--cache-dir", session.path / "cache"),
        *("--variant", "float", "--variant", "raw"),
        *("--coco-annotations", miniature.annotations, "--coco-images", miniature.images),
    )
    # A miniature has too little evidence for another verdict.
    assert result.ret == UNKNOWN
    steps = [line for line in session.lines() if line["kind"] == "step"]
    made = [line["step"] for line in steps if not line["cached"]]
    assert {"export", "convert float", "convert raw"} <= set(made)
    products = [step for step in made if step.split()[0] in ("export", "convert", "run", "score")]
    assert len(products) == len(set(products))
    assert all(line["seconds"] > 0 for line in session.checks().values())
