"""The nightly workflow's own steps, run as GitHub's runner runs them; only hosting is left out."""

from __future__ import annotations

import configparser
import fnmatch
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from validation.zoo.catalogue import load_catalogue

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_ROOT = Path(__file__).parents[2]
_WORKFLOW = _ROOT / "docs" / "nightly.yml"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_COMPARISON = re.compile(r"(.+?)\s*(==|!=)\s*'(.*)'")


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    """The template as the runner reads it."""
    loaded: dict[Any, Any] = yaml.safe_load(_WORKFLOW.read_text())
    return loaded


@pytest.fixture(scope="module")
def job(workflow: dict[Any, Any]) -> dict[str, Any]:
    """Its only job."""
    (job,) = workflow["jobs"].values()
    return dict(job)


def _value(expression: str, context: Mapping[str, Any]) -> object:
    """An expression of GitHub's, as far as the template has such."""
    if "||" in expression:
        return any(_value(each.strip(), context) for each in expression.split("||"))
    compared = _COMPARISON.fullmatch(expression)
    if compared:
        same = _value(compared[1], context) == compared[3]
        return same if compared[2] == "==" else not same
    if expression == "!cancelled()":
        return True
    value: Any = context
    for name in expression.split("."):
        value = value[name]
    return value


def _filled(text: str, context: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda match: str(_value(match[1], context)), text)


def _holds(step: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    condition = str(step.get("if", "!cancelled()"))
    whole = _EXPRESSION.fullmatch(condition)
    return bool(_value(whole[1] if whole else condition, context))


def test_every_model_is_in_one_shard(job: dict[str, Any]) -> None:
    """A model that no pattern matches would never be run, and nobody would miss it."""
    patterns = [each["models"] for each in job["strategy"]["matrix"]["shard"]]
    for entry in load_catalogue().select("bundled"):
        assert sum(fnmatch.fnmatchcase(entry.name, each) for each in patterns) == 1, entry.name


def test_matrix_has_what_the_package_takes(job: dict[str, Any]) -> None:
    """Every release within the project's own range, and the nightly build."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    (needed,) = [each for each in project["dependencies"] if each.startswith("tensorflow")]
    low, high = map(int, re.fullmatch(r"tensorflow>=2\.(\d+),<2\.(\d+)", needed).groups())  # type: ignore[union-attr]
    tried = job["strategy"]["matrix"]["tensorflow"]
    assert tried == [*(f"2.{minor}" for minor in range(low, high)), "nightly"]
    assert job["strategy"]["fail-fast"] is False
    allowed = _EXPRESSION.fullmatch(job["continue-on-error"])
    assert allowed is not None
    for tensorflow in tried:
        context = {"matrix": {"tensorflow": tensorflow}}
        # Of these docs/versions.md says what differs.
        assert _value(allowed[1], context) is (tensorflow in ("2.18", "nightly"))
        steps = [each["name"] for each in job["steps"] if _holds(each, {**context})]
        assert len([name for name in steps if name.startswith("Install")]) == 1


def test_steps_are_safe(workflow: dict[Any, Any], job: dict[str, Any]) -> None:
    """No value is pasted into a script, nothing may be written to the repository."""
    assert workflow["permissions"] == {"contents": "read"}
    # YAML reads `on` as a truth.
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")
        assert re.fullmatch(r"actions/[a-z/-]+@v\d+", step.get("uses", "actions/none@v0"))
    kept = [each["with"] for each in job["steps"] if "cache/" in each.get("uses", "")]
    assert [kept[0][name] == kept[1][name] for name in ("path", "key")] == [True, True]
    assert kept[0]["key"].startswith(kept[0]["restore-keys"])


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a fresh virtual environment that finds this one's packages, and no package index."""
    folder = tmp_path_factory.mktemp("runner")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    kept = ("LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(folder),
        "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        # pip reads it the other way round: no isolation, so that hatchling is the one at hand.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }


def _session(miniature: MiniatureFiles) -> str:
    options = {
        "--coco-annotations": miniature.annotations,
        "--coco-images": miniature.images,
        "--cache-dir": miniature.cache,
        "--policy": _ROOT / "tests" / "support" / "little_evidence.toml",
    }
    words = [str(word) for pair in options.items() for word in pair]
    return shlex.join([*words, "--variant", "float", "--offline"])


def _run_steps(
    job: Mapping[str, Any], context: Mapping[str, Any], environment: dict[str, str], folder: Path
) -> Iterator[tuple[str, str]]:
    for step in job["steps"]:
        if "run" not in step or not _holds(step, context):
            continue
        # The runner's own command line for a step that names no shell.
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}: {done.stdout[-4000:]}{done.stderr[-2000:]}"
        yield step["name"], done.stdout


def test_steps_run(
    workflow: dict[Any, Any],
    job: dict[str, Any],
    environment: dict[str, str],
    miniature: MiniatureFiles,
    tmp_path: Path,
) -> None:
    """From the checkout's package to pages, JUnit file and summary, with the TensorFlow at hand."""
    import tensorflow as tf

    release = ".".join(tf.__version__.split(".")[:2])
    context = {
        "matrix": {"tensorflow": release, "shard": {"name": "all", "models": "mini"}},
        "github": {"run_id": "1"},
    }
    assert release in job["strategy"]["matrix"]["tensorflow"]
    values = {**workflow["env"], "HARNESS": str(_ROOT), "ZOO": str(miniature.zoo)}
    values["OPTIONS"] = _session(miniature)
    own = {name: _filled(str(value), context) for name, value in job["env"].items()}
    ran = dict(_run_steps(job, context, {**environment, **values, **own}, tmp_path))
    assert list(ran) == ["Install a release of TensorFlow", "Validate"]
    assert "ssd-tflite-validation" in ran["Install a release of TensorFlow"]

    last = ran["Validate"].splitlines()[-1].removeprefix("report: ")
    page = tmp_path / last
    assert page.is_file()
    (suite,) = ET.parse(tmp_path / "reports" / "junit.xml").getroot()
    properties = {each.attrib["name"]: each.attrib["value"] for each in suite.find("properties")}  # type: ignore[union-attr]
    assert (properties["verdict"], properties["page"]) == ("PASS", last)
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert summary.startswith("## Validation: PASS\n")
    assert "| PASS | mini-float |" in summary
    uploads = [each["with"] for each in job["steps"] if "upload" in each.get("uses", "")]
    assert [(tmp_path / each["path"]).is_dir() for each in uploads] == [True]
    names = [_filled(each["name"], context) for each in uploads]
    assert names == [f"reports-{release}-all"]


def test_tox_does_the_same(
    environment: dict[str, str], miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """The command of `tox -e nightly`, with this environment in place of tox's."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(_ROOT / "tox.ini")
    (name,) = [each for each in settings.sections() if each.startswith("testenv:nightly")]
    posargs = f"--zoo {shlex.quote(str(miniature.zoo))} -k archive_holds {_session(miniature)}"
    places = {"{toxinidir}": str(tmp_path), "{posargs}": posargs}
    command = settings[name]["commands"]
    for each, value in places.items():
        command = command.replace(each, value)
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=_ROOT,
        env={**environment, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")},
        capture_output=True,
        text=True,
        check=False,
    )
    # One check alone: UNKNOWN, and all files all the same.
    assert done.returncode == 10, done.stdout[-2000:]
    assert Path(done.stdout.splitlines()[-1].removeprefix("report: ")).is_file()
    assert (tmp_path / "reports" / "junit.xml").is_file()
    assert (tmp_path / "summary.md").read_text().startswith("## Validation: UNKNOWN\n")
