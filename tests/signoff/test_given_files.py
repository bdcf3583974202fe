"""Files that were made elsewhere are judged, signed, waived and shipped each by itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from signable_run import (
    ENVELOPE,
    FLOAT,
    GIVEN,
    GIVEN_FLOAT,
    GIVEN_INT8,
    INT8,
    JANE,
    Files,
    envelope_of,
    files_of,
    write_signable_run,
)

from validation.policy.limits import Limit, Status
from validation.policy.load import load_policy
from validation.record.baseline import Outcome
from validation.record.lines import Entry, to_line
from validation.record.run import Artefact, ArtefactRole
from validation.record.store import RECORD_NAME, Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.signoff.changes import changes
from validation.signoff.circumstances import circumstances
from validation.signoff.envelope import KeyPair
from validation.signoff.figures import figures
from validation.signoff.rules import judge
from validation.signoff.shipping import describe, which_files
from validation.signoff.signing import propose
from validation.signoff.soundness import Judged, examine
from validation.signoff.statement import Statement
from validation.signoff.verification import PublicKey, verify_run
from validation.specs.feeds import FeedWay, StatedFeed
from validation.specs.input_stats import GUIDE_STATS
from validation.specs.references import ReferenceKind

_WAIVER = """\
version = 1
[[waiver]]
model = "person"
variant = "int8"
check = "quantisation"
reason = "the vendor mends it in March"
expires = 2026-06-30
by = "John Doe"
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A run over two variants and two given files of the same forms."""
    return files_of(write_signable_run(tmp_path_factory.mktemp("mixed") / "run", given=GIVEN))


def _statement(files: Files, waivers: str = "") -> Statement:
    proposal = propose(files, JANE, ("w.toml", waivers.encode()) if waivers else None)
    assert proposal.statement is not None, proposal.reasons
    return proposal.statement


def _judged(files: Files) -> Judged:
    judged = examine(files, redraw=False).judged
    assert judged is not None
    # What shapes a comparison is the built-in policy's; the run's own judges.
    settings = {**load_policy().settings, **judged.policy.settings}
    return dataclasses.replace(judged, policy=dataclasses.replace(judged.policy, settings=settings))


def _record(files: Files) -> Record:
    return _judged(files).record


def _bad_sqnr(entry: Entry) -> Entry:
    """The given int8 file loses everything."""
    if not (isinstance(entry, CheckResult) and entry.key == GIVEN_INT8):
        return entry
    if entry.check != "quantisation":
        return entry
    measures = tuple(dataclasses.replace(each, value=1.0) for each in entry.measures)
    return CheckResult.judged(entry.check, entry.key, measures)


def test_each_file_has_figures_of_its_own(mixed: Files) -> None:
    """Name, form, path, sha256 and AP belong together, in the order of the run."""
    found = _statement(mixed).facts.figures
    artefacts = {each.key: each for each in _record(mixed).artefacts}
    assert [(each.given, each.variant, each.file, each.ap, each.reference) for each in found] == [
        ("", "float", "files/person-float.tflite", 0.195, None),
        ("", "int8", "files/person-int8.tflite", 0.19, None),
        ("detect.tflite", "float", "files/person~detect.tflite", 0.194, "graph"),
        (
            "vendor/detect.tflite",
            "int8",
            "files/person~vendor-detect-0ee384be.tflite",
            0.188,
            "graph",
        ),
    ]
    assert [each.sha256 for each in found] == [
        artefacts[key].sha256 for key in (FLOAT, INT8, GIVEN_FLOAT, GIVEN_INT8)
    ]


def test_a_signature_of_given_files_is_verified(
    mixed: Files, keys: KeyPair, public_key: PublicKey
) -> None:
    """It says what they were judged by, beside what was made here."""
    proposal = propose(mixed, JANE)
    found = verify_run({**mixed, ENVELOPE: envelope_of(proposal, keys)}, public_key, "2026-01-03")
    assert found.faults == ()
    assert found.counts is not None
    claims = " ".join(found.counts.facts.claims)
    assert "the archive's own inference graph" in claims
    assert "detect.tflite, vendor/detect.tflite were made elsewhere" in claims
    assert "against an inference graph" in claims


def test_a_file_without_reference_is_signed_as_such(tmp_path: Path) -> None:
    """Nobody reads a comparison into a signature that rests on none."""
    given = {GIVEN_FLOAT: ReferenceKind.NONE}
    files = files_of(write_signable_run(tmp_path / "run", given=given))
    claims = _statement(files).facts.claims
    assert any("detect.tflite was made elsewhere and had no reference" in each for each in claims)


def test_a_stated_feed_is_signed(tmp_path: Path) -> None:
    """Figures hold for it alone, and whoever reads the signature sees who stated it."""
    folder = write_signable_run(tmp_path / "run", given={GIVEN_FLOAT: ReferenceKind.GRAPH})
    before = files_of(folder)
    header = _record(before).header
    (given,) = header.given
    stated = StatedFeed(FeedWay.QUANTISED, GUIDE_STATS)
    given = dataclasses.replace(given, stated_feed=stated)
    line = json.dumps(to_line(dataclasses.replace(header, given=(given,)))).encode()
    record = before[RECORD_NAME]
    files = {**before, RECORD_NAME: line + record[record.index(b"\n") :]}
    said = (
        "detect.tflite was fed as the user states: by scale and zero point of the input, pixels "
        "normalised by 128/127."
    )
    assert said in _statement(files).facts.claims
    assert said not in _statement(before).facts.claims


def test_a_variant_that_is_given_back(mixed: Files) -> None:
    """Equal bytes under two names are two files, each at its own path."""
    judged = _judged(mixed)
    twin = next(each.sha256 for each in judged.record.artefacts if each.key == FLOAT)
    artefacts = tuple(
        dataclasses.replace(each, sha256=twin) if each.key == GIVEN_FLOAT else each
        for each in judged.record.artefacts
    )
    record = dataclasses.replace(judged.record, artefacts=artefacts)
    found = figures(record, judged.judgement, {each.path: each.sha256 for each in artefacts})
    paths = [each.file for each in found if each.sha256 == twin]
    assert paths == ["files/person-float.tflite", "files/person~detect.tflite"]


def test_a_header_that_names_another_given_file(tmp_path: Path) -> None:
    """What was given, what was judged and what is kept are the same bytes."""

    def swap(entry: Entry) -> Entry:
        if isinstance(entry, Artefact) and entry.key == GIVEN_INT8:
            return dataclasses.replace(entry, sha256=kept, path="files/person~detect.tflite")
        return entry

    first = files_of(write_signable_run(tmp_path / "first", given=GIVEN))
    kept = next(each.sha256 for each in _record(first).artefacts if each.key == GIVEN_FLOAT)
    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=swap))
    del files["files/person~vendor-detect-0ee384be.tflite"]
    (fault,) = examine(files, redraw=False).faults
    assert (fault.what, fault.got) == (
        "the judged file of person-vendor/detect.tflite is not the one that was given",
        f"sha256 {kept}",
    )


def test_a_given_file_that_the_header_does_not_name(tmp_path: Path) -> None:
    """Nobody signs for a file of which nothing says what judged it."""

    def rename(entry: Entry) -> Entry:
        if isinstance(entry, CheckResult) and (entry.check, entry.key) == ("canaries", GIVEN_INT8):
            return dataclasses.replace(entry, file="other.tflite")
        return entry

    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=rename))
    (fault,) = examine(files, redraw=False).faults
    assert fault.what == "nothing says what person-other.tflite was judged by"


def test_a_given_file_that_is_called_as_a_variant(tmp_path: Path) -> None:
    """What is accepted of one stays among what warned, though the other passed."""
    twin = ModelKey("person", "float", "int8")
    assert str(twin) == "person-int8 (given)"

    def moved(entry: Entry) -> Entry | None:
        if not isinstance(entry, CheckResult):
            return entry
        if (entry.check, entry.key) == ("canaries", twin):
            measures = (Measure("sqnr_db", 24.5, Limit("min", 10, "below it nothing is left")),)
            return CheckResult.judged("quantisation", twin, measures)
        return None if (entry.check, entry.key) == ("quantisation", INT8) else entry

    given = {twin: ReferenceKind.GRAPH}
    files = files_of(write_signable_run(tmp_path / "run", given=given, change=moved))
    statement = _statement(files, _WAIVER)
    assert "person-int8: quantisation" in statement.warned
    assert "person-int8 (given): quantisation" in statement.passed


@pytest.mark.parametrize("key", [INT8, GIVEN_INT8], ids=str)
def test_a_forged_figure_is_named_by_its_file(tmp_path: Path, key: ModelKey) -> None:
    """The AP of one file does not stand for that of the other of the same form."""

    def forge(entry: Entry) -> Entry:
        if isinstance(entry, Accuracy) and entry.key == key:
            return dataclasses.replace(entry, figures=dataclasses.replace(entry.figures, ap=0.5))
        if isinstance(entry, Timing) and entry.key == key:
            return dataclasses.replace(entry, samples_ms=(1.0, 1.0))
        return entry

    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=forge))
    faults = examine(files, redraw=False).faults
    assert {each.what.partition(" is not what ")[0] for each in faults} == {
        f"{measure} of {key}" for measure in ("ap", "ap_drop", "p95_ms")
    }


def test_a_waiver_names_the_given_file(tmp_path: Path) -> None:
    """Without its name a waiver is for what was made here, and says how a file is named."""
    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=_bad_sqnr))
    refused = propose(files, JANE, ("w.toml", _WAIVER.encode()))
    assert refused.statement is None
    assert 'variant = "int8", check = "quantisation", file = "vendor/detect.tflite"' in str(
        [each.as_waiver() for each in refused.acceptable]
    )
    (useless,) = [each for each in refused.reasons if "waiver 1" in each]
    assert "nothing is left to accept, the check says PASS" in useless
    named = _statement(files, _WAIVER + 'file = "vendor/*"\n')
    (waiver,) = named.facts.waivers
    assert waiver.covers == ("person-vendor/detect.tflite: quantisation, sqnr_db: fail",)


def test_a_waiver_of_a_given_file_is_for_no_variant(run_with: Callable[..., Files]) -> None:
    """The int8 variant fails, whatever is accepted of files that were given."""
    files = run_with(ap=0.16)
    entry = _WAIVER.replace("quantisation", "accuracy") + 'file = "*"\n'
    refused = propose(files, JANE, ("w.toml", entry.encode()))
    assert [str(each.key) for each in refused.acceptable] == ["person-int8"]


def test_a_waiver_that_lacks_the_name(tmp_path: Path) -> None:
    """Of a form that only a given file has, it matches nothing, and the file is named."""

    def only_given(entry: Entry) -> Entry:
        if isinstance(entry, CheckResult) and (entry.check, entry.key) == ("canaries", GIVEN_INT8):
            return CheckResult.failed("vendor", GIVEN_INT8, "too new")
        return entry

    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=only_given))
    entry = _WAIVER.replace("quantisation", "vendor")
    reasons = " ".join(propose(files, JANE, ("w.toml", entry.encode())).reasons)
    named = "(a file that was given is named by `file`: vendor/detect.tflite)"
    assert f"it matches nothing in this run {named}" in reasons


def _moved(before: Files, after: Files) -> list[tuple[str, str]]:
    one, other = _judged(before), _judged(after)
    found = changes(one.record, other.record, one.policy)
    return [(each.subject, each.what) for each in found]


def test_the_same_given_file_in_two_runs(mixed: Files, tmp_path: Path) -> None:
    """It is matched by its name: what changed is its own, and its form may be."""

    def other(entry: Entry) -> Entry:
        if getattr(entry, "key", None) != GIVEN_INT8:
            return entry
        if isinstance(entry, Artefact):
            entry = dataclasses.replace(entry, sha256="0" * 64)
        if isinstance(entry, Timing):
            entry = dataclasses.replace(entry, samples_ms=(30.0, 30.0, 30.0))
        return dataclasses.replace(entry, variant="uint8")  # type: ignore[call-arg, type-var]

    uint8 = dataclasses.replace(GIVEN_INT8, variant="uint8")
    after = write_signable_run(tmp_path / "run", given=GIVEN, change=other)
    record = _record(files_of(after))
    selection = (*record.header.selection[:-1], uint8)
    record = dataclasses.replace(
        record, header=dataclasses.replace(record.header, selection=selection)
    )
    before = _judged(mixed)
    found = changes(before.record, record, before.policy)
    assert {(each.subject, each.what) for each in found} == {
        ("person-vendor/detect.tflite", "form"),
        ("person-vendor/detect.tflite", "file"),
    }
    assert {each.outcome for each in found} == {Outcome.CHANGED}


def test_a_given_file_is_not_the_variant_of_an_earlier_run(mixed: Files, sound: Files) -> None:
    """Whoever gave none before has two new subjects, and no figure of a variant moved."""
    moved = _moved(sound, mixed)
    assert {subject for subject, _ in moved} == {
        "person-detect.tflite",
        "person-vendor/detect.tflite",
    }


def test_another_reference_is_a_circumstance(mixed: Files, tmp_path: Path) -> None:
    """Figures of a file against a graph and alone are of two questions."""
    given = {**GIVEN, GIVEN_FLOAT: ReferenceKind.NONE}
    after = files_of(write_signable_run(tmp_path / "run", given=given))
    before = _judged(mixed)
    (change,) = circumstances(before.record, _record(after), before.policy)
    assert (change.subjects, change.what) == (("person-detect.tflite",), "reference")
    assert (change.before, change.after) == ("graph", "none")


@pytest.mark.parametrize(
    ("sizes", "path"),
    [
        # Ties: what was made here, then the order of the forms.
        ({}, "files/person-float.tflite"),
        ({FLOAT: 300, INT8: 300}, "files/person~detect.tflite"),
        ({GIVEN_INT8: 100}, "files/person~vendor-detect-0ee384be.tflite"),
    ],
)
def test_a_given_file_is_a_candidate_to_ship(
    mixed: Files, sizes: dict[ModelKey, int], path: str
) -> None:
    """As a variant is; the reason says under which name it was given."""
    judged = _judged(mixed)
    record = judged.record
    artefacts = tuple(
        dataclasses.replace(each, size_bytes=sizes.get(each.key, each.size_bytes))
        for each in record.artefacts
    )
    record = dataclasses.replace(record, artefacts=artefacts)
    (shipping,) = which_files(record, judge(record, judged.policy), judged.policy)
    assert shipping.choice is not None
    assert shipping.choice.file.path == path
    assert len(shipping.others) == 3
    name = shipping.choice.file.file
    assert describe(shipping).startswith(f"given as {name}; " if name else "smallest of 4 files")


def test_a_choice_that_rests_on_accuracy_alone(tmp_path: Path) -> None:
    """The reason says so: nothing has compared that file with its model."""
    given = {GIVEN_FLOAT: ReferenceKind.NONE}
    judged = _judged(files_of(write_signable_run(tmp_path / "run", given=given)))
    artefacts = tuple(
        dataclasses.replace(each, size_bytes=100) if each.key == GIVEN_FLOAT else each
        for each in judged.record.artefacts
    )
    record = dataclasses.replace(judged.record, artefacts=artefacts)
    (shipping,) = which_files(record, judged.judgement, judged.policy)
    assert describe(shipping).startswith(
        "given as detect.tflite; no reference: accuracy alone is judged; smallest of 3 files"
    )


def test_a_given_file_that_fails_is_not_shipped(tmp_path: Path) -> None:
    """The variant of its form is, if it passes; both verdicts are kept apart."""
    files = files_of(write_signable_run(tmp_path / "run", given=GIVEN, change=_bad_sqnr))
    judged = _judged(files)
    (shipping,) = which_files(judged.record, judged.judgement, judged.policy)
    assert shipping.choice is not None
    assert shipping.choice.file.role is ArtefactRole.TFLITE
    assert shipping.others[GIVEN_INT8] is Status.FAIL
    assert shipping.others[INT8] is Status.PASS
