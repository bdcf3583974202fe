"""Versions as pip sees them: in order, without yanked ones, and those of other Pythons named."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_index import OLD_PYTHON, PROJECT, pip_variables, write_index

from validation.bisection import index
from validation.bisection.index import (
    as_offered,
    between,
    final,
    for_other_pythons,
    is_version,
    offered,
)
from validation.errors import DownloadFailed, UsageError

_VALUES = dict.fromkeys(("1.10", "1.2", "1.9.0", "1.3", "1.4", "2.0rc1", "2.0.dev20260102"), 0)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index in which 1.3 is yanked and 1.4 is for another Python."""
    url = write_index(tmp_path / "index", _VALUES, yanked=["1.3"], tags={"1.4": OLD_PYTHON})
    for name, value in pip_variables(url).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("planted")
def test_versions_are_those_that_can_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oldest first by their numbers, and not by their letters."""
    versions = offered(PROJECT)
    assert versions == ("1.2", "1.9.0", "1.10", "2.0.dev20260102", "2.0rc1")
    assert final(versions) == ("1.2", "1.9.0", "1.10")
    assert between(versions, "1.2", "2.0rc1") == ("1.9.0", "1.10", "2.0.dev20260102")
    assert as_offered("1.9", versions, PROJECT) == "1.9.0"
    monkeypatch.setattr(index, "_OTHER_PYTHONS", ("3.9",))
    assert for_other_pythons(PROJECT, versions) == ("1.4",)
    for yanked_or_elsewhere in ("1.3", "1.4"):
        with pytest.raises(UsageError, match="expected one of 5 versions"):
            as_offered(yanked_or_elsewhere, versions, PROJECT)


@pytest.mark.usefixtures("planted")
def test_a_quiet_pip_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the user's does not hide the answer."""
    monkeypatch.setenv("PIP_QUIET", "2")
    assert offered(PROJECT)[0] == "1.2"


def test_a_version_may_be_typed_shorter() -> None:
    """As pip takes it; what is no version is none of them."""
    assert is_version("1.9", "1.9.0") and is_version("1.9.0", "1.9")
    assert not is_version("1.9", "1.9.1") and not is_version("what", "1.9.0")


@pytest.mark.usefixtures("planted")
def test_a_project_that_the_index_has_not() -> None:
    """Is named, with what pip says."""
    with pytest.raises(DownloadFailed, match="no version of unplanted: got No matching distr"):
        offered("unplanted")
