"""What `validation` itself offers: pinned, typed, and loaded only when it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

import validation
from validation import (
    Status,
    inspect_tflite,
    judge,
    load_policy,
    load_record,
    policy_of,
)
from validation.policy.limits import Limit
from validation.record.run import Footer, Header
from validation.record.store import RecordWriter
from validation.record.types import CheckResult, Measure, ModelKey

_ROOT = Path(__file__).parents[1]


def test_names_are_pinned() -> None:
    """A name that a user's program imports does not go or come unnoticed."""
    assert validation.__all__ == [
        "Judgement",
        "Policy",
        "Record",
        "Status",
        "TfliteFacts",
        "ValidationError",
        "__version__",
        "full_reason",
        "inspect_tflite",
        "judge",
        "load_evidence",
        "load_policy",
        "load_record",
        "policy_of",
    ]
    assert set(validation.__all__) <= set(dir(validation))


@pytest.mark.parametrize("name", [name for name in validation.__all__ if name[0] != "_"])
def test_each_name_is_there_and_documented(name: str) -> None:
    """It can be imported, is called what it is called, and says what it is for."""
    public = getattr(validation, name)
    assert public.__name__ == name
    assert inspect.getdoc(public)


def test_other_names_are_refused() -> None:
    """As any module refuses them."""
    with pytest.raises(AttributeError, match="module 'validation' has no attribute 'load_modle'"):
        validation.load_modle  # noqa: B018


def test_importing_the_package_loads_nothing_else() -> None:
    """Neither our own rooms nor NumPy or TensorFlow; all public names need no TensorFlow."""
    code = (
        "import sys, validation\n"
        "assert not [name for name in sys.modules if name.startswith('validation.')]\n"
        "assert 'numpy' not in sys.modules\n"
        "from validation import *\n"
        "assert load_record and 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _record_of_a_run_with_its_own_policy(folder: Path) -> Path:
    """Only latency is measured, and ``--policy`` required nothing else."""
    key = ModelKey("m", "float")
    own = folder / "own.toml"
    required = "".join(f"{check} = []\n" for check in load_policy().required if check != "latency")
    own.write_text(f"version = 1\n[required]\n{required}")
    header = Header(
        "r", "now", (key,), {}, {}, {}, "0" * 64, policy_overlay=load_policy(own).overlay
    )
    measured = Measure("p50_ms", 3.5, Limit("max", 9.0, "why"))
    with closing(RecordWriter(folder / "reports" / "RUN").open()) as writer:
        writer.write(header)
        writer.write(CheckResult.judged("latency", key, (measured,)))
        writer.close(Footer("later", 1.0, 1, 0))
    return writer.path


def test_the_recipe_judges_a_run_by_its_own_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """README's lines, which the package's docstring repeats, print the verdict of the run."""
    path = _record_of_a_run_with_its_own_policy(tmp_path)
    recipe = (_ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert textwrap.indent(recipe, "    ") in (validation.__doc__ or "")
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    assert capsys.readouterr().out == "pass\n"
    record = load_record(path)
    assert judge(record) == judge(record, policy_of(record))
    assert judge(record, load_policy()).run.status is Status.UNKNOWN


def test_files_are_named_by_text_or_path(tmp_path: Path) -> None:
    """A program need not make a Path of what it was given."""
    path = _record_of_a_run_with_its_own_policy(tmp_path)
    assert load_record(str(path)) == load_record(path)
    own = tmp_path / "own.toml"
    assert load_policy(str(own)) == load_policy(own)
    model = _ROOT / "tests" / "data" / "metadata" / "tiny.tflite"
    assert inspect_tflite(str(model)) == inspect_tflite(model)
