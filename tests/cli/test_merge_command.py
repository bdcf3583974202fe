"""``python -m validation merge``: what it takes from the shares, and what it refuses by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from validation.cli import main, merge
from validation.files.structured import unstructure
from validation.record.lines import to_line
from validation.record.run import CommandOption, Footer, Header
from validation.record.shares import ShareFacts

_OPTIONS = (
    CommandOption("--zoo", "models"),
    CommandOption("--variant", "float"),
    CommandOption("--variant", "int8"),
    CommandOption("--coco-images", "there"),
    CommandOption("--report-dir", "share"),
    CommandOption("--numprocesses", "2"),
)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder as a share leaves it, without pieces."""
    header = Header("run", "2026", (), {}, {}, {}, "00", command_line=_OPTIONS)
    entries = (header, ShareFacts(1, 1, 0, ()), Footer("2026", 1.0, 0, 0))
    lines = [json.dumps(to_line(each)) for each in entries]
    (tmp_path / "share.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path


def test_options_of_the_shares_hold_and_may_be_given_again(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that say where and how this machine runs are not taken."""
    seen: list[Sequence[str]] = []

    def run(arguments: Sequence[str], *, command: str, by_place: Sequence[str]) -> int:
        assert (command, tuple(by_place)) == ("merge", ("--pieces",))
        seen.append(arguments)
        return 10

    monkeypatch.setattr(merge, "run", run)
    assert main(["merge", str(share), "--coco_images=here", "-x"]) == 10
    assert seen == [
        [
            f"--pieces={share}",
            "--zoo=models",
            "--variant=float",
            "--variant=int8",
            "--coco_images=here",
            "-x",
        ]
    ]
    assert unstructure(_OPTIONS)[0] == {"flag": "--zoo", "value": "models"}


def test_no_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None named, no such folder, a folder without one, and the record of a whole run."""
    assert main(["merge", "--coco-images=here"]) == 4
    assert "expected the folder of each share first" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "none")]) == 1
    assert "no share of a run" in capsys.readouterr().err
    (tmp_path / "record.jsonl").write_text("{}")
    assert main(["merge", str(tmp_path)]) == 1
    assert "a whole run needs no merge" in capsys.readouterr().err


def test_a_torn_share(share: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that was killed while it wrote says so."""
    path = share / "share.jsonl"
    path.write_text(path.read_text()[:-20])
    assert main(["merge", str(share)]) == 1
    assert "the last line is torn" in capsys.readouterr().err


def test_help_names_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """And the options of `run`."""
    assert main(["merge", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "validation merge DIR..." in shown
    assert "--coco-images" in shown
