"""Given files beside variants of the same forms: rows, sections and links that never mix."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_pages import Page, pages_of, render_run

from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference
from validation.record.lines import Entry
from validation.record.operating_point import OperatingPointLosses, OperatingRow
from validation.record.run import Artefact, ArtefactRole, GivenFile, Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, ModelKey, Timing
from validation.report.render import render_pages
from validation.report.views import build_report
from validation.report.visible import visible
from validation.signoff.rules import judge
from validation.specs.references import ReferenceKind

Write = Callable[..., Path]

FLOAT, INT8 = ModelKey("person", "float"), ModelKey("person", "int8")
GIVEN_FLOAT = dataclasses.replace(FLOAT, file="detect.tflite")
GIVEN_INT8 = dataclasses.replace(INT8, file="vendor/detect.tflite")
KEYS = (FLOAT, INT8, GIVEN_FLOAT, GIVEN_INT8)
# What only one of the four has: AP, raw parity, and latency in ms.
FIGURES = {
    FLOAT: (0.1694, 3.6e-4, 9.75),
    INT8: (0.1581, 0.31, 7.25),
    GIVEN_FLOAT: (0.1672, 4.7e-4, 9.05),
    GIVEN_INT8: (0.1533, 0.42, 6.15),
}


def given_entries(entries: Iterable[Entry]) -> list[Entry]:
    """The example's, with those of each of the four files instead of float's and int8's."""
    found = [each for each in entries if getattr(each, "variant", "reference") in ("reference", "")]
    samples = {type(each): each for each in entries}
    accuracy = samples[Accuracy]
    cost = samples[next(kind for kind in samples if kind.__name__ == "QuantisationCost")]
    results = [each for each in entries if isinstance(each, CheckResult)]
    assert isinstance(accuracy, Accuracy)
    found.append(Artefact("person", ArtefactRole.REFERENCE, "", "frozen.pb", "ab" * 32, 12_923_854))
    for number, key in enumerate(KEYS):
        own = {"variant": key.variant, "file": key.file}
        ap, parity, p50 = FIGURES[key]
        figures = dataclasses.replace(accuracy.figures, ap=ap)
        found.append(dataclasses.replace(accuracy, **own, subject="what ran", figures=figures))
        found.append(Timing("person", key.variant, "LiteRT", 1, 10, (p50,) * 3, file=key.file))
        name = f"{key.label}.tflite".replace("/", "-")
        size = 1_000_000 + 10_000 * number
        artefact = Artefact(
            "person", ArtefactRole.TFLITE, key.variant, name, f"{number}" * 64, size
        )
        found.append(dataclasses.replace(artefact, path=f"files/{name}", file=key.file))
        row = OperatingRow(None, "", None, 9, 40, 30, 2, number, 0, 0, 40, 2, 1, None)
        found.append(
            OperatingPointLosses(
                "person", key.variant, 0.5, 0.5, 0.05, 0.5, 0.8, 80, (), 0, 0, (row,), key.file
            )
        )
        found.append(
            ApDifference("person", key.variant, "what ran", 80, 1000, 1, True, file=key.file)
        )
        if key.variant == "int8":
            found.append(dataclasses.replace(cost, **own))
        for result in results:
            if result.variant == key.variant:
                measures = tuple(
                    dataclasses.replace(each, value=parity) if "box" in each.name else each
                    for each in result.measures
                )
                found.append(CheckResult.judged(result.check, key, measures))
    return found


@pytest.fixture
def of_four(header: Header) -> Header:
    """Of a run over two variants and two given files of the same forms."""
    return dataclasses.replace(header, selection=KEYS, given=_given(ReferenceKind.GRAPH))


def _given(kind: ReferenceKind) -> tuple[GivenFile, ...]:
    return tuple(GivenFile(key.model, key.variant, key.file, "e" * 64, kind) for key in KEYS[2:])


@pytest.fixture
def pages(
    write_run: Write, of_four: Header, entries: tuple[Entry, ...], policy: Policy
) -> dict[str, Page]:
    """The pages of that run."""
    return pages_of(render_run(write_run(given_entries(entries), header=of_four), policy))


def _rows(text: str) -> list[str]:
    """The rows of the table of files, as a reader sees them."""
    body = text[text.index('<table class="files"') :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    rows = re.findall("<tr.*?>(.*?)</tr>", body, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]


def test_four_rows_on_the_first_page(
    write_run: Write, of_four: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """Each with its own figures; a given file with its form and what judged it."""
    index = render_run(write_run(given_entries(entries), header=of_four), policy)
    rows = _rows(index.read_text())
    for key, row in zip(KEYS, rows, strict=True):
        ap, _, p50 = FIGURES[key]
        given = (
            f" given, {key.variant} judged by frozen.pb (an inference graph)" if key.file else ""
        )
        assert row.startswith(f"person {key.label}{given}")
        own = [f"{ap:.4f}", f"{p50:.2f}"]
        others = [f"{FIGURES[each][0]:.4f}" for each in KEYS if each != key]
        assert all(text in row for text in own), row
        assert not any(text in row for text in others), row


def test_each_file_has_a_section(pages: dict[str, Page]) -> None:
    """Of its own, also for its operating point, what quantisation costs and its latency."""
    page = pages["model-person.html"].text
    for key in KEYS[2:]:
        named = f"{key.label} given, {key.variant}"
        # Summary, accuracy, its interval, operating point, latency, checks, commands; int8 costs
        # something.
        assert page.count(named) == 7 + (key == GIVEN_INT8)
    assert page.count("Made elsewhere; judged by frozen.pb (an inference graph).") == 2
    assert "tflite vendor/detect.tflite vendor-detect.tflite.tflite" in page


def test_the_matrix_tells_given_files(pages: dict[str, Page]) -> None:
    """They were not converted, and are not counted as such."""
    text = pages["matrix.html"].text
    assert "1 model, 4 files asked for: 2 converted, 2 given, 0 refused, 0 not tried." in text
    for form, verdict in (("float", "PASS"), ("int8", "FAIL")):
        assert f"detect.tflite given, {form} {verdict} given" in text


def test_without_reference_it_is_said(
    write_run: Write, of_four: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """On the first page and on the model's own, beside the verdict and beside each file."""
    header = dataclasses.replace(of_four, given=_given(ReferenceKind.NONE))
    for name, page in pages_of(
        render_run(write_run(given_entries(entries), header=header), policy)
    ).items():
        if name != "matrix.html":
            alone = "Accuracy alone was judged of detect.tflite, vendor/detect.tflite: there is no"
            assert alone in page.text
            assert page.text.count("no reference: accuracy alone is judged") == 2, name


def test_a_given_file_that_cannot_be_opened(
    write_run: Write, of_four: Header, policy: Policy
) -> None:
    """It is among the refused, by its own name, with the reason."""
    failed = CheckResult.stopped("tflite_contract", GIVEN_INT8, ValueError("an Edge TPU file"))
    text = pages_of(render_run(write_run([failed], header=of_four), policy))["matrix.html"].text
    assert "Refused person vendor/detect.tflite: ValueError: an Edge TPU file" in text


_NAMES = st.text(
    st.one_of(
        st.sampled_from(list("<>\"'&#%?/ \\.-_ab\u9ed2\u202e")),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=60,
)


def _texts(names: Iterable[str]) -> dict[str, str]:
    """The pages of a run over a variant and files that were given under these names."""
    keys = (FLOAT, *(dataclasses.replace(INT8, file=name) for name in names))
    results = tuple(CheckResult.unknown("canaries", key, "no canary") for key in keys)
    record = Record(Header("r", "now", keys, {}, {}, {}, "0" * 64), results=results)
    policy = Policy((), {}, {}, "0" * 64)
    return render_pages(build_report(record, judge(record, policy), policy))


@settings(deadline=None)
@given(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
def test_any_name_is_shown_and_linked(names: list[str]) -> None:
    """Ids are unique and plain, every link has its place, and no name is markup."""
    pages = {name: Page(text) for name, text in _texts(names).items()}
    plain = _texts(f"{number}.tflite" for number, _ in enumerate(names))
    for name, page in pages.items():
        ids = page.values("id")
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", each) for each in ids)
        assert page.tags == Page(plain[name]).tags
        assert all(" ".join(visible(each).split()) in page.text for each in names)
        for href in page.values("href"):
            file, _, anchor = href.partition("#")
            assert not anchor or anchor in pages[file or name].values("id")
