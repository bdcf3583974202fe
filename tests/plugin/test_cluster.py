"""A run with --cluster: the record of a run without, and what it says of the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from record_figures import figures, record_lines
from session_results import Run

from validation.convert.conversion import Conversion
from validation.convert.tflite import convert
from validation.record.run import Stage

# A session inside of a test would import it and, at its end, take away what finds packages.
pytest.importorskip("distributed")


def test_record_of_a_cluster_is_that_of_one_process(over_miniature: Run, tmp_path: Path) -> None:
    """Every figure, to the last bit; the record, the page and the terminal name the cluster."""
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert over_miniature(f"--report-dir={alone}").ret == 0
    result = over_miniature(f"--report-dir={shared}", "--cluster=local:2")
    assert result.ret == 0
    assert figures(record_lines(shared)) == figures(record_lines(alone))
    (use,) = [each for each in record_lines(shared) if each["kind"] == "cluster"]
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
    (use,) = [each for each in record_lines(reports) if each["kind"] == "cluster"]
    assert (use["pieces"], use["kept"]) == (0, 50)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--cluster=local:1", "--shard=1/2"], "--cluster does not go with --shard"),
        (["--cluster=local:1", "-n2"], "--cluster does not go with -n;"),
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


def test_workers_convert(
    over_miniature: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure and every hash of a file, and no product converted in this process."""
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    here: list[Path] = []

    def noted(graph: Path, conversion: Conversion, output: Path) -> Path:
        here.extend([output] if Stage.CONVERT in output.parts else [])
        return convert(graph, conversion, output)

    monkeypatch.setattr("validation.convert.tflite.convert", noted)
    ended = over_miniature(f"--report-dir={alone}", f"--cache-dir={tmp_path / 'first'}").ret
    assert ended == 0
    assert len(here) == 4
    here.clear()
    cache = f"--cache-dir={tmp_path / 'second'}"
    assert over_miniature(f"--report-dir={shared}", cache, "--cluster=local:2").ret == 0
    assert here == []
    lines = record_lines(shared)
    assert figures(lines) == figures(record_lines(alone))
    assert _files(lines) == _files(record_lines(alone))
    assert len(_files(lines)) == 2
    (use,) = [each for each in lines if each["kind"] == "cluster"]
    # Both files, and float with other flags twice.
    assert (use["conversions"], use["failed"]) == (4, [])
    steps = [each for each in lines if each["kind"] == "step" and each["stage"] == "convert"]
    assert sorted(each["step"] for each in steps) == [
        "convert float",
        "convert float, fast NMS",
        "convert float, guide's defaults",
        "convert raw",
    ]
    assert not any(each["cached"] for each in steps)


def test_conversion_that_fails_is_the_same_failure(over_miniature: Run, tmp_path: Path) -> None:
    """The checks convert what no worker could, and say what stops them."""
    dark = tmp_path / "dark"
    dark.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 64)).save(dark / f"{number}.png")
    options = ["--variant", "int8", f"--representative-images={dark}"]
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    over_miniature(*options, f"--report-dir={alone}")
    over_miniature(*options, f"--report-dir={shared}", "--cluster=local:1")
    assert any("calibration input spans" in each for each in figures(record_lines(shared)))
    assert figures(record_lines(shared)) == figures(record_lines(alone))
    (use,) = [each for each in record_lines(shared) if each["kind"] == "cluster"]
    assert (use["conversions"], use["failed"]) == (0, ["mini, convert int8"])


def _files(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Hash of each converted file, by its name."""
    return {
        each["name"]: each["sha256"]
        for each in lines
        if each["kind"] == "artefact" and each["name"].endswith(".tflite")
    }
