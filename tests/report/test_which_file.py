"""The first page says which file is to be shipped, and links it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, pages_of, render_run

from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import CheckResult
from validation.report.index import file_link

Write = Callable[..., Path]


@pytest.fixture
def index(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> Page:
    """Of the example run: float passes, int8 fails."""
    return pages_of(render_run(write_run(entries), policy))["index.html"]


def test_the_file_its_hash_and_the_reason(index: Page) -> None:
    """In the row of the file: why, sha256 and what lies beside it."""
    assert (
        "to ship person-float.tflite the only file that passes sha256 and what goes with it "
        f"{'d4' * 32} feeding facts labels" in index.text
    )
    assert "the smallest one: nothing else was asked for" in index.text
    links = index.values("href")
    for name in ("person-float.tflite", "person-float.tflite.json", "person.labels.txt"):
        assert f"files/{name}" in links
    # One file is marked.
    assert index.text.count(" to ship ") == 1
    assert links.count("files/person-float.tflite") == 2


def test_where_nothing_passes_the_page_says_so(
    write_run: Write, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """With the verdict of each file; and marks none."""
    failed = [
        CheckResult.failed(each.check, each.key, "broken")
        if isinstance(each, CheckResult)
        else each
        for each in entries
    ]
    page = pages_of(render_run(write_run(failed), policy))["index.html"]
    assert "none: float FAIL, int8 FAIL" in page.text
    assert " to ship " not in page.text


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("files/m-float.tflite", "files/m-float.tflite"),
        ("files/a b#c?d%.tflite", "files/a%20b%23c%3Fd%25.tflite"),
        ('files/"><b>.tflite', "files/%22%3E%3Cb%3E.tflite"),
        ("", ""),
        ("files", ""),
        ("files/../../etc/passwd", ""),
        ("/etc/passwd", ""),
        ("//host/files/x", ""),
        ("javascript:alert(1)/x", ""),
        ("evidence/x.npz", ""),
    ],
)
def test_a_link_never_leaves_the_files_of_the_run(path: str, link: str) -> None:
    """A record can come from anywhere; what it calls a file may be no such path."""
    artefact = Artefact("m", ArtefactRole.TFLITE, "float", "x", "d4" * 32, 1, path=path)
    assert file_link(artefact) == link
