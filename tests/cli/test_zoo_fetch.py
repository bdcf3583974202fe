"""zoo fetch copies a model where somebody can work on it, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.cli import main

Capture = pytest.CaptureFixture[str]


def test_copy_of_a_bundled_model(tmp_path: Path, capsys: Capture) -> None:
    """The folder is printed, its files are the archive's, and nothing else stands beside it."""
    target = tmp_path / "new" / "models"
    flags = [f"--cache_dir={tmp_path / 'cache'}", f"--output_directory={target}"]
    assert main(["zoo", "fetch", "ssd_mobilenet_v1_ppn", *flags]) == 0
    assert capsys.readouterr().out == f"{target / 'ssd_mobilenet_v1_ppn'}\n"
    assert [path.name for path in target.iterdir()] == ["ssd_mobilenet_v1_ppn"]
    names = {path.name for path in (target / "ssd_mobilenet_v1_ppn").iterdir()}
    assert {"pipeline.config", "frozen_inference_graph.pb", "model.ckpt.index"} <= names


def test_nothing_is_replaced(tmp_path: Path, capsys: Capture) -> None:
    """What is there already stays, and the others are still fetched."""
    own = tmp_path / "models" / "ssd_mobilenet_v1_ppn"
    own.mkdir(parents=True)
    (own / "mine.txt").write_text("kept")
    flags = [f"--cache_dir={tmp_path / 'cache'}", f"--output_directory={tmp_path / 'models'}"]
    models = ["ssd_mobilenet_v1_ppn", "ssdlite_mobilenet_v2"]
    assert main(["zoo", "fetch", *models, *flags]) == 1
    out, err = capsys.readouterr()
    assert "the target exists already" in err
    assert out == f"{tmp_path / 'models' / 'ssdlite_mobilenet_v2'}\n"
    assert [path.name for path in own.iterdir()] == ["mine.txt"]


def test_repeated_copy_is_used_as_it_is(tmp_path: Path, capsys: Capture) -> None:
    """The same files are no reason to refuse, others are, and they stay."""
    flags = [f"--cache_dir={tmp_path / 'cache'}", f"--output_directory={tmp_path / 'models'}"]
    own = tmp_path / "models" / "ssd_mobilenet_v1_ppn"
    for _ in range(2):
        assert main(["zoo", "fetch", own.name, *flags]) == 0
        assert capsys.readouterr().out == f"{own}\n"
    config = own / "pipeline.config"
    config.write_text("mine")
    assert main(["zoo", "fetch", own.name, *flags]) == 1
    assert "exists already, with other files" in capsys.readouterr().err
    assert config.read_text() == "mine"


def test_damaged_cache_is_said(tmp_path: Path, capsys: Capture) -> None:
    """What was unpacked earlier and is not the same any more is unpacked again."""
    flags = [f"--cache_dir={tmp_path / 'cache'}"]
    assert main(["zoo", "fetch", "ssd_mobilenet_v1_ppn", *flags]) == 0
    folder = Path(capsys.readouterr().out.strip())
    graph = folder / "frozen_inference_graph.pb"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + b"?")
    assert main(["zoo", "fetch", "ssd_mobilenet_v1_ppn", *flags]) == 0
    assert "frozen_inference_graph.pb in the cache had changed since it was made" in (
        capsys.readouterr().err
    )
    assert graph.read_bytes() == whole
    assert main(["zoo", "fetch", "ssd_mobilenet_v1_ppn", *flags]) == 0
    assert "changed" not in capsys.readouterr().err
