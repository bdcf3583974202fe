"""A run made in shares and joined is the run of one machine, and nothing else is joined."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from record_figures import figures, record_lines
from session_results import Run, verdict

from validation.errors import ValidationError
from validation.pieces.merging import require_whole
from validation.record.share_files import ShareFolder, load_shares

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles


@pytest.fixture
def shares(over_miniature: Run, tmp_path: Path) -> Callable[[int], list[Path]]:
    """Make a run in some shares; gives the folder of each."""

    def made(count: int) -> list[Path]:
        folders = []
        for number in range(1, count + 1):
            reports = tmp_path / f"share{number}"
            result = over_miniature(f"--shard={number}/{count}", f"--report-dir={reports}")
            assert result.ret == 0
            (folder,) = reports.iterdir()
            folders.append(folder)
        return folders

    return made


@pytest.mark.parametrize("count", [1, 8])
def test_joined_shares_are_one_run(
    shares: Callable[[int], list[Path]], over_miniature: Run, tmp_path: Path, count: int
) -> None:
    """Every figure, to the last bit; the record says what it is joined from."""
    folders = shares(count)
    pieces = [f"--pieces={folder}" for folder in folders]
    result = over_miniature(*pieces, f"--report-dir={tmp_path / 'joined'}")
    assert verdict(result) == "PASS"
    joined = record_lines(tmp_path / "joined")
    over_miniature(f"--report-dir={tmp_path / 'alone'}")
    assert figures(joined) == figures(record_lines(tmp_path / "alone"))
    parts = [line for line in joined if line["kind"] == "joined_share"]
    assert [part["number"] for part in parts] == list(range(1, count + 1))
    assert sum(part["pieces"] for part in parts) >= 3
    result.stdout.fnmatch_lines([f"joined from {count} shares, one kind of machine*"])
    (page,) = (tmp_path / "joined").glob("*/index.html")
    assert f"joined from {count} shares" in page.read_text()


def test_a_joined_run_detects_nothing_itself(
    shares: Callable[[int], list[Path]],
    over_miniature: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the shares have made is neither run nor matched again."""
    pieces = [f"--pieces={folder}" for folder in shares(2)]

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr("validation.workspace.image_runs.make_piece", refused)
    monkeypatch.setattr("validation.checks.scored_sides.evaluate_with_matches", refused)
    fresh = f"--cache-dir={tmp_path / 'cache'}"
    result = over_miniature(*pieces, fresh, f"--report-dir={tmp_path / 'joined'}")
    assert verdict(result) == "PASS"


def test_a_share_gives_no_verdict(over_miniature: Run, tmp_path: Path) -> None:
    """It is no record of a run: nothing can sign, compare or show it."""
    result = over_miniature("--shard=1/2", f"--report-dir={tmp_path}")
    assert not [line for line in result.outlines if line.startswith("verdict")]
    result.stdout.fnmatch_lines(["share 1/2: * no verdict; `validation merge` joins shares"])
    assert not list(tmp_path.glob("*/record.jsonl"))
    assert not list(tmp_path.glob("*/index.html"))


def test_what_a_share_could_not_make_is_said_and_made_again(
    over_miniature: Run, miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """The file fails where it is judged, by its own error."""
    zoo = tmp_path / "zoo"
    shutil.copytree(miniature.zoo, zoo)
    (graph,) = zoo.rglob("frozen_inference_graph.pb")
    graph.write_bytes(graph.read_bytes()[:1000])
    reports = tmp_path / "share"
    shared = over_miniature(f"--zoo={zoo}", "--shard=1/1", f"--report-dir={reports}")
    assert shared.ret == 1
    joined = over_miniature(
        f"--zoo={zoo}", f"--pieces={reports}", f"--report-dir={tmp_path / 'joined'}"
    )
    assert verdict(joined) == "FAIL"
    joined.stdout.fnmatch_lines(["share 1/1 could not make a piece, so it was made here: mini*"])


def _said(folders: list[Path]) -> str:
    with pytest.raises(ValidationError) as caught:
        require_whole([share for folder in folders for share in load_shares(folder)])
    return str(caught.value)


def _rewrite(folder: Path, kind: str, **changes: object) -> None:
    path = folder / "share.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["kind"] == kind:
            line.update(changes)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_other_shares_are_refused_by_name(
    shares: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    """Missing, twice, of another number, damaged, not ended, or made of anything else."""
    one, two, three = shares(3)
    assert "1 of 3 shares missing: expected all 3, got no 2/3" in _said([one, three])
    twice = _said([one, two, two, three])
    assert f"share 2 of 3 twice: expected each share once, got {two} and {two}" in twice

    def changed(kind: str, **changes: object) -> str:
        other = tmp_path / "changed"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(two, other)
        _rewrite(other, kind, **changes)
        return _said([one, other, three])

    assert "other numbers of shares" in changed("share", count=4)
    assert "a share that did not end" in changed("footer", interrupted_by="SIGTERM")
    assert "the policy of the shares" in changed("header", policy_sha256="00" * 32)
    (load,) = load_shares(two)
    versions = {**load.header.versions, "pillow": "0.1"}
    said = changed("header", versions=versions)
    assert "the versions of the shares are not the same" in said
    assert "pillow 0.1" in said
    data = {"name": "other", "sha256": "00" * 32, "images": 6, "annotations": 2}
    whole = json.loads((two / "share.jsonl").read_text().splitlines()[0])["dataset"]
    assert "the labelled images of the shares" in changed("header", dataset={**whole, **data})

    lost = tmp_path / "lost"
    shutil.copytree(two, lost)
    piece = next((lost / "pieces").iterdir())
    kept = piece.read_bytes()
    piece.unlink()
    assert "a piece is not there" in _said([one, lost, three])
    piece.write_bytes(kept[:-1])
    assert "a piece is not the one that its share names" in _said([one, lost, three])


def test_shares_of_another_model_file_are_refused(
    shares: Callable[[int], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever machine converted it otherwise: which share, which file, both hashes."""
    one, two, three = shares(3)
    own = load_shares(two)[0]
    from validation.pieces import merging

    real = merging.parse_piece_facts

    def other(data: bytes, path: Path) -> Any:
        import dataclasses

        facts = real(data, path)
        if not path.is_relative_to(own.folder):
            return facts
        return dataclasses.replace(
            facts, run=dataclasses.replace(facts.run, model_sha256="00" * 32)
        )

    monkeypatch.setattr(merging, "parse_piece_facts", other)
    said = _said([one, two, three])
    assert "shares of another model file: mini-" in said
    assert str(own.folder) in said


def test_a_session_of_something_else_joins_nothing(
    shares: Callable[[int], list[Path]], over_miniature: Run
) -> None:
    """Fewer images, other variants, and shares of shares."""
    pieces = [f"--pieces={folder}" for folder in shares(2)]
    fewer = over_miniature(*pieces, "--max-images=3")
    assert fewer.ret == pytest.ExitCode.USAGE_ERROR
    fewer.stderr.fnmatch_lines(["*the labelled images of the shares are not the same*"])
    other = over_miniature(*pieces, "--variant", "float")
    other.stderr.fnmatch_lines(["*the models and variants of the shares are not the same*"])
    both = over_miniature(*pieces, "--shard=1/2")
    both.stderr.fnmatch_lines(["*a share cannot be made of shares*"])
    missing = over_miniature(pieces[0])
    missing.stderr.fnmatch_lines(["*1 of 2 shares missing*make it with --shard 2/2*"])


def test_a_share_is_read_from_its_folder_or_the_one_above(
    shares: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    """As `--report-dir` and as a CI's artefacts have it."""
    folders = shares(2)
    reports = tmp_path / "all"
    for folder in folders:
        shutil.copytree(folder, reports / folder.parent.name)
    found: tuple[ShareFolder, ...] = load_shares(reports)
    assert [share.facts.number for share in found] == [1, 2]
    require_whole(found)
    with pytest.raises(ValidationError, match=r"share\.jsonl"):
        load_shares(tmp_path / "share1" / folders[0].name / "pieces")
