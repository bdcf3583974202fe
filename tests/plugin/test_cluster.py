"""A run with --cluster: the record of a run without, and what it says of the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from session_results import Run

# A session inside of a test would import it and, at its end, take away what finds packages.
pytest.importorskip("distributed")

# What another run of the same says otherwise.
_OF_ONE_RUN = {"seconds", "samples_ms", "started", "finished", "run", "path"}
_KINDS_OF_ONE_RUN = {"header", "step", "footer", "cluster", "timing"}


def _lines(reports: Path) -> list[dict[str, Any]]:
    (path,) = reports.glob("*/record.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _figures(lines: list[dict[str, Any]]) -> list[str]:
    """All entries but times, in an order of their own."""

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stripped(each) for key, each in value.items() if key not in _OF_ONE_RUN}
        return [stripped(each) for each in value] if isinstance(value, list) else value

    kept = [
        each
        for each in lines
        if each["kind"] not in _KINDS_OF_ONE_RUN and each.get("check") != "latency"
    ]
    return sorted(json.dumps(stripped(each), sort_keys=True) for each in kept)


def test_record_of_a_cluster_is_that_of_one_process(over_miniature: Run, tmp_path: Path) -> None:
    """Every figure, to the last bit; the record, the page and the terminal name the cluster."""
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert over_miniature(f"--report-dir={alone}").ret == 0
    result = over_miniature(f"--report-dir={shared}", "--cluster=local:2")
    assert result.ret == 0
    assert _figures(_lines(shared)) == _figures(_lines(alone))
    (use,) = [each for each in _lines(shared) if each["kind"] == "cluster"]
    assert use["address"] == "local:2"
    assert [each["workers"] for each in use["machines"]] == [2]
    # The reference, both files, and float with other flags twice.
    assert use["images"] == 5 * 10
    assert use["lost"] == use["failed"] == []
    line = "cluster local:2: 5 pieces of 50 images, by 2 workers on 1 machine"
    assert line in result.outlines
    (page,) = shared.glob("*/index.html")
    assert line in page.read_text()


def test_pieces_go_when_the_run_has_ended(
    over_miniature: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept for a run that did not: what is detected is evidence of one that did."""
    kept: list[Path] = []
    removed = "validation.plugin.cluster.shutil.rmtree"
    with monkeypatch.context() as first:
        first.setattr(removed, lambda folder, **_: kept.append(Path(folder)))
        assert over_miniature("--cluster=local:1", f"--report-dir={tmp_path / 'first'}").ret == 0
    (folder,) = {path for path in kept if path.parent.name == "cluster-pieces"}
    assert len(list(folder.glob("*.piece.npz"))) == 5
    reports = tmp_path / "second"
    assert over_miniature("--cluster=local:1", f"--report-dir={reports}").ret == 0
    (use,) = [each for each in _lines(reports) if each["kind"] == "cluster"]
    assert (use["pieces"], use["kept"]) == (0, 50)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--cluster=local:1", "--shard=1/2"], "--cluster does not go with --shard"),
        (["--cluster=local:1", "--until-decided"], "--cluster does not go with --until-decided"),
        (["--cluster=nowhere"], "must be local, local:N, tcp://HOST:PORT or a scheduler file"),
        (["--cluster-images=s3://bucket/x"], "--cluster-images is of a cluster; add --cluster"),
        (["--cluster=tcp://127.0.0.1:9"], "no scheduler answers (tcp://127.0.0.1:9)"),
    ],
)
def test_what_cannot_be_used_ends_in_one_line(
    options: list[str], why: str, over_miniature: Run, tmp_path: Path
) -> None:
    """Wrong use of options, or an address where nothing is: no trace, and no report."""
    policy = tmp_path / "policy.toml"
    reason = 'reason = "nobody waits in a test"'
    policy.write_text(f"version = 1\n[setting.cluster_worker_seconds]\nvalue = 1\n{reason}\n")
    reports = tmp_path / "reports"
    result = over_miniature(*options, "--policy", policy, f"--report-dir={reports}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = [*result.errlines, *result.outlines]
    assert any(why in line for line in said), said
    assert not any("Traceback" in line for line in said)
    assert not list(reports.glob("*/index.html"))
