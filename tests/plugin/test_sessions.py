"""Whole sessions over the miniature: one record, one verdict, one report, and what is kept."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import write_record_schema
from jsonschema import Draft202012Validator
from session_results import Run, verdict
from signable_run import JANE, files_of

from validation.checks.registry import CHECKS
from validation.cli import main
from validation.files.structured import read_json
from validation.inspection.feeding_facts import FeedingFacts, LabelFacts
from validation.policy.load import DEFAULT_POLICY, load_policy
from validation.record.evidence import load_evidence
from validation.record.run import RECORD_VERSION
from validation.record.store import RECORD_NAME, load_record
from validation.record.types import ModelKey
from validation.signoff.exit_codes import UNKNOWN
from validation.signoff.signing import propose

if TYPE_CHECKING:
    from pathlib import Path


def _expected_checks() -> set[tuple[str, str]]:
    return {
        (check.name, variant)
        for variant in ("float", "raw")
        for check in CHECKS
        if check.covers(ModelKey("mini", variant)) and not check.compares
    }


def test_clean_run_passes(over_miniature: Run, session: Any) -> None:
    """Every check of every variant is recorded; what gives no evidence is told as a skip."""
    result = over_miniature()
    result.assert_outcomes(passed=21, skipped=4)
    assert result.ret == 0
    assert verdict(result) == "PASS"
    assert set(session.checks()) == _expected_checks()
    assert all(line["seconds"] > 0 for line in session.checks().values())
    unknown = {key for key, line in session.checks().items() if line["status"] != "pass"}
    # Nobody can build a miniature from its config.
    assert unknown == {
        (check, variant) for check in ("canaries", "route_parity") for variant in ("float", "raw")
    }
    result.stdout.fnmatch_lines(
        ["SKIPPED * UNKNOWN: the model knows no class of the canaries: person"]
    )

    schema = Draft202012Validator(write_record_schema.schema())
    for line in session.lines():
        schema.validate(line)
    header, *body, footer = session.lines()
    assert (header["kind"], header["version"]) == ("header", RECORD_VERSION)
    assert [key["variant"] for key in header["selection"]] == ["float", "raw"]
    assert header["options"]["labelled images"] == "annotations, 6 images"
    assert header["policy_sha256"] == load_policy().sha256
    (kept,) = session.reports.glob("*/policy/policy.toml")
    assert kept.read_bytes() == DEFAULT_POLICY.read_bytes()
    assert header["dataset"]["images"] == 6
    assert {"tensorflow", "ai-edge-litert", "python", "harness"} <= set(header["versions"])
    assert header["machine"]["cores"]
    assert footer["kind"] == "footer"
    assert (footer["results"], footer["exit_code"]) == (25, 0)
    assert footer["seconds"] > 0
    kinds = [line["kind"] for line in body]
    assert {kind: kinds.count(kind) for kind in set(kinds) - {"step", "picture"}} == {
        "check": 25,
        "timing": 4,
        "artefact": 13,
        # detections and matches of the reference and both variants
        "evidence": 6,
        "ap_difference": 2,
        "operating_point": 2,
        # reference, both variants, and two more for other flags of float
        "accuracy": 5,
        "feed": 2,
    }
    assert kinds.count("picture") == 4

    page = session.page()
    assert "PASS" in page
    assert "mini" in page
    (model_page,) = session.reports.glob("*/model-*.html")
    assert model_page.name in page
    result.stdout.fnmatch_lines(
        [
            "to ship: files/mini-float.tflite (the only file that passes)",
            "report: reports/*/index.html",
        ]
    )

    (run,) = session.reports.glob("20*")
    assert main(["signoff", str(run), "--by", "Jane Roe"]) == 0
    assert main(["signoff", "--verify", str(run)]) == 0
    # An AP that was changed wherever the record has it is not that of the matches in evidence.
    files = files_of(run)
    ap = json.dumps(load_record(run / RECORD_NAME).accuracies[0].figures.ap)
    record = files[RECORD_NAME].decode()
    for key in ('"ap": ', '"name": "ap", "value": ', '"name": "reference_ap", "value": '):
        assert f"{key}{ap}" in record
        record = record.replace(f"{key}{ap}", f"{key}0.987")
    reasons = " ".join(propose({**files, RECORD_NAME: record.encode()}, JANE).reasons)
    assert "AP of mini-reference is not what evidence/" in reasons


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_detections_and_judged_files_are_kept(
    over_miniature: Run, session: Any, options: tuple[str, ...]
) -> None:
    """Those of the reference and each variant, from one process as from two workers."""
    over_miniature("-k", "test_detections_are_those_of_the_archives_graph or tflite_file", *options)
    (run,) = session.reports.glob("20*")
    record = load_record(run / RECORD_NAME)
    assert [each.variant for each in record.evidence] == ["reference", "float", "raw"]
    detected = [load_evidence(run, each) for each in record.evidence]
    for evidence, images in zip(record.evidence, detected, strict=True):
        assert len(images) == evidence.images == 10
        assert sum(map(len, images.values())) > 0
    assert detected[0].keys() == detected[1].keys() == detected[2].keys()
    kept = {each.path: each.sha256 for each in record.artefacts}
    found = {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (run / "files").iterdir()
    }
    assert found == kept
    assert {"files/mini-float.tflite", "files/mini-raw.tflite"} <= set(found)


def test_artefacts_carry_their_hashes(over_miniature: Run, session: Any) -> None:
    """Whoever signs can tell the files that were tested, with what an app needs beside them."""
    labels = session.path / "labels.txt"
    labels.write_text("square\ndisc\n")
    over_miniature("-k", "archive or tflite_file", "--label-map", labels, labelled=False)
    artefacts = [line for line in session.lines() if line["kind"] == "artefact"]
    of_model = [("source", ""), ("reference", "")]
    files = [(role, "float") for role in ("tflite", "feeding facts", "labels")]
    files += [(role, "raw") for role in ("tflite", "feeding facts", "labels", "anchors")]
    assert [(line["role"], line["variant"]) for line in artefacts] == of_model * 2 + files
    assert all(len(line["sha256"]) == 64 and line["size_bytes"] > 0 for line in artefacts)
    (folder,) = session.reports.glob("*/files")
    assert (folder / "mini.labels.txt").read_bytes() == b"square\ndisc\n"
    for line in (each for each in artefacts if each["role"] == "tflite"):
        about = read_json(folder / f"{line['name']}.json", FeedingFacts)
        assert (about.file, about.sha256) == (line["name"], line["sha256"])
        assert about.preprocessing is not None
        assert about.preprocessing.feed == "float32, pixel * 0.007843138 - 1"
        raw = line["variant"] == "raw"
        # The op's classes begin without the background, the columns of raw outputs with it.
        assert about.labels == LabelFacts("mini.labels.txt", int(raw), "2 names for 2 classes")
        assert (about.postprocess is None, about.anchors_file == "mini.anchors.npy") == (raw, raw)


def test_second_run_uses_cached_products(over_miniature: Run, session: Any) -> None:
    """Over a filled cache nothing is made again, and the record says so."""
    over_miniature()
    made = ("export", "convert", "describe", "reference", "session", "freeze")
    steps = {
        line["step"]: line["cached"]
        for line in session.lines()
        if line["kind"] == "step" and line["step"].startswith(made)
    }
    assert {"export", "convert float", "convert raw", "reference on 10 images"} <= set(steps)
    assert [step for step, cached in steps.items() if not cached] == []


def test_cached_run_starts_without_tensorflow(over_miniature: Run, session: Any) -> None:
    """What is cached needs no converter: seconds of start-up that a second run is spared."""
    (session.path / "suites" / "conftest.py").write_text(
        "import sys\n\n\ndef pytest_unconfigure(config):\n"
        "    print('tensorflow loaded:', 'tensorflow' in sys.modules)\n"
    )
    # A config that cannot be built is tried anew each time, and that takes TensorFlow.
    result = over_miniature("-k", "not config_describes and not evidence_is", apart=True)
    assert result.ret == UNKNOWN
    assert "tensorflow loaded: False" in result.outlines


def test_two_workers_write_one_record(over_miniature: Run, session: Any) -> None:
    """Under xdist the controller alone writes; timing refuses to run beside others."""
    result = over_miniature("-n", "2")
    assert verdict(result) == "UNKNOWN"
    assert result.ret == UNKNOWN
    checks = session.checks()
    assert set(checks) == _expected_checks()
    unknown = {key for key, line in checks.items() if line["status"] != "pass"}
    assert unknown == {
        (check, variant)
        for check in ("latency", "canaries", "route_parity")
        for variant in ("float", "raw")
    }
    assert (
        "-n, --benchmark-disable and --benchmark-skip leave it out"
        in checks["latency", "float"]["message"]
    )
    assert session.lines()[0]["kind"] == "header"
    assert session.lines()[-1]["results"] == 25
    assert not [line for line in session.lines() if line["kind"] == "timing"]
    assert "UNKNOWN" in session.page()


def test_record_and_page_agree(over_miniature: Run, session: Any) -> None:
    """The page names the hash of the very record that it was made from."""
    over_miniature("-k", "archive")
    (path,) = session.reports.glob("*/record.jsonl")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in session.page()


def test_report_dir_is_where_it_was_asked_for(
    over_miniature: Run, session: Any, tmp_path: Path
) -> None:
    """Folders are made as needed, one a run."""
    over_miniature("-k", "archive", "--report-dir", tmp_path / "a" / "b")
    assert len(list((tmp_path / "a" / "b").glob("*/record.jsonl"))) == 1
    assert not session.reports.exists()
