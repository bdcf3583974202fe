"""The suites over a small package's own model and scenes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_ENTRY = """\
version = 1

[[model]]
name = "mini"
group = "bundled"
description = "a small one"
licence = "Apache-2.0"
origin = "drawn"
sha256 = "{sha256}"
size_bytes = {size_bytes}
labels = {{ 1 = "square", 2 = "disc" }}
source = {{ kind = "package", member = "mini.tar.gz" }}
"""
_LITTLE_EVIDENCE = Path(__file__).parents[1] / "support" / "little_evidence.toml"
# 8 bits save nothing in a file of 20 kB: these are for models of true size.
_VARIANTS = ("--variant", "float", "--variant", "raw")


@pytest.fixture
def own(tmp_path: Path, miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one model in the place of this one."""
    from bundled_stand_in import install, lay_out_bundled

    from validation.zoo.integrity import digest_file

    folder = lay_out_bundled(tmp_path / "bundled", miniature)
    digest = digest_file(folder / "mini.tar.gz")
    text = _ENTRY.format(sha256=digest.sha256, size_bytes=digest.size_bytes)
    install(folder, text, monkeypatch)
    return folder


def test_group_brings_its_own_images(own: Path, session: Any, miniature: MiniatureFiles) -> None:
    """Without an option: models, scenes, canaries and calibration of the package, all named."""
    assert own.is_dir()
    evidence = (f"--policy={_LITTLE_EVIDENCE}",)
    result = session.run("--offline", "--cache-dir", miniature.cache, *_VARIANTS, *evidence)
    assert result.ret == 0
    assert any("verdict: PASS" in line for line in result.outlines)
    result.stdout.fnmatch_lines(
        [
            "validation: zoo: bundled, models: mini, variants: float raw, "
            "labelled images: bundled scenes, 6 images, canaries: 2, representative images: "
            "6 of bundled calibration scenes, *offline: yes"
        ]
    )
    assert session.lines()[0]["dataset"]["name"] == "bundled scenes"
    assert session.lines()[0]["dataset"]["images"] == 6
    for variant in ("float", "raw"):
        canaries = session.checks()["canaries", variant]
        assert canaries["status"] == "pass"
        tried = {measure["name"]: measure["value"] for measure in canaries["measures"]}
        assert tried["canaries"] == 2
        assert session.checks()["accuracy", variant]["status"] == "pass"
    assert "accuracy on 6 images of bundled scenes" in session.page()
    assert "bundled scenes, 6 images" in session.page()


def test_variants_without_an_option(own: Path, session: Any, miniature: MiniatureFiles) -> None:
    """A float model in all five forms, since there are scenes to calibrate with."""
    assert own.is_dir()
    result = session.run("--collect-only", "-q", "--cache-dir", miniature.cache)
    found = {match[1] for line in result.outlines if (match := re.search(r"\[mini-(.+)\]$", line))}
    assert found == {"float", "raw", "float16", "dynamic", "int8"}


def test_help_names_the_group(own: Path, session: Any) -> None:
    """It is one of those to choose from."""
    assert own.is_dir()
    text = " ".join(session.run("--help").stdout.str().split())
    assert "models to test: bundled, person, tf1, synthetic, or a folder" in text


def test_without_models_there_is_no_such_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: Any
) -> None:
    """An installation that lists no model does not offer it."""
    from bundled_stand_in import install

    install(tmp_path / "bundled", "version = 1\nmodel = []\n", monkeypatch)
    text = " ".join(session.run("--help").stdout.str().split())
    assert "models to test: person, tf1, synthetic, or a folder" in text
    result = session.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_damaged_installation_ends_in_one_line(own: Path, session: Any) -> None:
    """Lost scenes are no reason to sign with less: the session does not start."""
    (own / "scenes" / "annotations.json").unlink()
    result = session.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [line for line in [*result.outlines, *result.errlines] if "ERROR" in line]
    assert len(told) == 1
    assert "installed without its data" in told[0]
    assert not session.reports.exists()
