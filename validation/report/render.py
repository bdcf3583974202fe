"""From a run's record to HTML pages that need nothing but a browser.

Only ``record.jsonl`` is read, so a report can be made anew on a machine that could
not have made the run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import jinja2

from validation.files.atomic import write_text_atomic
from validation.policy.load import Policy
from validation.record import formatting
from validation.record.store import RECORD_NAME, load_record
from validation.report.accuracy_table import FIGURE_TITLES
from validation.report.matrix import LEGEND
from validation.report.views import Report, build_report
from validation.signoff.rules import judge, policy_of

_HERE = Path(__file__).parent
INDEX_NAME = "index.html"
MATRIX_NAME = "matrix.html"


def render_report(run_dir: Path, policy: Policy | None = None) -> Path:
    """Write index.html, matrix.html and one page a model beside the record.

    Args:
        run_dir: Folder of the run; a record without footer is shown as unfinished.
        policy: Judges the record; when None, the built-in one with the run's own changes.

    Returns:
        Path of index.html, written last, so that it never links to what is not there.

    Raises:
        ArtefactMissing: No record in the folder.
        RecordError: A record that cannot be trusted.
    """
    path = run_dir / RECORD_NAME
    record = load_record(path, allow_unfinished=True)
    policy = policy or policy_of(record)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    report = build_report(record, judge(record, policy), policy, sha256)
    pages = render_pages(report)
    for name, text in pages.items():
        write_text_atomic(run_dir / name, text)
    return run_dir / INDEX_NAME


def render_pages(report: Report) -> dict[str, str]:
    """The text of every page by file name, the index last."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (_HERE / "report.css").read_text(encoding="utf-8")
    shared = {
        "css": css,
        "index": report.index,
        "index_name": INDEX_NAME,
        "matrix_name": MATRIX_NAME,
    }
    page = environment.get_template("model.html")
    pages = {
        view.file_name: page.render(page=view, figure_titles=FIGURE_TITLES, **shared)
        for view in report.pages
    }
    pages[MATRIX_NAME] = environment.get_template("matrix.html").render(
        matrix=report.matrix, legend=LEGEND, nothing=formatting.NOTHING, **shared
    )
    pages[INDEX_NAME] = environment.get_template("index.html").render(**shared)
    return pages
