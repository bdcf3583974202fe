"""Sessions that are compared with an earlier run, and baseline files that they write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from signable_run import files_of

from validation.policy.load import load_policy
from validation.record.baseline import Aspect, BaselineComparison, BaselineUpdate, Outcome, Why
from validation.record.baseline_facts import parse_baseline
from validation.record.store import Record, load_record
from validation.signoff.run_files import RunFiles
from validation.signoff.soundness import examine
from validation.workspace.baseline_file import write_baseline

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

    from conftest import Session

LITTLE_EVIDENCE = Path(__file__).parents[1] / "support" / "little_evidence.toml"
# What the record says of the comparison, and what somebody might make of it.
_DOCTORED = (
    ('"aspect": "size", "outcome": "same"', '"aspect": "size", "outcome": "better"'),
    ('"aspect": "latency", "outcome": "same"', '"aspect": "latency", "outcome": "unknown"'),
    ('"differs": [], "updated": null', '"differs": ["LiteRT"], "updated": null'),
    ('"name": "size_growth", "value": 0.0', '"name": "size_growth", "value": 0.01'),
)

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def runs(session: Session, over_miniature: Run) -> Callable[..., tuple[pytest.RunResult, Path]]:
    """Run the suites and say in which folder the new run lies."""
    seen: set[Path] = set()

    def run(*arguments: object) -> tuple[pytest.RunResult, Path]:
        result = over_miniature("--variant", "float", *arguments)
        (new,) = set(session.reports.glob("*/record.jsonl")) - seen
        seen.add(new)
        return result, new.parent

    return run


def _comparison(folder: Path) -> BaselineComparison:
    (found,) = load_record(folder / "record.jsonl").baseline_comparisons
    return found


def _check(record: Record) -> tuple[str, str]:
    (result,) = [each for each in record.results if each.check == "baseline"]
    return result.status, result.message


def _faults(folder: Path) -> list[str]:
    return [each.describe() for each in examine(RunFiles(folder), redraw=True).faults]


def test_two_runs_of_one_commit(runs: Callable[..., tuple[pytest.RunResult, Path]]) -> None:
    """Nothing is reported, the latency of the same bytes included, and the run proves it alone."""
    _, first = runs()
    result, second = runs("--baseline", first)
    comparison = _comparison(second)
    assert {each.outcome for each in comparison.changes} == {Outcome.SAME}
    (latency,) = comparison.of(Aspect.LATENCY)
    assert latency.why is Why.SAME_FILE
    result.stdout.fnmatch_lines(["since run * nothing has changed (1 file compared)"])
    shutil.rmtree(first)
    assert _faults(second) == []
    files = files_of(second)
    for was, says in _DOCTORED:
        record = files["record.jsonl"].decode()
        assert was in record
        doctored = {**files, "record.jsonl": record.replace(was, says).encode()}
        found = [each.describe() for each in examine(doctored, redraw=False).faults]
        assert any("the baseline" in each for each in found), was
    copy = files["baseline/baseline.json"].replace(b'"ap": ', b'"ap": 1')
    (fault,) = examine({**files, "baseline/baseline.json": copy}, redraw=False).faults
    assert fault.what == "the file is not the one that the record names"


def test_other_bytes_are_timed_by_turns(
    session: Session,
    miniature: MiniatureFiles,
    runs: Callable[..., tuple[pytest.RunResult, Path]],
    tmp_path: Path,
) -> None:
    """The baseline's file beside this run's, in one process; the run proves what came of it."""
    _, made = runs()
    file = tmp_path / "detect.tflite"
    shutil.copy(made / "files" / "mini-float.tflite", file)
    options = ["--candidate", file, "--reference", "none", "--cache-dir", miniature.cache]
    options += ["--coco-annotations", miniature.annotations, "--coco-images", miniature.images]
    options.append(f"--policy={LITTLE_EVIDENCE}")
    session.run(*options)
    (first,) = set(session.reports.glob("20*")) - {made}
    # What follows the flatbuffer is another file to a hash, and the same to LiteRT.
    file.write_bytes(file.read_bytes() + bytes(16))
    session.run(*options, "--baseline", first)
    (second,) = set(session.reports.glob("20*")) - {made, first}
    record = load_record(second / "record.jsonl")
    (trial,) = record.latency_trials
    assert len(trial.blocks) == load_policy().setting("baseline_blocks")
    comparison = _comparison(second)
    moved = {each.aspect for each in comparison.changes if each.outcome is not Outcome.SAME}
    # How busy the machine is decides what is known of the latency.
    assert moved - {Aspect.LATENCY, Aspect.SLOW_CALLS} == {Aspect.FILE}
    for aspect in (Aspect.LATENCY, Aspect.SLOW_CALLS):
        (change,) = comparison.of(aspect)
        assert change.p_value is not None
    assert _faults(second) == []
    samples = json.dumps(trial.blocks[0].today_ms[0])
    text = (second / "record.jsonl").read_text().replace(samples, "0.0001")
    doctored = {**files_of(second), "record.jsonl": text.encode()}
    assert any("the baseline" in each.what for each in examine(doctored, redraw=False).faults)
    # A baseline file has no .tflite; that of its run is still in the report folder.
    made_of = tmp_path / "baseline.json"
    write_baseline(made_of, first, BaselineUpdate("r", "", "2026-01-31T02:00:00Z", "1"))
    session.run(*options, "--baseline", made_of)
    (third,) = set(session.reports.glob("20*")) - {made, first, second}
    (latency,) = _comparison(third).of(Aspect.LATENCY)
    assert latency.p_value is not None
    assert latency.file_of == first.name
    assert _faults(third) == []
    says = f'"file_of": "{first.name}"'
    text = (third / "record.jsonl").read_text().replace(says, '"file_of": ""')
    doctored = {**files_of(third), "record.jsonl": text.encode()}
    assert any("the baseline" in each.what for each in examine(doctored, redraw=False).faults)


def test_other_pictures_of_the_same_names(
    miniature: MiniatureFiles,
    runs: Callable[..., tuple[pytest.RunResult, Path]],
    tmp_path: Path,
) -> None:
    """The labels say nothing of them: AP was measured on other images, and is not compared."""
    images = tmp_path / "images"
    shutil.copytree(miniature.images, images)
    _, first = runs("--coco-images", images)
    path = sorted(images.glob("*.*"))[0]
    Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
    _, second = runs("--coco-images", images, "--baseline", first)
    (ap,) = _comparison(second).of(Aspect.AP)
    assert (ap.outcome, ap.why) == (Outcome.UNKNOWN, Why.OTHER_IMAGES)
    status, message = _check(load_record(second / "record.jsonl"))
    assert status == "warn"
    assert "AP is not known: the baseline was scored on other images" in message
    assert _faults(second) == []


def test_a_run_that_is_compared_with_nothing(
    runs: Callable[..., tuple[pytest.RunResult, Path]],
) -> None:
    """It has no such check, and nothing is said of one."""
    result, folder = runs()
    record = load_record(folder / "record.jsonl")
    assert record.baseline is None
    assert "baseline" not in {each.check for each in record.results}
    assert "since" not in result.stdout.str()


def test_baseline_file(runs: Callable[..., tuple[pytest.RunResult, Path]], tmp_path: Path) -> None:
    """Written with a reason, compared with, replaced with another, each time as a whole."""
    file = tmp_path / "baseline.json"
    result, first = runs("--baseline", file, "--update-baseline", "--reason=the first one")
    result.stdout.fnmatch_lines(["baseline: *baseline.json written from this run: the first one"])
    facts = parse_baseline(file.read_bytes(), file)
    assert facts.run == first.name
    assert facts.updated is not None
    assert (facts.updated.reason, facts.updated.previous_sha256) == ("the first one", "")

    result, second = runs("--baseline", file)
    assert {each.outcome for each in _comparison(second).changes} == {Outcome.SAME}
    assert _faults(second) == []

    # As if the file had been another one, with other names and half of the bytes.
    document = json.loads(file.read_bytes())
    (subject,) = document["subjects"]
    subject["sha256"], subject["size_bytes"] = "0" * 64, subject["size_bytes"] // 2
    subject["outputs"][0]["name"] = "boxes"
    file.write_text(json.dumps(document))
    result, third = runs("--baseline", file)
    assert result.ret == 1
    status, message = _check(load_record(third / "record.jsonl"))
    assert status == "fail"
    assert "names outputs" in message
    assert "latency is not known: the baseline's file is not at hand" in message
    assert _faults(third) == []

    result, fourth = runs("--baseline", file, "--update-baseline", "--reason", "meant")
    assert result.ret == 0
    status, message = _check(load_record(fourth / "record.jsonl"))
    assert status == "unknown"
    assert message.startswith("not judged, as this run replaces the baseline (meant); ")
    assert _faults(fourth) == []
    again = parse_baseline(file.read_bytes(), file)
    assert again.updated is not None
    assert len(again.updated.previous_sha256) == 64


def test_a_run_that_fails_leaves_the_baseline(
    runs: Callable[..., tuple[pytest.RunResult, Path]], tmp_path: Path
) -> None:
    """What is not good enough is nothing to compare with, and the file is as it was."""
    file, policy = tmp_path / "baseline.json", tmp_path / "strict.toml"
    policy.write_text(
        'version = 1\n[[limit]]\ncheck = "latency"\nmeasure = "p50_ms"\nmax = 0\n'
        'reason = "nothing is that fast"\n'
    )
    result, _ = runs("--baseline", file, "--update-baseline", "--reason=x", f"--policy={policy}")
    result.stdout.fnmatch_lines(["baseline: * is left as it is: the verdict is FAIL"])
    assert not file.exists()


def test_a_baseline_that_cannot_be_written(
    runs: Callable[..., tuple[pytest.RunResult, Path]], tmp_path: Path
) -> None:
    """The verdict is good and the command has not done what it was asked for."""
    file = tmp_path / "baseline.json"
    (tmp_path / "baseline.matches.zip").mkdir()
    result, folder = runs("--baseline", file, "--update-baseline", "--reason=x")
    result.stdout.fnmatch_lines(["baseline: * could not be written: *"])
    assert result.ret == 1
    assert load_record(folder / "record.jsonl").footer is not None
    assert not file.exists()


def test_of_two_runs_at_once_the_second_replaces_nothing(
    runs: Callable[..., tuple[pytest.RunResult, Path]],
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has not been compared with what the first one wrote meanwhile."""
    file = tmp_path / "baseline.json"
    (session.path / "meanwhile.py").write_text(
        "import pathlib\n"
        "def pytest_runtestloop():\n"
        f"    pathlib.Path({str(file)!r}).write_text('of another run')\n"
    )
    options = ("-p", "meanwhile", "-p", "no:cacheprovider", "--reason=x", "--update-baseline")
    monkeypatch.syspath_prepend(session.path)
    result, _ = runs("--baseline", file, *options)
    result.stdout.fnmatch_lines(["baseline: * it was replaced while this run went on"])
    assert result.ret == 1
    assert file.read_text() == "of another run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--baseline", "nowhere.json"), "no such baseline"),
        (("--update-baseline", "--reason=x"), "no baseline to update"),
        (("--baseline=new.json", "--update-baseline"), "not replaced without saying why"),
        (("--baseline=new.json", "--update-baseline", "--reason= "), "without saying why"),
        (("--reason=x",), "a reason without --update-baseline"),
        (("--baseline=suites", "--update-baseline", "--reason=x"), "a run is not replaced"),
        (("--baseline=record.jsonl", "--update-baseline", "--reason=x"), "a run is not replaced"),
        (("--baseline=suites",), "there is no record"),
        (("--baseline=conftest.py",), "the file is no baseline"),
    ],
)
def test_wrong_use(
    session: Session, over_miniature: Run, arguments: tuple[str, ...], message: str
) -> None:
    """One line before anything is run."""
    result = over_miniature(*arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{message}*"])
    assert not list(session.reports.glob("*/record.jsonl"))
