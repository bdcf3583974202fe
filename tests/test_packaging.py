"""A wheel holds what an installation needs, suites included, and leaves other projects alone."""

from __future__ import annotations

import os
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
_BUILD = "import hatchling.build as backend, sys; backend.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is made from: a build leaves folders beside its source."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(_ROOT / name, folder / name)
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("validation", "suites", "tests/cli"):
        shutil.copytree(_ROOT / name, folder / name, ignore=leave_out)
    for name in _STAND_INS:
        path = folder / _BUNDLED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(b"stand-in")
    return folder


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built offline with the hatchling at hand."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", _BUILD, str(target)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as held:
        yield held


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the wheel's package is found, and not the checkout's."""
    folder = tmp_path_factory.mktemp("site-packages")
    wheel.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_wheel_holds_every_file_of_the_package(project: Path, wheel: zipfile.ZipFile) -> None:
    """Code, suites, templates, catalogues and the bundled data, and no test: nothing else."""
    expected = {
        path.relative_to(project).as_posix().replace("suites/", "validation/suites/", 1)
        for folder in ("validation", "suites")
        for path in (project / folder).rglob("*")
        if path.is_file()
    }
    assert {f"{_BUNDLED}/{name}" for name in _STAND_INS} <= expected
    assert {"validation/suites/test_archive.py", "validation/py.typed"} <= expected
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert sorted(expected - held) == []
    assert sorted(held - expected) == []


def test_installed_suites_run_in_any_folder(installed: dict[str, str], tmp_path: Path) -> None:
    """The same tests as in a checkout, by the settings of the package alone."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('not this one')\n")
    command = [sys.executable, "-P", "-m", "validation", "run", "--collect-only", "-q"]
    done = subprocess.run(
        [*command, "--model", "ssd_mobilenet_v1", "--variant", "raw"],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert collected[0] == (
        "suites/test_archive.py::test_archive_holds_what_an_export_needs[ssd_mobilenet_v1-raw]"
    )
    assert len(collected) == 12
    assert {path.name for path in tmp_path.iterdir()} == {"pytest.ini", "conftest.py"}


def test_other_projects_do_not_notice(installed: dict[str, str], tmp_path: Path) -> None:
    """An unrelated session of pytest gets no option of ours, and imports nothing of ours."""
    code = (
        "import importlib.metadata as metadata, sys, pytest\n"
        "pytest.main(['--help'])\n"
        "points = metadata.distribution('ssd-tflite-validation').entry_points\n"
        "print('entry points:', [(each.group, each.name) for each in points])\n"
        "print('imported:', [name for name in sys.modules if name.startswith('validation')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--zoo" not in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        "entry points: [('console_scripts', 'validation')]",
        "imported: []",
    ]


def test_archives_in_the_wheel_are_whole(project: Path, wheel: zipfile.ZipFile) -> None:
    """Byte for byte: the catalogue's hashes hold in an installation."""
    for path in (project / _BUNDLED).glob("*.tar.gz"):
        assert wheel.read(f"{_BUNDLED}/{path.name}") == path.read_bytes()
