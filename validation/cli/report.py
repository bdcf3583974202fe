"""``python -m validation report``: the pages of a run, made again from its record."""

from __future__ import annotations

import argparse
from pathlib import Path

from validation.cli.flags import Commands, add_json, add_parser
from validation.cli.output import print_json, print_line
from validation.errors import UsageError
from validation.kinds.kind import Kind, Wanted
from validation.kinds.refusal import require_kind
from validation.record.leftovers import sweep_run
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import render_report
from validation.signoff.rules import judge, policy_of


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "report",
        "make the HTML pages of a run again from its record",
        "Judge a record by today's policy with the run's own changes and write its pages beside "
        "it. The record alone is read: no model, no image, no TensorFlow.",
        "reports/2026-01-31T02-00-00Z-4711",
        _report,
    )
    parser.add_argument(
        "record", type=Path, metavar="RECORD", help=f"folder of a run, or its {RECORD_NAME}"
    )
    add_json(parser)


def record_path(path: Path) -> Path:
    """The record that is meant by a run's folder or by the file itself.

    Raises:
        UsageError: Something else; or a record of another name: its pages could not stand beside
            it.
    """
    if path.exists():
        found = require_kind(path, Wanted.RUN, UsageError)
        if found.kind is not Kind.RECORD:
            return path / RECORD_NAME
    if path.name != RECORD_NAME:
        raise UsageError("not a record of a run", expected=f"a folder with {RECORD_NAME}", got=path)
    return path


def _report(options: argparse.Namespace) -> None:
    path = record_path(options.record)
    sweep_run(path.parent)
    record = load_record(path, allow_unfinished=True)
    policy = policy_of(record)
    judgement = judge(record, policy)
    index = render_report(path.parent, record, judgement, policy)
    if options.json:
        print_json({"verdict": judgement.run.status, "page": str(index)})
    else:
        print_line(f"verdict: {judgement.run.describe()}")
        print_line(index)
