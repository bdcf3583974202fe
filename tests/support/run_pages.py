"""The pages of a run, made from its folder as ``validation report`` makes them."""

from __future__ import annotations

from pathlib import Path

from validation.policy.load import Policy
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import render_report
from validation.signoff.rules import judge, policy_of


def render_run(run_dir: Path, policy: Policy | None = None) -> Path:
    """Read, judge and render one run.

    Returns:
        Path of index.html.
    """
    record = load_record(run_dir / RECORD_NAME, allow_unfinished=True)
    policy = policy or policy_of(record)
    return render_report(run_dir, record, judge(record, policy), policy)
