"""Every command of docs/signoff.md works, in its order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_commands import commands_of, form
from page_commands import run_page
from signable_run import lay_out_signoff_page
from warm_process import COMMANDS

_PAGE = Path(__file__).parents[2] / "docs" / "signoff.md"
_COMMANDS = list(commands_of(_PAGE.read_text(encoding="utf-8")))
# What the command imports when it is needed.
_IMPORTED = (
    *COMMANDS,
    "google.protobuf.json_format",
    "in_toto_attestation.v1.statement",
    "securesystemslib.dsse",
    "securesystemslib.signer",
    "validation.record.detection_files",
)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """Exit code and output of each command, run one after the other."""
    folder = tmp_path_factory.mktemp("signoff")
    lay_out_signoff_page(folder)
    return run_page(_COMMANDS, folder, _IMPORTED)


@pytest.mark.parametrize("index", range(len(_COMMANDS)))
def test_command_does_what_the_page_says(index: int, printed: list[tuple[int, str]]) -> None:
    """It ends as shown, and its words are those of the page; keys and times are others."""
    command = _COMMANDS[index]
    code, text = printed[index]
    assert (code != 0) is command.fails, text
    assert form(text) == form(command.printed)
