"""The page of two runs: what differs, whose it is, and where it is on the later run's pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page
from shown_names import HOSTILE
from shown_runs import write_shown_comparison, write_shown_run


@pytest.fixture(scope="module")
def folder(made_once: Callable[..., Path]) -> Path:
    """The runs `pass`, `fail` and `hostile`, each with a comparison with the first.

    And `again`, as good as the first one, compared with the one that failed.
    """

    def write(folder: Path) -> None:
        earlier = write_shown_run(folder / "pass")
        write_shown_comparison(earlier, earlier)
        later = write_shown_run(folder / "fail", fails=True, run="2026-01-03-night")
        write_shown_comparison(earlier, later)
        again = write_shown_run(folder / "again", run="2026-01-04-night")
        write_shown_comparison(later, again)
        hostile = write_shown_run(folder / "hostile", fails=True, names=HOSTILE, run="<b>x")
        write_shown_comparison(earlier, hostile)

    return made_once("compared-runs", write)


def _page(run: Path) -> Page:
    return Page((run / "compare.html").read_text(encoding="utf-8"))


def test_a_run_with_itself(folder: Path) -> None:
    """Nothing differs, and the page says under which headings."""
    page = _page(folder / "pass")
    assert "No change" in page.text
    assert "Nothing under: Worse, Changed, Better, Run under other conditions." in page.text
    assert "table" not in page.tags


def test_a_worse_run(folder: Path) -> None:
    """Worse things with their values before and after, and nothing for the better."""
    page = _page(folder / "fail")
    assert "9 changes, 6 for the worse, 0 for the better" in page.text
    assert "Latency is not compared" in page.text
    assert "Times both files in one process: validation run --baseline RUN" in page.text
    for text in (
        "Worse (6)",
        "AP of int8 .tflite ssd_mobilenet_v2-int8 0.4300 0.3381 -0.0919",
        "accuracy ssd_mobilenet_v2-int8 PASS FAIL",
        "verdict ssd_mobilenet_v2-int8 PASS FAIL raw_parity, accuracy",
        "Changed (3)",
        "diagnosis ssd_mobilenet_v2-int8 \u2014 .tflite: batch norm has another epsilon",
        "Nothing under: Better.",
    ):
        assert text in page.text
    assert "ssd_mobilenet_v2-float" not in page.text


def test_what_got_better_has_a_table_of_its_own(folder: Path) -> None:
    """With what the earlier run said of it."""
    page = _page(folder / "again")
    _, _, better = page.text.partition("Better (5)")
    better, _, around = better.partition("Run under other conditions")
    for text in (
        "verdict run FAIL PASS",
        "accuracy ssd_mobilenet_v2-int8 FAIL PASS ap_drop is 0.0931",
        "AP of int8 .tflite ssd_mobilenet_v2-int8 0.3381 0.4300 +0.0919",
    ):
        assert text in better
    # That one run alone had a baseline is said once, and by no file.
    assert around.count("baseline") == page.text.count("baseline") - page.text.count("--baseline")


def test_links_lead_somewhere(folder: Path) -> None:
    """To both runs' first pages, and to each subject's section of the later run."""
    links = _page(folder / "fail").values("href")
    assert {"../pass/index.html", "index.html"} <= set(links)
    assert "model-ssd_mobilenet_v2.html#int8" in links
    for link in links:
        name, _, anchor = link.partition("#")
        text = (folder / "fail" / name).read_text(encoding="utf-8")
        assert not anchor or anchor in Page(text).values("id")


def test_any_name_is_text(folder: Path) -> None:
    """What others called something opens no element and no attribute."""
    page = _page(folder / "hostile")
    for name in (HOSTILE.model, HOSTILE.file, HOSTILE.option, "<b>x"):
        assert " ".join(name.split()) in page.text
    assert not {"img", "iframe", "svg", "b"} & page.tags
    assert len(page.scripts) == 1
