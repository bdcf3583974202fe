"""What the policy sets for files from outside is in force where they are read."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from limited_files import LimitFiles

from validation.errors import CatalogueError
from validation.files.limits import FileLimits, file_limits, keep_to
from validation.files.outside import Size
from validation.policy.file_limits import keep_to_policy
from validation.policy.load import load_policy


def test_shipped_limits_are_those_of_the_policy(limit_files: LimitFiles) -> None:
    """Rooms below the policy read the same file."""
    before = file_limits()
    limit_files(read_text_mib=1)
    keep_to_policy(load_policy())
    assert file_limits() == before
    assert {name: getattr(before, name) for name in (each.name for each in fields(FileLimits))} == {
        name: value
        for name, value in load_policy().settings.items()
        if name.startswith(("read_", "download_", "archive_", "tflite_", "pack_"))
    }
    assert {each.value for each in Size} < {each.name for each in fields(FileLimits)}


def test_own_policy_raises_a_limit(tmp_path: Path) -> None:
    """As any other setting, within its range."""
    own = tmp_path / "own.toml"
    own.write_text('version = 1\n[setting.read_text_mib]\nvalue = 20\nreason = "long lists"\n')
    try:
        keep_to_policy(load_policy(own))
        assert Size.TEXT.most_bytes == 20 << 20
    finally:
        keep_to(None)
    assert Size.TEXT.most_bytes == 4 << 20
    own.write_text('version = 1\n[setting.read_model_mib]\nvalue = 9999\nreason = "more"\n')
    with pytest.raises(CatalogueError, match="from 1 to 2048"):
        load_policy(own)
