"""docs/zoo.md says what the catalogue says."""

from __future__ import annotations

from pathlib import Path

import write_zoo

from validation.zoo.catalogue import load_catalogue

_PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"


def test_page_is_that_of_the_catalogue() -> None:
    """Nobody has to remember to write it anew."""
    assert _PAGE.read_text(encoding="utf-8") == write_zoo.document(), (
        "python tools/write_zoo.py docs/zoo.md"
    )


def test_every_model_and_every_trap(tmp_path: Path) -> None:
    """Nothing of the group is left out."""
    output = tmp_path / "zoo.md"
    assert write_zoo.main([str(output)]) == 0
    text = output.read_text(encoding="utf-8")
    entries = load_catalogue().select(write_zoo.GROUP, "*")
    assert len(entries) > 20
    for entry in entries:
        assert f"| {entry.name} |" in text
        assert all(trap in text for trap in entry.traps)
