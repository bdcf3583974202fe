"""Options are told with their defaults, and a wrong one ends the session in one line."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.files.arguments import parse_count, parse_path
from validation.plugin.options import (
    parse_existing_file,
    parse_existing_folder,
    parse_file,
    parse_toml,
    parse_variant,
)
from validation.specs.input_stats import InputStats, parse_input_stats
from validation.specs.variants import VARIANTS
from validation.zoo.cache import default_cache_dir

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

Run = Callable[..., pytest.RunResult]

_OPTIONS = (
    "--zoo",
    "--model",
    "--variant",
    "--candidate",
    "--reference",
    "--feed",
    "--coco-annotations",
    "--coco-images",
    "--box-format",
    "--max-images",
    "--until-decided",
    "--representative-images",
    "--canaries",
    "--input-stats",
    "--policy",
    "--baseline",
    "--update-baseline",
    "--reason",
    "--require",
    "--label-map",
    "--report-dir",
    "--cache-dir",
    "--lock-file",
    "--shard",
    "--pieces",
    "--latency-table",
    "--pack",
    "--cluster",
    "--cluster-images",
    "--one-process",
    "--no-isolation",
    "--offline",
)


def _usage_error(result: pytest.RunResult) -> str:
    """The one line that a session with a wrong option ends in."""
    told = [*result.outlines, *result.errlines]
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not any("Traceback" in line or "INTERNALERROR" in line for line in told)
    (line,) = [line for line in told if re.match(r"ERROR: (?!usage:)|.+: error: ", line)]
    return line


def test_help_names_each_option_with_its_default(session: Any) -> None:
    """One group of options, and none whose default is left to guess."""
    text = session.run("--help").stdout.str()
    group = text[text.index("SSD to TFLite validation:") :]
    group = group[: group.index("\n\n")]
    entries = re.split(r"\n  (?=--)", group)[1:]
    assert [entry.split("=")[0].split()[0] for entry in entries] == list(_OPTIONS)
    assert [entry for entry in entries if "(default:" not in " ".join(entry.split())] == []


def test_header_prints_what_the_options_came_to(over_miniature: Run) -> None:
    """Models, variants and data that the run is about, before the first test."""
    result = over_miniature("--collect-only", "--max-images", "4", "--variant", "int8", "--offline")
    result.stdout.fnmatch_lines(
        [
            "validation: zoo: */zoo, models: mini, variants: int8, "
            "labelled images: annotations, 3 images, 1 more to calibrate with, canaries: 4, "
            "representative images: 1 of annotations, set apart from those that are scored, "
            "uint8 input: as each extractor's preprocessing, "
            "policy: little_evidence.toml, label map: the archive's own, "
            "lock file: in the cache, offline: yes"
        ]
    )


def test_header_without_labelled_images(over_miniature: Run, miniature: MiniatureFiles) -> None:
    """What was not given is said as well; label map and lock file are told by their names."""
    labels = miniature.archive / "label_map.pbtxt"
    result = over_miniature(
        "--collect-only", "--label-map", labels, "--lock-file", "new/lock.json", labelled=False
    )
    result.stdout.fnmatch_lines(
        [
            "*variants: float raw, labelled images: none, * label map: label_map.pbtxt, 2 names, "
            "lock file: lock.json, offline: no"
        ]
    )


def test_cocos_names_have_a_name(over_miniature: Run) -> None:
    """The flag takes the list that has a name, as the commands do."""
    result = over_miniature("--collect-only", "--label-map", "coco")
    result.stdout.fnmatch_lines(["* label map: coco, 80 names, *"])


def test_tests_are_named_by_model_and_variant(over_miniature: Run) -> None:
    """Ids read model-variant, in the order of the chain; a check keeps to its variants."""
    result = over_miniature("--collect-only", "-q")
    found = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert found[0] == "test_archive_holds_what_an_export_needs[mini-float]"
    assert found[-1] == "test_latency_is_within_budget[mini-raw]"
    assert len(found) == 25
    assert [name for name in found if "raw_outputs" in name] == [
        "test_raw_outputs_are_those_of_the_session[mini-raw]"
    ]


def test_variant_narrows_without_leaving_gaps(over_miniature: Run) -> None:
    """A check that does not speak about the variant is no skipped test."""
    result = over_miniature("--collect-only", "-q", "--variant", "float")
    found = [line for line in result.outlines if "::" in line]
    assert len(found) == 13
    assert not any("NOTSET" in line for line in found)
    twice = over_miniature("--collect-only", "-q", "--variant", "raw", "--variant", "float")
    assert len([line for line in twice.outlines if "::" in line]) == 25


def test_nothing_to_test_is_no_success(over_miniature: Run, session: Any) -> None:
    """A check asked of a variant that it does not speak about: no tests, and not exit code 0."""
    result = over_miniature("--variant", "float", "-k", "raw_outputs")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not session.reports.exists()


def test_models_by_several_patterns(over_miniature: Run) -> None:
    """Each adds the models that it matches, once, and one without a model is wrong use."""
    arguments = ("--collect-only", "-q", "--variant", "float", "--model", "mini")
    both = over_miniature(*arguments, "--model", "m*")
    assert len([line for line in both.outlines if "::" in line]) == 13
    line = _usage_error(over_miniature(*arguments, "--model", "nothing*"))
    assert "matches 'nothing*'" in line


def test_empty_selection(over_miniature: Run) -> None:
    """No model matches: wrong use, with the names that there are; never "0 tests"."""
    line = _usage_error(over_miniature("--model", "nothing*"))
    assert "matches 'nothing*' (--model): expected one of mini" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--zoo", "persons"),
            r"no group and no folder 'persons' \(--zoo\).*did you mean 'person'",
        ),
        (("--zoo", "suites"), r"no archive found .*suites.*name the folder above the archives"),
        (("--zoo", "synthetik"), r"expected bundled \| .* \| synthetic .*did you mean 'synthetic'"),
        (("--variant", "flot"), "got 'flot'; did you mean 'float'"),
        (("--variant", "int3"), "argument --variant: must be one of float, raw, float16"),
        (("--max-images", "0"), "argument --max-images: must be 1 or more, got 0"),
        (("--max_images=0",), "argument --max_images: must be 1 or more, got 0"),
        (("--coco_images=none",), "no such folder: none"),
        (("--coco-images", "none"), "argument --coco-images/--images: no such folder: none"),
        (
            ("--coco-annotations", "none"),
            "argument --coco-annotations/--annotations: no such file: none",
        ),
        (("--label-map", "none"), "argument --label-map: no such file: none"),
        (("--policy", "suites"), "argument --policy: a folder, not a file: suites"),
        (("--coco-images", "conftest.py"), "argument --coco-images/--images: a file, not a folder"),
        (("--lock-file", "suites"), "argument --lock-file: a folder, not a file: 'suites'"),
        (("--lock-file", "conftest.py/x"), "argument --lock-file: the file cannot be written"),
        (("--lock-file", "pyproject.toml"), r"lock file cannot be read \(pyproject.toml\)"),
        (
            ("--coco-images", "suites"),
            "expected --coco-annotations PATH.* --coco-images alone",
        ),
        (("--zoo", "person", "--max-images", "3"), "no labelled images .*got --max-images alone"),
        (("--coco-annotations", "conftest.py"), r"no data set of a known kind \(.*conftest.py"),
        (("--coco-annotations", "none-?????-of-00003"), "no such file: none-"),
        (
            ("--coco-annotations", "conftest.py", "--coco-images", "suites"),
            "conftest.py",
        ),
        (("--label-map", "pyproject.toml"), "pyproject.toml"),
    ],
)
def test_wrong_option(session: Any, arguments: tuple[str, ...], said: str) -> None:
    """One line at the start that names the option or the file; no test runs, no trace."""
    line = _usage_error(session.run(*arguments))
    assert re.search(said, line), line
    assert not session.reports.exists()


def test_missing_images(over_miniature: Run, miniature: MiniatureFiles, tmp_path: Path) -> None:
    """Annotations of images that are not in the folder: counted and named, in one line."""
    images = tmp_path / "images"
    shutil.copytree(miniature.images, images)
    for path in sorted(images.iterdir())[:2]:
        path.unlink()
    result = over_miniature(
        "--coco-annotations", miniature.annotations, "--coco-images", images, labelled=False
    )
    assert re.search(
        r"2 of 6 images are missing \(.*images\): got 000000000001.png, 000000000002.jpg; give",
        _usage_error(result),
    )


def test_wrong_option_under_xdist(session: Any) -> None:
    """The controller refuses before any worker starts."""
    assert "no group and no folder" in _usage_error(session.run("--zoo", "nowhere", "-n", "2"))


def test_other_tests_need_no_models(session: Any) -> None:
    """The plugin stays out of the way of tests that are no suites."""
    (session.path / "tests").mkdir()
    (session.path / "tests" / "test_own.py").write_text("def test_nothing() -> None: pass\n")
    result = session.run("--zoo", "nowhere", suites="tests")
    result.assert_outcomes(passed=1)
    assert not any(line.startswith(("validation:", "verdict:")) for line in result.outlines)
    assert not session.reports.exists()


def test_parsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right comes out as the type that the session works with."""
    (tmp_path / "file").touch()
    assert parse_existing_file(str(tmp_path / "file")) == tmp_path / "file"
    assert parse_existing_folder(str(tmp_path)) == tmp_path
    assert parse_path(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert parse_file(str(tmp_path / "file")) == tmp_path / "file"
    assert parse_file(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert not (tmp_path / "a").exists()
    assert [parse_variant(name) for name in VARIANTS] == list(VARIANTS)
    assert parse_count("12") == 12
    assert parse_input_stats("guide") == InputStats(128, 127)
    assert parse_input_stats("127.5/127.5") == InputStats(127.5, 127.5)
    assert parse_input_stats("0/1") == InputStats(0, 1)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_existing_file("~/file") == tmp_path / "file"
    monkeypatch.chdir(tmp_path)
    assert parse_path("reports") == Path("reports")
    assert parse_file("lock.json") == Path("lock.json")
    assert default_cache_dir().name == "ssd-tflite-validation"


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "\u0663x"])
def test_wrong_count(text: str) -> None:
    """A number of images is a whole one, from 1 on."""
    with pytest.raises(argparse.ArgumentTypeError, match="must be 1 or more, got"):
        parse_count(text)


@pytest.mark.parametrize("text", ["", "128", "128/", "/127", "128/0", "128/-1", "nan/1", "0/inf"])
def test_wrong_input_stats(text: str) -> None:
    """A mean and a positive std, or the guide's by name."""
    with pytest.raises(argparse.ArgumentTypeError, match="is neither 'guide' nor a mean"):
        parse_input_stats(text)


@pytest.mark.parametrize(
    "parse", [parse_existing_file, parse_existing_folder, parse_file, parse_path]
)
def test_wrong_path(tmp_path: Path, parse: Callable[[str], Path]) -> None:
    """A path below a file can be neither found nor made."""
    (tmp_path / "file").touch()
    with pytest.raises(argparse.ArgumentTypeError, match=r"(no such|cannot be written).*below"):
        parse(str(tmp_path / "file" / "below"))


def test_a_file_that_is_no_toml_is_called_by_its_name(tmp_path: Path) -> None:
    """Before it is read; what may be TOML is left to its reader."""
    file = tmp_path / "own.toml"
    file.write_text("[setting.x]\nvalue = 1\n")
    assert parse_toml(str(file)) == file
    file.write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 40)
    with pytest.raises(argparse.ArgumentTypeError, match=r"this is a TFLite file .*a TOML file"):
        parse_toml(str(file))
