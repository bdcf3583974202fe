"""Sessions that leave no signature: narrowed, stopped, interrupted, without evidence, or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from session_results import Run, verdict

from validation.cli import main
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.policy_files import OWN_POLICY
from validation.record.store import load_record
from validation.signoff.exit_codes import UNKNOWN
from validation.signoff.findings import Cause
from validation.signoff.rules import judge, policy_of

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("square\ndisc\nring\n", "got 3 names for 2 classes, the first 'square'"),
        ("background\nsquare\n", "fits the model's classes in two ways (labels.txt)"),
    ],
)
def test_label_map_that_does_not_fit(
    over_miniature: Run, session: Any, content: str, said: str
) -> None:
    """No check that needs names guesses them: each ends with what would fit, and none passes."""
    labels = session.path / "labels.txt"
    labels.write_text(content)
    result = over_miniature("--label-map", labels, "-k", "accuracy or canaries")
    assert verdict(result) == "FAIL"
    for key, line in session.checks().items():
        assert line["status"] == "fail"
        assert said in session.explanation(*key)
    # Once for each subject, by the first of its checks, and in the line that pytest ends with.
    diagnoses = [line for line in session.lines() if line["kind"] == "diagnosis"]
    assert [(each["variant"], each["place"], each["by"]) for each in diagnoses] == [
        ("float", "labels", "error"),
        ("raw", "labels", "error"),
    ]
    failed = [line for line in result.outlines if line.startswith("FAILED ")]
    assert len(failed) == 4
    assert sum("; diagnosis: labels: " in line for line in failed) == 2


def test_labels_that_cannot_be_read_end_the_session_with_a_diagnosis(
    over_miniature: Run, session: Any
) -> None:
    """Before any check: the message alone can say whose fault it is."""
    labels = session.path / "cut.json"
    labels.write_text('{"images": [')
    result = over_miniature("--coco-annotations", labels)
    (line,) = [line for line in result.errlines if "cannot be read as JSON" in line]
    assert "diagnosis: labels: the file is damaged or not complete: " in line
    assert line.endswith("next step: get it again and compare its size and sha256")


def test_disabled_stopwatch_gives_no_evidence(over_miniature: Run, session: Any) -> None:
    """--benchmark-disable times nothing, so latency is UNKNOWN and not a pass."""
    result = over_miniature("--benchmark-disable", "-k", "latency")
    result.assert_outcomes(skipped=2, deselected=26)
    assert session.checks()["latency", "float"]["status"] == "unknown"
    assert verdict(result) == "UNKNOWN"


def test_without_labelled_images_nothing_is_signed(over_miniature: Run, session: Any) -> None:
    """Accuracy is required and unknown: the run's verdict is UNKNOWN, with what to pass."""
    result = over_miniature(labelled=False)
    result.assert_outcomes(passed=15, skipped=10)
    assert verdict(result) == "UNKNOWN"
    assert result.ret == UNKNOWN
    accuracy = session.checks()["accuracy", "raw"]
    assert accuracy["status"] == "unknown"
    assert "pass --coco-annotations and --coco-images" in accuracy["message"]


def test_narrowed_run_is_not_signed(over_miniature: Run, session: Any) -> None:
    """-k leaves required checks out: their absence is named, and the verdict UNKNOWN."""
    result = over_miniature("-k", "archive_holds")
    result.assert_outcomes(passed=2, deselected=26)
    assert verdict(result) == "UNKNOWN"
    assert result.ret == UNKNOWN
    assert any("required, but left no result" in line for line in result.outlines)
    assert set(session.checks()) == {("archive", "float"), ("archive", "raw")}


def _write_interrupted(session: Any) -> None:
    session.suite(
        '@pytest.mark.check("archive")\n'
        "def test_archive(context, run_check, record):\n"
        '    if context.key.variant == "raw":\n'
        "        raise KeyboardInterrupt\n"
        "    record(run_check(context))\n"
    )


def test_own_limits_judge_and_are_shown(
    over_miniature: Run, session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user's limit fails the run, the page lists it, and the run is judged by it ever after."""
    own = session.path / "own.toml"
    own.write_text(
        'version = 1\n[required]\nraw_parity = []\naccuracy = "raw"\n'
        '[[limit]]\ncheck = "latency"\nmeasure = "p95_ms"\nmax = 1e-6\n'
        'reason = "faster than light"\n'
    )
    result = over_miniature("-k", "latency", "--variant", "float", "--policy", own)
    assert result.ret == 1
    (record,) = session.reports.glob("*/record.jsonl")
    assert (record.parent / OWN_POLICY).read_bytes() == own.read_bytes()
    own.unlink()
    for name in ("first", "again"):
        page = session.page()
        assert "Limits that are not built in" in page, name
        assert "faster than light" in page, name
        assert main(["report", str(record)]) == 0
    assert "verdict: FAIL" in capsys.readouterr().out
    # By the built-in policy alone accuracy would be required too.
    loaded = load_record(record)
    findings = judge(loaded, policy_of(loaded)).run.findings
    missing = {finding.check for finding in findings if finding.cause is Cause.MISSING}
    assert "archive" in missing
    assert "accuracy" not in missing


def test_policy_with_a_slip_ends_the_session(over_miniature: Run, session: Any) -> None:
    """A setting that does not exist is wrong use, refused with the closest one."""
    own = session.path / "own.toml"
    own.write_text('version = 1\n[setting.timing_round]\nvalue = 5\nreason = "quick"\n')
    result = over_miniature("--policy", own)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *'timing_round' (own.toml); did you mean 'timing_rounds'*"]
    )


def test_interrupted_run_cannot_be_signed(
    session: Any, pytester: pytest.Pytester, miniature: MiniatureFiles
) -> None:
    """Ctrl-C leaves a whole record with the exit code, and a verdict that is no PASS."""
    _write_interrupted(session)
    result = pytester.runpytest_inprocess(
        "suites",
        "--zoo",
        miniature.zoo,
        "--cache-dir",
        miniature.cache,
        no_reraise_ctrlc=True,
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert set(session.checks()) == {("archive", "float")}
    footer = session.lines()[-1]
    assert (footer["kind"], footer["exit_code"]) == ("footer", 2)
    (path,) = session.reports.glob("*/record.jsonl")
    verdict = judge(load_record(path), load_policy()).run
    assert verdict.status is Status.UNKNOWN
    assert [finding.exit_code for finding in verdict.findings if finding.exit_code] == [2]


def test_stopped_run_cannot_be_signed(over_miniature: Run, session: Any) -> None:
    """-x after the first failure: the failure is reported, and all that was not run."""
    session.suite(
        "from validation.record.types import CheckResult\n\n\n"
        '@pytest.mark.check("archive")\n'
        "def test_archive(context, record):\n"
        '    record([CheckResult.failed("archive", context.key, "on purpose")])\n'
    )
    result = over_miniature("-x")
    result.assert_outcomes(failed=1)
    assert session.lines()[-1]["exit_code"] == 1
    assert verdict(result) == "FAIL"
    assert any("on purpose" in line for line in result.outlines)


def test_failed_limit_is_reported_with_its_reason(over_miniature: Run, session: Any) -> None:
    """The reader sees value, limit and reason, and no trace of the harness."""
    session.suite(
        "from validation.policy.limits import Limit\n"
        "from validation.record.types import CheckResult, Measure\n\n\n"
        '@pytest.mark.check("archive")\n'
        "def test_archive(context, record):\n"
        '    measure = Measure("drop_ap", 0.5, Limit("max", 0.1, "a tenth is plenty"))\n'
        '    record([CheckResult.judged("archive", context.key, (measure,), where="image 7")])\n'
    )
    result = over_miniature("--variant", "raw")
    result.stdout.fnmatch_lines(
        [
            "archive of mini-raw failed at image 7.",
            "  drop_ap is 0.5, should be at most 0.1 (a tenth is plenty)",
        ]
    )
    assert not any("Traceback" in line or "fixtures.py" in line for line in result.outlines)


def test_wrong_model_turns_the_session_red(over_miniature: Run, session: Any) -> None:
    """Labels off by one in the .tflite's world: the checks that see it fail, and the run."""
    (session.path / "suites" / "conftest.py").write_text(
        "import pytest\n\n\n"
        "@pytest.fixture(autouse=True)\n"
        "def wrong(monkeypatch):\n"
        '    monkeypatch.setattr("validation.inference.tflite.LABEL_OFFSET", 0)\n'
    )
    result = over_miniature()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdict(result) == "FAIL"
    failed = {key for key, line in session.checks().items() if line["status"] == "fail"}
    assert failed == {
        ("postprocess_parity", "float"),
        *(
            (check, variant)
            for check in ("end_to_end_parity", "accuracy", "plausibility", "operating_point")
            for variant in ("float", "raw")
        ),
    }
    assert "FAIL" in session.page()
