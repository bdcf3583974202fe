"""The habits that keep the code readable, each one a test."""

from __future__ import annotations

import ast
import configparser
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import validation

_ROOT = Path(__file__).parents[1]
_PYPROJECT = _ROOT / "pyproject.toml"
_SUITES = sorted((_ROOT / "suites").glob("*.py"))
_CHECKS = sorted(
    path for room in ("comparison", "checks") for path in (_ROOT / "validation" / room).glob("*.py")
)
_MODULES = sorted((_ROOT / "validation").rglob("*.py"))
_OPEN_LOOPS = (ast.For, ast.While, ast.AsyncFor, ast.comprehension)
_FREE_FLOATS = {0.0, 0.5, 1.0}
# Somebody's own machine: home folders and drives.
_MACHINE_PATH = re.compile(r"(?<![\w.~:/-])/(?:home|root|work|workspace|Users|mnt)/\w|[A-Z]:\\\w")
_TEXT_SUFFIXES = (".py", ".toml", ".md", ".cfg", ".ini", ".yml", ".yaml", ".html", ".css", ".proto")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _name(path: Path) -> str:
    return str(path.relative_to(_ROOT))


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _numbers(tree: ast.AST) -> Iterator[ast.Constant]:
    """Number literals, but those that index something."""
    indexes = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        for inner in ast.walk(node.slice)
    }
    for node in ast.walk(tree):
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if number and id(node) not in indexes:
            yield node  # type: ignore[misc]


def test_root_conftest_only_lists_plugins() -> None:
    """Hooks and fixtures live in validation/plugin; the root names them."""
    conftest = _ROOT / "conftest.py"
    assert len(conftest.read_text().splitlines()) <= 20
    assert not any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) for node in _tree(conftest).body
    )
    assigned = [node for node in _tree(conftest).body if isinstance(node, ast.Assign)]
    assert [ast.unparse(node.targets[0]) for node in assigned] == ["pytest_plugins"]


def test_plugin_keeps_its_state_in_stashes() -> None:
    """No private attribute of pytest's config is read or written."""
    used = [
        f"{_name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in (_ROOT / "validation" / "plugin").glob("*.py")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and ast.unparse(node.value).endswith("config")
        and ast.unparse(node) != "self._config"
    ]
    assert used == []


@pytest.mark.parametrize("path", _SUITES, ids=_name)
def test_suite_is_three_moves(path: Path) -> None:
    """A suite's test takes its subject, runs the check that it names and records: no more.

    Those of known faults judge the harness, and record nothing of a model.
    """
    moves = {"judge_fault(fault)", "judge_clean(clean_model)"}
    moves = moves if path.name == "test_faults.py" else {"record(run_check(context))"}
    for function in _functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 10, function.name
        assert not any(isinstance(node, _OPEN_LOOPS) for node in ast.walk(function))
        assert ast.get_docstring(function), function.name
        (move,) = [ast.unparse(node) for node in function.body[1:]]
        assert move in moves
    assert not any(name.partition(".")[0] == "tensorflow" for name in _imported(_tree(path)))
    assert [ast.unparse(node) for node in _numbers(_tree(path))] == []


@pytest.mark.parametrize("path", _CHECKS, ids=_name)
def test_checks_judge_and_never_assert(path: Path) -> None:
    """A check returns what it found; only the plugin lets a test fail."""
    tree = _tree(path)
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    assert not any(name.partition(".")[0] == "pytest" for name in _imported(tree))


@pytest.mark.parametrize("path", [*_CHECKS, *_SUITES], ids=_name)
def test_no_tolerance_stands_in_code(path: Path) -> None:
    """Limits come from the policy: of fractions only 0, 0.5 and 1 are written out."""
    floats = [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, float)
        and node.value not in _FREE_FLOATS
    ]
    assert floats == []


@pytest.mark.parametrize("path", [*_CHECKS, *_SUITES], ids=_name)
def test_no_default_is_a_number(path: Path) -> None:
    """A tolerance that hides in a default is one that nobody chose."""
    numbers = [
        f"{function.name}: {ast.unparse(default)}"
        for function in _functions(path)
        for default in [*function.args.defaults, *function.args.kw_defaults]
        if default is not None and list(_numbers(default))
    ]
    assert numbers == []


@pytest.mark.parametrize(
    "path",
    [*_MODULES, *_SUITES, *(_ROOT / "tools").glob("*.py"), _ROOT / "conftest.py"],
    ids=_name,
)
def test_no_module_is_a_drawer(path: Path) -> None:
    """Four hundred lines are a reason to split, and a module is named by its promise."""
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in ("utils", "util", "helpers", "misc", "common")


@pytest.mark.parametrize("path", _MODULES, ids=_name)
def test_temporary_files_are_made_by_one_room(path: Path) -> None:
    """Names that can be guessed, and folders that a killed process leaves, come from elsewhere."""
    if path.parent.name != "files":
        assert "tempfile" not in set(_imported(_tree(path)))


def _light_rooms() -> list[str]:
    contracts = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (light,) = [each for each in contracts if each["type"] == "forbidden"]
    assert "tensorflow" in light["forbidden_modules"]
    rooms: list[str] = light["source_modules"]
    return rooms


def test_light_rooms_exist() -> None:
    """Each room of the contract can be imported by the name it has there."""
    assert [room for room in _light_rooms() if importlib.util.find_spec(room) is None] == []


def test_light_rooms_leave_tensorflow_alone() -> None:
    """Every module of a light room, and the plugin, starts without TensorFlow."""
    lazy = ("pieces", "cluster", "workspace", "checks", "inspection", "plugin", "cli")
    rooms = [*_light_rooms(), *(f"validation.{room}" for room in lazy)]
    modules = [
        info.name
        for info in pkgutil.walk_packages(validation.__path__, "validation.")
        if any(info.name == room or info.name.startswith(f"{room}.") for room in rooms)
    ]
    assert len(modules) > len(rooms)
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'tensorflow', 'tf_slim', 'tf_keras'} & set(sys.modules)\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=_ROOT
    )
    assert done.returncode == 0, done.stderr[-800:]


def test_every_room_is_in_the_order_of_layers() -> None:
    """A new room has a place in the architecture, or the import order says nothing of it."""
    contracts = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (order,) = [each for each in contracts if each["type"] == "layers"]
    placed = {room.strip() for layer in order["layers"] for room in layer.split("|")}
    present = {info.name for info in pkgutil.iter_modules(validation.__path__)}
    assert placed == present


def test_every_lint_exception_says_why() -> None:
    """Whoever switches a rule off leaves the reason beside it."""
    text = _PYPROJECT.read_text()
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    per_file = re.search(r"^\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)\n\n", text, re.M | re.S)
    assert ignored and per_file
    lines = [*ignored[1].splitlines(), *per_file[1].splitlines()]
    entries = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert len(entries) > 5
    assert [line for line in entries if len(line.partition("#")[2].split()) < 2] == []


def test_strict_by_default(pytestconfig: pytest.Config) -> None:
    """Here warnings, stale expectations and missing types are errors."""
    assert "error" in pytestconfig.getini("filterwarnings")
    assert pytestconfig.getini("xfail_strict") is True
    assert tomllib.loads(_PYPROJECT.read_text())["tool"]["mypy"]["strict"] is True


def test_a_run_of_the_suites_has_the_settings_of_a_checkout() -> None:
    """`validation run` and `pytest suites/` are one thing; only tests turn warnings into errors."""
    checkout = tomllib.loads(_PYPROJECT.read_text())["tool"]["pytest"]["ini_options"]
    installed = configparser.ConfigParser()
    installed.read(_ROOT / "validation" / "plugin" / "pytest.ini")
    settings = dict(installed["pytest"])
    assert settings.pop("addopts").split() == checkout["addopts"]
    assert settings == {
        "xfail_strict": str(checkout["xfail_strict"]).lower(),
        "junit_family": checkout["junit_family"],
    }
    own = {"addopts", "testpaths", "python_files"}
    assert set(checkout) == {*own, *settings}


def _project_files() -> list[Path]:
    folders = ("validation", "suites", "tests", "tools", "docs", ".ci", ".github")
    below = [path for folder in folders for path in (_ROOT / folder).rglob("*")]
    top = [path for path in _ROOT.iterdir() if path.is_file()]
    return [
        path
        for path in [*below, *top]
        if path.is_file() and (path.suffix in _TEXT_SUFFIXES or path.parent.name == ".ci")
    ]


def test_no_path_of_one_machine() -> None:
    """What works only where it was written has no place in the project."""
    own = Path(__file__)
    found = [
        f"{_name(path)}:{number}: {line.strip()}"
        for path in _project_files()
        if path != own
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if _MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("--cache-dir " + "/".join(("", "home", "someone", "cache")), True),
        ('path = "{}"'.format("/".join(("", "work", "x"))), True),
        ("\\".join(("C:", "Users", "me")), True),
        ("https://example.org/home/page", False),
        ("/".join(("reports", "work", "x")), False),
    ],
)
def test_machine_paths_are_told_from_others(line: str, caught: bool) -> None:
    """The pattern sees paths of a machine and lets URLs and relative paths be."""
    assert bool(_MACHINE_PATH.search(line)) is caught
