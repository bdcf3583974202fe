"""The first page's words, and names of files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings
from run_pages import render_run

from validation.policy.given import ChangedGivenRequirement, RequiredOfGiven
from validation.policy.limits import Limit, Rule, Status
from validation.policy.load import Policy
from validation.policy.operating_points import OperatingPoint
from validation.policy.overlay import (
    ChangedLimit,
    ChangedOperatingPoint,
    ChangedRequirement,
    ChangedSetting,
    Overlay,
)
from validation.policy.preference import ChangedPreference, Prefer
from validation.record.cluster_use import ClusterMachine, ClusterUse, LostWorker
from validation.record.coco_figures import CocoFigures
from validation.record.operating_point import OperatingPointLosses
from validation.record.run import Footer, GivenFile, Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey
from validation.report.own_limits import OwnLimit, own_limits
from validation.report.views import (
    Index,
    build_report,
    circumstances,
    counts,
    environment,
    page_names,
    subject,
)
from validation.signoff.rules import judge
from validation.specs.references import ReferenceKind

ENDED = Footer("later", 68.0, 0, 0)
FIGURES = CocoFigures(*(0.5 for _ in dataclasses.fields(CocoFigures)))


def index_of(record: Record, policy: Policy) -> Index:
    return build_report(record, judge(record, policy), policy).index


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=100), max_size=6, unique=True))
def test_page_names(models: list[str]) -> None:
    """Any model name gives a safe file name, and no two models share one."""
    names = page_names(models)
    assert len({name.lower() for name in names}) == len(models)
    for name in names:
        assert name.startswith("model-")
        assert name.endswith(".html")
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
        assert len(name) < 120


def test_alike_models_have_two_pages() -> None:
    """Names that differ only in case or in odd letters are kept apart."""
    assert page_names(["ssd/v1", "SSD v1", "../x"]) == (
        "model-ssd-v1.html",
        "model-ssd-v1-2.html",
        "model-x.html",
    )


def test_what_was_tested(header: Header, policy: Policy) -> None:
    """One sentence on the subject, one on the circumstances."""
    accuracy = Accuracy("person", "float", "x", FIGURES, 40, (1,), 1, 0.0)
    index = index_of(Record(header, accuracies=(accuracy,), footer=ENDED), policy)
    assert subject(index) == (
        "1 model in 2 variants (float, int8), 0 check results, accuracy on 40 images "
        "of coco-tiny (80 images, 216 annotations)."
    )
    assert circumstances(index.record) == (
        "Started 2026-01-02 03:04:05 UTC, took 1 min 08 s. tensorflow 2.21.0, cores 2."
    )


def test_bare_header(policy: Policy) -> None:
    """A header that says nothing still makes sentences."""
    bare = Header("r", "now", (), {}, {}, {}, policy.sha256)
    index = index_of(Record(bare), policy)
    assert subject(index) == "0 models, 0 check results."
    assert circumstances(index.record) == "Started now."
    assert list(environment(index.record.header)) == ["Policy"]


def test_data_set_without_accuracy(header: Header, policy: Policy) -> None:
    """A data set that no figure was measured on is still named."""
    assert "data set coco-tiny (80 images" in subject(
        index_of(Record(header, footer=ENDED), policy)
    )


def test_worker_that_was_lost_is_a_notice(header: Header, policy: Policy) -> None:
    """On the first page, with what others made again; a cluster that lost none is no notice."""
    use = ClusterUse("local:2", (ClusterMachine("a", "EPYC", 3, 3),), 8, 120, 9.0, 1.0)
    lost = dataclasses.replace(
        use, lost=(LostWorker("tcp://a:1", "a"),), repeated=("m, images 0 to 14",)
    )
    assert index_of(Record(header, clusters=(use,), footer=ENDED), policy).cluster_notices == ()
    (notice,) = index_of(Record(header, clusters=(lost,), footer=ENDED), policy).cluster_notices
    assert notice.startswith("1 worker of the cluster went away")
    assert notice.endswith("made again by others: m, images 0 to 14")


def test_notices(header: Header, policy: Policy) -> None:
    """A crash and a changed policy are said before anything else."""
    assert index_of(Record(header, footer=ENDED), policy).notices == ()
    (crash,) = index_of(Record(header), policy).notices
    assert crash.startswith("This run did not end.")
    other = dataclasses.replace(policy, sha256="00" * 32)
    (changed,) = index_of(Record(header, footer=ENDED), other).notices
    assert changed.startswith("The policy has changed since this run")


def test_one_cause_is_said_once(
    write_run: Callable[..., Path], header: Header, policy: Policy
) -> None:
    """With what it touches; no finding is lost, and such a run is unsigned."""
    long = dataclasses.replace(
        header, selection=tuple(ModelKey(f"m{n}", "float") for n in range(20))
    )
    assert dict(counts(judge(Record(long, footer=ENDED), policy)))[Status.UNKNOWN] == 20
    page = render_run(write_run([], header=long), policy).read_text()
    section = page[page.index('<section class="why"') :]
    section = section[: section.index("</section>")]
    causes, _, full = section.partition("<summary>Every finding with all its figures</summary>")
    assert causes.count("selected, but no check left a result") == 1
    assert re.findall('href="([^"]*)"', causes) == [f"model-m{n}.html#float" for n in range(20)]
    assert "and 14 more" in causes
    assert full.count("selected, but no check left a result") == 20
    assert "This run cannot be signed" in page


def test_limits_that_are_not_built_in(header: Header, policy: Policy) -> None:
    """Each with its value, the built-in ones, the reason, and how many values it judged."""
    rule = Rule("latency", "p95_ms", ("*",), ("*",), Limit("max", 40, "two frames"))
    other = replace(rule, models=("*resnet*",), limit=Limit("max", 20_000, "measured"))
    own = Overlay(
        "own.toml",
        "c3" * 32,
        (ChangedLimit(rule, (replace(rule, limit=Limit("max", 2000, "room", 1500)), other)),),
        (ChangedSetting("timing_rounds", 200, "p99", 50),),
        (ChangedRequirement("latency", ("raw",)),),
        ChangedPreference(Prefer.FASTEST, "25 frames", Prefer.SMALLEST),
        (
            ChangedOperatingPoint(
                OperatingPoint(0.6, "our app", ("per*",)), (OperatingPoint(0.3, "most apps"),)
            ),
        ),
    )
    required = (
        ChangedGivenRequirement("canaries", RequiredOfGiven(("*",), ("int8", "uint8")), None),
        ChangedGivenRequirement("accuracy", RequiredOfGiven(("graph",)), RequiredOfGiven(("*",))),
        ChangedGivenRequirement("latency", RequiredOfGiven((), ()), RequiredOfGiven(("*",))),
    )
    own = replace(own, required_of_given=required)
    losses = OperatingPointLosses("person", "float", 0.6, 0.6, 0.001, 0.5, 0.75, 80, (), 0, 0, ())
    file = GivenFile("person", "int8", "detect.tflite", "ab" * 32, ReferenceKind.TFLITE)
    header = replace(header, policy_overlay=own, given=(file,))
    key = ModelKey("person", "float")
    result = CheckResult.judged("latency", key, (Measure("p95_ms", 12.5, rule.limit),))
    record = Record(header, results=(result,), operating_points=(losses,), footer=ENDED)
    index = index_of(record, policy)
    assert own_limits(index.record) == (
        OwnLimit(
            "latency: p95_ms",
            "\u2264 40",
            ("\u2264 2,000, warns beyond 1,500", "\u2264 20,000 (*resnet*)"),
            "",
            "two frames",
            "1",
        ),
        OwnLimit("timing_rounds", "200", ("50",), reason="p99"),
        OwnLimit("operating point: min_score", "0.6", ("0.3",), "per*", "our app", "1"),
        OwnLimit("latency: required", "for raw", ("for no variant",)),
        OwnLimit("canaries: required of given files", "for int8, uint8", (), judged="1"),
        OwnLimit(
            "accuracy: required of given files", "judged by graph", ("for every file",), judged="0"
        ),
        OwnLimit(
            "latency: required of given files", "for no file", ("for every file",), judged="0"
        ),
        OwnLimit("file to ship", "fastest", ("smallest",), reason="25 frames"),
    )
    assert environment(header)["Policy"]["sha256 of own.toml"] == "c3" * 32
