"""What goes wrong in a test is an entry of the record, and silence is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from validation.errors import ArtefactError
from validation.plugin import recorder
from validation.signoff.exit_codes import UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

    from miniature_cases import MiniatureFiles

Run = Callable[..., pytest.RunResult]

_TRACES = ("Traceback", "INTERNALERROR", "site-packages", "workspace/")


def _traceless(result: pytest.RunResult) -> None:
    assert [line for line in result.outlines if any(trace in line for trace in _TRACES)] == []


def test_silent_test_fails(over_miniature: Run, session: Any) -> None:
    """A test that records nothing has shown nothing, so it cannot count as passed."""
    session.suite('@pytest.mark.check("archive")\ndef test_silent(context):\n    pass\n')
    result = over_miniature("--variant", "float")
    result.assert_outcomes(failed=1)
    line = session.checks()["archive", "float"]
    assert line["status"] == "fail"
    assert line["message"] == "the test recorded no check: it cannot count as passed"


def test_evidence_without_a_judgement_is_silence(over_miniature: Run, session: Any) -> None:
    """Artefacts and figures alone judge nothing."""
    session.suite(
        "from validation.record.run import Step, Stage\n\n\n"
        '@pytest.mark.check("archive")\n'
        "def test_step(context, record):\n"
        '    record([Step("mini", Stage.LOAD, "look", 1.0, False)])\n'
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(failed=1)
    assert session.checks()["archive", "float"]["status"] == "fail"
    assert "look" in [line["step"] for line in session.lines() if line["kind"] == "step"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "def test_own(context, record):\n    record([])\n",
            "suites/test_own.py::test_own takes a context but names no check",
        ),
        (
            "@pytest.mark.check\ndef test_own(context, record):\n    record([])\n",
            "takes a context but names no check: add @pytest.mark.check(name)",
        ),
        (
            '@pytest.mark.check("archive")\ndef test_own(record):\n    record([])\n',
            "names a check but takes no context: add the fixture `context`",
        ),
        (
            '@pytest.mark.check("archive")\ndef test_own(context):\n    pass\n\n\n'
            '@pytest.mark.check("archive")\ndef test_more(context):\n    pass\n',
            "test_more names the check 'archive', which suites/test_own.py::test_own records",
        ),
        (
            '@pytest.mark.check("archives")\ndef test_own(context, record):\n    record([])\n',
            "names the check 'archives', which is none of archive, export_contract, ",
        ),
        (
            '@pytest.mark.check("archive", variants="raw")\n'
            "def test_own(context, record):\n    record([])\n",
            "gives variants, which belongs in the check's row",
        ),
    ],
)
def test_suite_that_is_not_tied_to_a_check(
    over_miniature: Run, session: Any, text: str, said: str
) -> None:
    """The slip is one line at collection; nothing runs and nothing is recorded."""
    session.suite(text)
    result = over_miniature()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert any(said in line for line in result.outlines)
    _traceless(result)
    assert not session.reports.exists()


def test_error_of_the_harness_is_one_line(
    over_miniature: Run, session: Any, miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """An archive without a graph: every test fails with the cause, and so does each check."""
    shutil.copytree(miniature.archive, tmp_path / "mini")
    (tmp_path / "mini" / "frozen_inference_graph.pb").unlink()
    result = over_miniature("--zoo", tmp_path, "--variant", "float")
    result.assert_outcomes(failed=13)
    _traceless(result)
    checks = session.checks()
    assert {line["status"] for line in checks.values()} == {"fail"}
    assert "the archive lacks frozen_inference_graph.pb" in checks["archive", "float"]["message"]
    others = {session.explanation(*key) for key in checks if key[0] != "archive"}
    assert others == {
        "ArtefactMissing: the archive has nothing to export from (mini): expected "
        "frozen_inference_graph.pb, a checkpoint with .meta or pipeline.config, or tflite_graph.pb"
    }


@pytest.mark.parametrize(
    ("check", "more", "got"),
    [
        ("latency", "", "archive of mini-raw"),
        ("archive", " * 2", "archive of mini-raw, archive of mini-raw"),
    ],
)
def test_result_that_is_not_the_tests_own(
    over_miniature: Run, session: Any, check: str, more: str, got: str
) -> None:
    """A test speaks once and for its own check; the record holds each result once."""
    session.suite(
        "from validation.checks.archive import archive\n\n\n"
        f'@pytest.mark.check("{check}")\n'
        "def test_own(context, record):\n"
        f"    record(archive(context){more})\n"
    )
    result = over_miniature("--variant", "raw")
    result.assert_outcomes(failed=1)
    _traceless(result)
    message = session.explanation(check, "raw")
    assert message.startswith("UsageError: a test records other results than its own")
    assert message.endswith(f"got {got}")


def test_crashed_worker_is_no_pass(over_miniature: Run, session: Any) -> None:
    """A worker that dies takes its results along; what others recorded is no PASS by itself."""
    session.suite(
        "import os\n\n\n"
        '@pytest.mark.check("archive")\n'
        "def test_own(context, run_check, record):\n"
        '    if context.key.variant == "raw":\n'
        "        os._exit(3)\n"
        "    record(run_check(context))\n"
    )
    result = over_miniature("-n", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert set(session.checks()) == {("archive", "float")}
    result.stdout.fnmatch_lines(["verdict: FAIL", "*mini-raw*"])


def test_offline_and_not_cached(session: Any, tmp_path: Path) -> None:
    """Nothing is fetched: each test fails with what is missing and what to do."""
    variants = ("--variant", "float", "--variant", "raw")
    cache = ("--offline", "--cache-dir", tmp_path / "cache")
    result = session.run("--zoo", "person", *cache, *variants)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    _traceless(result)
    checks = session.checks()
    assert len(checks) == 25
    failed = [line for line in checks.values() if line["status"] == "fail"]
    # What needs labelled images is UNKNOWN without them, before any model is asked for.
    assert len(failed) == 21
    for line in failed:
        assert line["error"]["kind"] == "ArtefactMissing"
        assert line["error"]["what"].startswith("ssdlite_mobilenet_v2_person is not in")
        assert line["error"]["next_step"].endswith("run once without --offline")


def test_file_that_is_not_the_catalogues(session: Any, tmp_path: Path) -> None:
    """Another file under the right name is refused before it is opened."""
    from validation.zoo.cache import source_path
    from validation.zoo.catalogue import load_catalogue

    (entry,) = load_catalogue().select("person")
    assert entry.digest is not None
    path = source_path(tmp_path, entry.digest.sha256, entry.source.filename)  # type: ignore[union-attr]
    path.parent.mkdir()
    path.write_bytes(b"\0" * entry.digest.size_bytes)
    result = session.run(
        *("--zoo", "person", "--offline", "--cache-dir", tmp_path),
        *("-k", "archive_holds", "--variant", "float"),
    )
    result.assert_outcomes(failed=1, deselected=16)
    _traceless(result)
    message = session.explanation("archive", "float")
    assert message.startswith("IntegrityError: ")
    assert entry.digest.sha256 in message


def test_fault_of_the_harness_keeps_its_trace(over_miniature: Run, session: Any) -> None:
    """An error that is not ours needs its trace; the record has it as a failure too."""
    session.suite('@pytest.mark.check("archive")\ndef test_slip(context):\n    1 / 0\n')
    result = over_miniature("--variant", "float")
    result.assert_outcomes(failed=1)
    assert any("suites/test_own.py:5: ZeroDivisionError" in line for line in result.outlines)
    message = session.explanation("archive", "float")
    assert message == "ZeroDivisionError: division by zero"


def test_failure_after_the_record(over_miniature: Run, session: Any) -> None:
    """A PASS was recorded and the test then fell over: the run is no PASS."""
    session.suite(
        '@pytest.mark.check("archive")\n'
        "def test_late(context, run_check, record):\n"
        "    record(run_check(context))\n"
        "    1 / 0\n"
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(failed=1)
    assert session.checks()["archive", "float"]["status"] == "pass"
    result.stdout.fnmatch_lines(["verdict: FAIL", "*ended with exit code 1, and no check says why"])


@pytest.mark.parametrize("error", ["1 / 0", "raise UsageError('no such thing')"])
def test_failure_in_a_fixture(over_miniature: Run, session: Any, error: str) -> None:
    """What fails before the test is recorded under the test's check."""
    session.suite(
        "from validation.errors import UsageError\n\n\n"
        f"@pytest.fixture\ndef broken():\n    {error}\n\n\n"
        '@pytest.mark.check("archive")\ndef test_own(context, broken):\n    pass\n'
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(errors=1)
    line = session.checks()["archive", "float"]
    assert line["status"] == "fail"
    said = {(line["error"]["kind"], line["error"]["what"])}
    assert said < {("ZeroDivisionError", "division by zero"), ("UsageError", "no such thing")}


def test_unknown_is_a_skip_with_its_reason(over_miniature: Run, session: Any) -> None:
    """No evidence is neither passed nor failed, and counts as not signed."""
    session.suite(
        "from validation.record.types import CheckResult\n\n\n"
        '@pytest.mark.check("archive")\n'
        "def test_own(context, record):\n"
        '    record([CheckResult.unknown("archive", context.key, "not looked at")])\n'
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * UNKNOWN: not looked at", "verdict: UNKNOWN"])


def test_verdict_fail_is_never_exit_code_0(over_miniature: Run, session: Any) -> None:
    """A suite that skips by itself has looked at nothing, which is no success."""
    session.suite(
        '@pytest.mark.check("archive")\ndef test_own(context):\n    pytest.skip("later")\n'
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["verdict: UNKNOWN", "*mini-float archive: skipped: later"])
    assert result.ret == UNKNOWN


def test_expected_failure_hides_nothing(over_miniature: Run, session: Any) -> None:
    """A mark that turns a failed test yellow does not turn the verdict."""
    session.suite(
        "from validation.record.types import CheckResult\n\n\n"
        '@pytest.mark.xfail(reason="known")\n'
        '@pytest.mark.check("archive")\n'
        "def test_own(context, record):\n"
        '    record([CheckResult.failed("archive", context.key, "broken")])\n'
    )
    result = over_miniature("--variant", "float")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["verdict: FAIL"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_collecting_alone_records_nothing(over_miniature: Run, session: Any) -> None:
    """--collect-only makes no folder and no verdict."""
    result = over_miniature("--collect-only")
    assert not session.reports.exists()
    assert not any(line.startswith("verdict:") for line in result.outlines)


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """One process begins them, as tests and notebooks do; none writes over another."""
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    folders = []
    for _ in range(3):
        folder = recorder._new_folder(tmp_path, started)
        folder.mkdir()
        folders.append(folder.name)
    name = f"2026-01-02T03-04-05Z-{os.getpid()}"
    assert folders == [name, f"{name}-2", f"{name}-3"]


def test_file_that_cannot_be_kept_fails_the_run(
    over_miniature: Run, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record names no file that the run's folder lacks; the cause is told, and no PASS."""

    def full(*_: object) -> None:
        raise ArtefactError("the disk is full", next_step="make room")

    monkeypatch.setattr(recorder, "keep_file", full)
    result = over_miniature("--variant", "float", "-k", "tflite_file")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["ArtefactError: the disk is full; make room", "verdict: FAIL"])
    assert not any("no check says why" in line for line in result.outlines)
    assert not any("INTERNALERROR" in line for line in result.outlines)
    assert [line for line in session.lines() if line["kind"] == "artefact"] == []
    assert (
        session.explanation("tflite_contract", "float")
        == "ArtefactError: the disk is full; make room"
    )
