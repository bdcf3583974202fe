"""Commands that make a model's figures again: complete, and quoted whatever a name holds."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import given

from validation.policy.overlay import Overlay
from validation.record.run import (
    Artefact,
    ArtefactRole,
    CommandOption,
    DatasetFacts,
    GivenFile,
    Header,
    Stage,
    Step,
)
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.record.until_decided import Look, Undecided, UntilDecided
from validation.report.commands import model_commands, subject_commands
from validation.report.visible import needs_escapes
from validation.specs.feeds import FeedWay, StatedFeed
from validation.specs.references import ReferenceKind

INT8 = ModelKey("ssd", "int8")
GIVEN = ModelKey("ssd", "uint8", "b c.tflite")
SETS = DatasetFacts("coco", "0" * 64, 10, 20)


def _header(*options: tuple[str, str], keys: tuple[ModelKey, ...] = (INT8,)) -> Header:
    line = tuple(CommandOption(*each) for each in options)
    return Header("r1", "now", keys, {}, {}, {}, "0" * 64, dataset=SETS, command_line=line)


def _file(role: ArtefactRole, key: ModelKey, name: str, path: str = "") -> Artefact:
    return Artefact(key.model, role, key.variant, name, "0" * 64, 1, path=path, file=key.file)


def _record(header: Header, *artefacts: Artefact, steps: tuple[Step, ...] = ()) -> Record:
    return Record(header, artefacts=artefacts, steps=steps)


def _lines(record: Record, key: ModelKey) -> dict[str, tuple[str, ...]]:
    return {
        command.title: command.lines
        for subject in subject_commands(record, [key])
        for command in subject.commands
    }


GRAPH = _file(ArtefactRole.REFERENCE, ModelKey("ssd", ""), "frozen_inference_graph.pb")
KEPT = _file(ArtefactRole.TFLITE, INT8, "ssd-int8.tflite", "files/ssd-int8.tflite")
PACK = _file(ArtefactRole.FAILING_CASE, INT8, "ssd-int8.zip", "packs/ssd-int8.zip")
LABELS = _file(ArtefactRole.LABELS, INT8, "ssd.labels.txt", "files/ssd.labels.txt")


def test_a_variant_of_an_archive() -> None:
    """What is validated, converted and scored again, with the options that figures depend on."""
    header = _header(
        ("--zoo", "my models"),
        ("--variant", "float"),
        ("--variant", "int8"),
        ("--coco-annotations", "a.json"),
        ("--max-images", "500"),
        ("--representative-images", "calibration"),
        ("--policy", "own.toml"),
        ("--report-dir", "out"),
        ("--baseline", "night.json"),
        ("--numprocesses", "2"),
        ("--feed", "bytes"),
    )
    record = _record(header, GRAPH, KEPT, LABELS)
    shared = (
        "--coco-annotations=a.json --max-images=500 --representative-images=calibration "
        "--policy=own.toml --baseline=night.json --numprocesses=2"
    )
    assert _lines(record, INT8) == {
        "Validate it again": (
            f"validation run '--zoo=my models' --model=ssd --variant=int8 {shared}",
        ),
        "Convert it again": (
            "validation zoo fetch ssd '--zoo=my models' --output_directory=models",
            "validation export --frozen_graph=models/ssd/frozen_inference_graph.pb "
            "--output_directory=exported/ssd-int8 --add_postprocessing_op=true "
            "--use_regular_nms=true --max_detections=100",
            "validation convert --graph_def_file=exported/ssd-int8/tflite_graph.pb "
            "--output_file=ssd-int8.tflite --variant=int8 --representative_images=calibration",
        ),
        "Score the kept file": (
            "validation evaluate out/r1/files/ssd-int8.tflite --coco-annotations=a.json "
            "--max-images=500 --label_map=out/r1/files/ssd.labels.txt",
        ),
    }
    every = model_commands(record, "ssd", [INT8])
    assert every is not None
    assert every.lines == (
        f"validation run '--zoo=my models' --model=ssd --variant=float --variant=int8 {shared}",
    )


def test_the_policy_of_the_run() -> None:
    """As it was named, with where the run keeps it; by that copy where no name is known."""
    own = dataclasses.replace(_header(), policy_overlay=Overlay("own.toml", "f" * 64))
    line = _lines(_record(own), INT8)["Validate it again"][0]
    assert line.endswith("--policy=reports/r1/policy/own.toml")
    named = _record(_header(("--policy", "limits/own.toml")))
    every = model_commands(named, "ssd", [INT8])
    assert every is not None
    assert every.lines[0].endswith("--policy=limits/own.toml")
    assert every.note == ("The policy as it was in this run is kept as reports/r1/policy/own.toml.")


def test_an_input_that_was_stated_is_converted_alike() -> None:
    """Another mapping of the input is another file; of other forms it is none."""
    uint8 = ModelKey("ssd", "uint8")
    record = _record(_header(("--input-stats", "128/127")), GRAPH)
    assert _lines(record, uint8)["Convert it again"][-1].endswith(
        "--mean_values=128 --std_dev_values=127"
    )
    assert "--mean_values" not in _lines(record, INT8)["Convert it again"][-1]


def test_variants_are_exported_apart_from_the_archive() -> None:
    """So that the archive can be fetched again for the next variant."""
    fetched, exported, _ = _lines(_record(_header(), GRAPH), INT8)["Convert it again"]
    assert fetched.endswith("--output_directory=models")
    assert "--output_directory=models" not in exported


def test_bundled_models_name_the_images_that_ship() -> None:
    """Nothing was given, and nothing has to be."""
    lines = _lines(_record(_header(), GRAPH, KEPT), INT8)
    assert lines["Validate it again"] == (
        "validation run --zoo=bundled --model=ssd --variant=int8",
    )
    assert lines["Convert it again"][-1].endswith("--representative_images=bundled")
    assert lines["Score the kept file"] == (
        "validation evaluate reports/r1/files/ssd-int8.tflite --coco-annotations=bundled",
    )


def test_no_command_that_makes_another_file() -> None:
    """Without a frozen graph, or calibrated with a share of the labelled images."""
    own = _header(("--zoo", "models"), ("--coco-annotations", "a.json"))
    assert "Convert it again" not in _lines(_record(own, GRAPH), INT8)
    assert "Convert it again" not in _lines(_record(_header()), INT8)
    ranged = (Step("ssd", Stage.FAKEQUANT, "calibrate", 1.0, False),)
    record = _record(_header(), GRAPH, steps=ranged)
    assert "Convert it again" not in _lines(record, ModelKey("ssd", "uint8"))


def test_images_that_calibrate_are_scored_too() -> None:
    """The command cannot leave them out, and says so."""
    header = dataclasses.replace(
        _header(("--coco-annotations", "a.json")),
        dataset=dataclasses.replace(SETS, set_apart=24),
    )
    (subject,) = subject_commands(_record(header, KEPT), [INT8])
    assert subject.commands[-1].note == "Scores the 24 images that calibrate, too."


def test_a_given_file_with_a_reference_of_its_own() -> None:
    """By judge, with how it is fed; there is no archive to validate again."""
    header = dataclasses.replace(
        _header(
            ("--candidate", "a.tflite"),
            ("--candidate", "x/b c.tflite"),
            ("--reference", "graph.pb"),
            ("--feed", "quantised"),
            ("--coco-annotations", "a.json"),
        ),
        given=(
            GivenFile(
                "ssd",
                "uint8",
                GIVEN.file,
                "0" * 64,
                ReferenceKind.GRAPH,
                StatedFeed(FeedWay.QUANTISED),
            ),
        ),
    )
    kept = _file(ArtefactRole.TFLITE, GIVEN, "b c.tflite", "files/ssd~b-c-1.tflite")
    record = _record(header, kept)
    assert _lines(record, GIVEN) == {
        "Judge it again": (
            "validation judge 'x/b c.tflite' graph.pb --feed=quantised --coco-annotations=a.json",
        ),
        "Score the kept file": (
            "validation evaluate 'reports/r1/files/ssd~b-c-1.tflite' --coco-annotations=a.json "
            "--feed=quantised",
        ),
    }
    assert model_commands(record, "ssd", [GIVEN]) is None


def test_a_given_file_with_its_archive() -> None:
    """Beside the variants of the archive; one that was found in it is not named."""
    header = dataclasses.replace(
        _header(("--zoo", "models"), ("--candidate", "b c.tflite")),
        given=(GivenFile("ssd", "uint8", GIVEN.file, "0" * 64, ReferenceKind.GRAPH),),
    )
    again = "validation run --zoo=models --model=ssd '--candidate=b c.tflite'"
    assert _lines(_record(header), GIVEN) == {"Judge it again, with its archive": (again,)}
    every = model_commands(_record(header), "ssd", [INT8, GIVEN])
    assert every is not None
    assert every.lines == (again,)
    found = dataclasses.replace(GIVEN, file="found.tflite")
    assert _lines(_record(header), found) == {}


# A word of a command line cannot hold the character that ends it.
_NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        st.sampled_from("\x1b\x85\u202e\\'*["),
    ),
    min_size=1,
)


def _words(line: str) -> list[str]:
    """What bash makes of a line."""
    shell = ["bash", "-c", f"printf '%s\\0' {line}"]
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    ended = subprocess.run(shell, capture_output=True, check=True, env=environment)
    return ended.stdout.decode().split("\0")[:-1]


@given(_NAMES, _NAMES)
def test_any_name_is_one_word(model: str, folder: str) -> None:
    """For a shell; and as a pattern it matches that name alone."""
    key = ModelKey(model, "float")
    record = _record(_header(("--zoo", folder), keys=(key,)))
    (line,) = _lines(record, key)["Validate it again"]
    assert not needs_escapes(line)
    words = _words(line)
    assert words[:3] == ["validation", "run", f"--zoo={folder}"]
    pattern = words[3].removeprefix("--model=")
    assert fnmatch.fnmatchcase(model, pattern)
    assert not fnmatch.fnmatchcase(f"{model}x", pattern)


def test_a_failing_case_is_run_again() -> None:
    """From the folder in which the run was started; a file without a pack has no such command."""
    title = "Run its worst image again"
    header = _header(("--report-dir", "out"))
    lines = _lines(_record(header, KEPT, PACK), INT8)
    assert lines[title] == ("validation replay out/r1/packs/ssd-int8.zip",)
    assert title not in _lines(_record(header, KEPT), INT8)


@pytest.mark.parametrize(
    ("undecided", "is_scored"),
    [(((),), False), (((Undecided("ssd", "int8", ("ap_drop",)),), ()), True)],
)
def test_what_stopped_early_is_not_scored_on_other_images(
    undecided: tuple[tuple[Undecided, ...], ...], is_scored: bool
) -> None:
    """`evaluate` has no images of a look, and one file alone may be decided at another one."""
    looks = Look(250, 0.01, 0.98), Look(600, 0.025, 0.97)
    found = UntilDecided(looks, 0, 1.0, undecided)
    header = dataclasses.replace(_header(("--until-decided", "")), until_decided=found)
    record = _record(header, GRAPH, KEPT)
    lines = _lines(record, INT8)
    assert lines["Validate it again"][0].endswith("--variant=int8 --until-decided")
    assert ("Score the kept file" in lines) is is_scored
    (own,) = subject_commands(record, [INT8])
    assert "another look" in own.commands[0].note
    together = model_commands(record, "ssd", [INT8])
    assert together is not None
    assert "another look" in together.note
