"""From a run's record to HTML pages that need nothing but a browser.

Only ``record.jsonl`` is read, so a report can be made anew on a machine that could
not have made the run.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from validation.files.atomic import write_text_atomic
from validation.policy.load import Policy
from validation.record import (
    diagnosis_words,
    divergence_words,
    formatting,
    given_files,
    quantisation_cost,
)
from validation.record.formatting import NO_GROUND_TRUTH, NOTHING
from validation.record.history import History, read_history
from validation.record.pictures import GROUND_TRUTH
from validation.record.store import Record
from validation.report import (
    charts,
    evidence_table,
    index,
    interval_tables,
    operating_tables,
    own_limits,
    quantisation_tables,
    time_table,
    views,
)
from validation.report.matrix import LEGEND
from validation.report.trends import HEIGHT, MOST_RUNS, WIDTH, trends
from validation.report.views import Report, build_report
from validation.report.visible import visible
from validation.signoff import findings, shipping
from validation.signoff.rules import Judgement

_HERE = Path(__file__).parent
INDEX_NAME = "index.html"
MATRIX_NAME = "matrix.html"

# How the templates choose, measure and write what they show of a record's entries.
_FILTERS: tuple[Callable[..., Any], ...] = (
    diagnosis_words.describe_diagnosis,
    diagnosis_words.next_step,
    charts.draw_boxes,
    charts.font_size,
    charts.label_height,
    evidence_table.evidence_table,
    findings.reason,
    formatting.coco_delta,
    formatting.coco_figure,
    formatting.duration,
    formatting.headroom,
    formatting.id_ranges,
    divergence_words.describe_divergence,
    formatting.interval,
    formatting.per_cent,
    formatting.limit_reason,
    formatting.milliseconds,
    formatting.number,
    formatting.plural,
    formatting.size,
    formatting.used_percent,
    formatting.value_and_limit,
    given_files.without_reference,
    index.file_link,
    index.latency,
    index.reference_name,
    index.threads_beside,
    index.threads_judged,
    interval_tables.difference_name,
    interval_tables.interval_text,
    math.prod,
    operating_tables.lost_interval,
    operating_tables.lost_text,
    own_limits.own_limits,
    quantisation_cost.representable,
    quantisation_tables.decibels,
    quantisation_tables.percent,
    quantisation_tables.rmse_in_steps,
    quantisation_tables.span,
    quantisation_tables.stored_as,
    shipping.describe,
    time_table.time_table,
    views.circumstances,
    views.counts,
    views.environment,
    views.short_subject,
    views.subject,
)


def render_report(run_dir: Path, record: Record, judgement: Judgement, policy: Policy) -> Path:
    """Write index.html, matrix.html and one page a model beside the record.

    Args:
        run_dir: Folder of the run.
        record: As it was read; one without footer is shown as unfinished.
        judgement: Of that record.
        policy: That it was judged with.

    Returns:
        Path of index.html, written last, so that it never links to what is not there.
    """
    history = read_history(run_dir.absolute().parent, MOST_RUNS)
    pages = render_pages(build_report(record, judgement, policy), history)
    for name, text in pages.items():
        write_text_atomic(run_dir / name, text)
    return run_dir / INDEX_NAME


def render_pages(report: Report, history: History | None = None) -> dict[str, str]:
    """The text of every page by file name, the index last.

    Args:
        report: What they show.
        history: Of the runs before; None where it is not known.
    """
    environment = _environment()
    shared = {
        **_inlined(),
        "index": report.index,
        "index_name": INDEX_NAME,
        "matrix_name": MATRIX_NAME,
    }
    page = environment.get_template("model.html")
    run, past = report.index.record.header.run, history or History()
    pages = {
        view.file_name: page.render(
            page=view, trends=trends(past, run, [each.key for each in view.subjects]), **shared
        )
        for view in report.pages
    }
    pages[MATRIX_NAME] = environment.get_template("matrix.html").render(
        matrix=report.matrix, legend=LEGEND, **shared
    )
    pages[INDEX_NAME] = environment.get_template("index.html").render(**shared)
    return pages


def render_page(template: str, **given: Any) -> str:
    """One page of its own, in the style of a run's pages.

    Args:
        template: File name among the templates.
        given: What it shows.
    """
    return _environment().get_template(template).render(**_inlined(), **given)


@functools.cache
def _inlined() -> dict[str, str]:
    """Sheet and script of every page, and what lets a browser run that script and no other."""
    sheets = ("report.css", "first_page.css", "model_page.css")
    *styles, script = (
        (_HERE / name).read_text(encoding="utf-8") for name in (*sheets, "report.js")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"css": "".join(styles), "script": script, "script_hash": f"sha256-{digest}"}


@functools.cache
def _environment() -> jinja2.Environment:
    """The templates, each compiled once a process."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {each.__name__: each for each in _FILTERS}
    environment.globals |= {
        "nothing": NOTHING,
        "trend_width": WIDTH,
        "trend_height": HEIGHT,
        "no_ground_truth": NO_GROUND_TRUTH,
        "ground_truth": GROUND_TRUTH,
    }
    return environment
