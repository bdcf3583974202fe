"""A wheel of the project holds what an installation works with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_BUNDLED = "validation/zoo/bundled"
# Kinds of files that the package ships without; here in any case, whatever it ships today.
_STAND_INS = ("stand_in.tar.gz", "scenes/SHA256SUMS", "scenes/images/stand_in.png", "canaries.toml")
_BUILD = "import setuptools.build_meta as backend, sys; backend.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is made from: a build leaves folders beside its source."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, folder / name)
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(_ROOT / "validation", folder / "validation", ignore=leave_out)
    for name in _STAND_INS:
        path = folder / _BUNDLED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(b"stand-in")
    return folder


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built offline with the setuptools at hand."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", _BUILD, str(target)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as held:
        yield held


def test_wheel_holds_every_file_of_the_package(project: Path, wheel: zipfile.ZipFile) -> None:
    """Code, templates, catalogues and the bundled data: nothing is left behind."""
    expected = {
        path.relative_to(project).as_posix()
        for path in (project / "validation").rglob("*")
        if path.is_file()
    }
    assert {f"{_BUNDLED}/{name}" for name in _STAND_INS} <= expected
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert sorted(expected - held) == []
    assert sorted(held - expected) == []


def test_archives_in_the_wheel_are_whole(project: Path, wheel: zipfile.ZipFile) -> None:
    """Byte for byte: the catalogue's hashes hold in an installation."""
    for path in (project / _BUNDLED).glob("*.tar.gz"):
        assert wheel.read(f"{_BUNDLED}/{path.name}") == path.read_bytes()
