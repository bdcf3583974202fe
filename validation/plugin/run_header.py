"""What a session was asked for: shown at its beginning, and the first line of its record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from validation.coco.dataset import Dataset
from validation.files.terminal import printable
from validation.plugin.command_line import command_line, workers_of
from validation.plugin.state import STATE
from validation.record.dataset_kind import DatasetKind
from validation.record.formatting import plural
from validation.record.machine_facts import machine_facts
from validation.record.run import Header
from validation.record.until_decided_words import describe_stop
from validation.workspace.session import Session
from validation.workspace.surroundings import package_versions
from validation.workspace.synthetic import GROUP


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The resolved options of a suite run."""
    if STATE not in config.stash:
        return []
    state = config.stash[STATE]
    options = [f"{name}: {value}" for name, value in _options(config, state).items()]
    notices = () if state.dataset is None else state.dataset.notices
    lines = [
        ", ".join(options),
        *(f"labelled images: {notice.describe()}" for notice in notices),
        *state.notes,
    ]
    return [printable(f"validation: {line}") for line in lines]


def header_of(config: pytest.Config, state: Session, run: str, started: datetime) -> Header:
    """The record's first line: all that the figures of a session depend on."""
    return Header(
        run=run,
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        selection=tuple(state.keys),
        options=_options(config, state),
        versions=package_versions(),
        machine=machine_facts(),
        policy_sha256=state.policy.sha256,
        policy_overlay=state.policy.overlay,
        dataset=None if state.dataset is None else state.dataset.facts(),
        given=tuple(each.for_header(state.feed) for each in state.candidates),
        command_line=command_line(config),
        until_decided=state.until_decided,
        structure_only=tuple(entry.name for entry in state.entries if entry.group == GROUP),
    )


def _options(config: pytest.Config, state: Session) -> dict[str, str]:
    option = config.getoption
    data = state.dataset
    return {
        "zoo": option("--zoo") if state.judged_by is None else "none",
        "models": " ".join(dict.fromkeys(key.model for key in state.keys)),
        **_given_options(state),
        "variants": " ".join(dict.fromkeys(key.variant for key in state.keys)),
        "labelled images": "none"
        if data is None
        else f"{data.name}, {plural(len(data.images), 'image')}"
        + _source(data)
        + _box_format(config)
        + (f", {data.set_apart} more to calibrate with" if data.set_apart else ""),
        **(
            {}
            if state.until_decided is None
            else {"until decided": describe_stop(state.until_decided)}
        ),
        "canaries": str(len(state.canaries)),
        "representative images": "none"
        if state.representative is None
        else state.representative.describe(),
        "uint8 input": str(state.input_stats or "as each extractor's preprocessing"),
        "policy": Path(option("--policy") or "built in").name,
        "label map": "the archive's own"
        if state.labels is None
        else f"{state.labels.source}, {plural(state.labels.count, 'name')}",
        "lock file": state.lock_file.name if state.lock_file else "in the cache",
        "offline": "yes" if state.offline else "no",
        **({"share": str(state.share)} if state.share else {}),
        **({"baseline": state.baseline.path.name} if state.baseline else {}),
        **({"workers": str(workers)} if (workers := workers_of(config)) else {}),
    }


def _given_options(state: Session) -> dict[str, str]:
    if not state.candidates:
        return {}
    by = state.judged_by
    path = None if by is None else by.packed or by.path
    judge = "the archive's graph" if by is None else "none" if path is None else path.name
    return {
        "given files": " ".join(each.key.file for each in state.candidates),
        "reference": judge,
        **({"feed of given files, as stated": state.feed.describe()} if state.feed else {}),
    }


def _source(data: Dataset) -> str:
    """What a data set was read from, where it is not COCO's json, the usual one."""
    return "" if data.kind is DatasetKind.COCO else f" from {data.kind} ({data.parts})"


def _box_format(config: pytest.Config) -> str:
    stated = config.getoption("--box-format")
    return "" if stated is None else f", boxes as {stated}"
