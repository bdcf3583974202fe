"""The first page says which file is to be shipped, and links it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, pages_of, render_run

from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole, Header
from validation.record.types import CheckResult, ModelKey
from validation.report.index import file_link

Write = Callable[..., Path]


@pytest.fixture
def index(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> Page:
    """Of the example run: float passes, int8 fails."""
    return pages_of(render_run(write_run(entries), policy))["index.html"]


def test_the_file_its_hash_and_the_reason(index: Page) -> None:
    """In one row: file, what lies beside it, sha256, size, latency and why."""
    assert (
        "person person-float.tflite PASS feeding facts labels "
        f"{'d4' * 32} 12.18 MB 9.75 the only file that passes" in index.text
    )
    assert "the smallest one: nothing else was asked for" in index.text
    links = index.values("href")
    for name in ("person-float.tflite", "person-float.tflite.json", "person.labels.txt"):
        assert f"files/{name}" in links
    # The section stands before the tables, and its file is marked in them.
    assert index.text.index("Which file") < index.text.index("What was tested")
    assert index.text.count("to ship") == 1
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
    assert "to ship" not in page.text


def test_many_models_unfold(write_run: Write, header: Header, policy: Policy) -> None:
    """What was tested stays in sight."""
    selection = tuple(ModelKey(f"m{number}", "float") for number in range(20))
    run = write_run([], header=dataclasses.replace(header, selection=selection))
    page = render_run(run, policy).read_text()
    assert "<summary>0 of 20 models with a file to ship</summary>" in page


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
