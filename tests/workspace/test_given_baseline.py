"""Where the .tflite of a baseline is found: in the run that it is, or that it was made of."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from validation.errors import IntegrityError
from validation.policy.limits import Status
from validation.record.baseline import BaselineKind
from validation.record.baseline_facts import BaselineFacts, SubjectFacts
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey
from validation.workspace.given_baseline import GivenBaseline

_KEY = ModelKey("m", "float")
_BYTES = b"of the baseline"
_RUN = "2026-01-31T02-00-00Z-4711"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file of a run in a report folder."""
    path = tmp_path / "reports" / _RUN / "files" / "m-float.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(_BYTES)
    return path


def _given(named: BaselineKind, tmp_path: Path, run: str = _RUN) -> GivenBaseline:
    sha256 = hashlib.sha256(_BYTES).hexdigest()
    subject = SubjectFacts("m", "float", Status.PASS, sha256, 1, (), (), (), None, "", ())
    machine = MachineClass("CPU", 2, "x86_64")
    facts = BaselineFacts(run, "", machine, {}, "", Status.PASS, (subject,))
    reports = tmp_path / "reports"
    path = reports / _RUN if named is BaselineKind.RUN else tmp_path / "baseline.json"
    return GivenBaseline(named, path, facts, b"", reports=reports)


@pytest.mark.parametrize("named", BaselineKind)
def test_the_file_of_the_run(named: BaselineKind, kept: Path, tmp_path: Path) -> None:
    """A baseline file keeps none, and that of the run it was made of is as good."""
    assert _given(named, tmp_path).tflite(_KEY) == kept


@pytest.mark.parametrize("named", BaselineKind)
def test_a_run_that_has_gone(named: BaselineKind, tmp_path: Path) -> None:
    """No file is found then."""
    assert _given(named, tmp_path).tflite(_KEY) is None


def test_other_bytes(kept: Path, tmp_path: Path) -> None:
    """In the run that was named they are a fault; beside a baseline file they are not its file."""
    kept.write_bytes(b"other")
    assert _given(BaselineKind.FILE, tmp_path).tflite(_KEY) is None
    with pytest.raises(IntegrityError, match="not the one that its facts name"):
        _given(BaselineKind.RUN, tmp_path).tflite(_KEY)


@pytest.mark.parametrize("run", ["", ".", "..", f"../reports/{_RUN}", f"/{_RUN}", "a\0b"])
def test_a_name_that_leads_elsewhere(run: str, kept: Path, tmp_path: Path) -> None:
    """A baseline file is data: it names no folder but one in the report folder."""
    for folder in (kept.parents[2], tmp_path):
        shutil.copytree(kept.parent, folder / "files")
    assert _given(BaselineKind.FILE, tmp_path, run).tflite(_KEY) is None
