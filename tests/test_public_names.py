"""What `validation` itself offers: pinned, typed, and loaded only when it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import validation

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
        "inspect_tflite",
        "judge",
        "load_policy",
        "load_record",
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
