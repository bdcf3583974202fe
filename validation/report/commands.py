"""Commands that make a model's figures and files again, as they are typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from validation.record.given_files import given_file
from validation.record.policy_files import OWN_POLICY
from validation.record.run import ArtefactRole, Header, Stage
from validation.record.store import Record
from validation.record.types import REFERENCE, ModelKey
from validation.report.visible import needs_escapes
from validation.specs.references import ReferenceKind
from validation.specs.variants import VARIANTS, Scheme, variant_of

_PROGRAM = "validation"
_REPORTS = "reports"
_BUNDLED = "bundled"
_POLICY = "--policy"
_FROZEN = "frozen_inference_graph.pb"
# Said of the page's own subject instead.
_OF_SUBJECTS = ("--model", "--variant", "--candidate", "--reference", "--report-dir")
# That `evaluate` has too.
_OF_IMAGES = ("--coco-annotations", "--coco-images", "--box-format", "--max-images")


@dataclass(frozen=True)
class Command:
    """One thing to type.

    Args:
        title: What it does.
        lines: A command each, quoted for a POSIX shell.
        note: What it does not do again; empty without.
    """

    title: str
    lines: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class SubjectCommands:
    """The commands of one subject."""

    key: ModelKey
    commands: tuple[Command, ...]


def model_commands(record: Record, model: str, keys: Sequence[ModelKey]) -> Command | None:
    """Every subject of a model validated again; None where only given files were judged."""
    header = record.header
    if all(_is_judged_alone(header, key) for key in keys):
        return None
    files = [key.file for key in keys if key.file]
    candidates = [
        f"--candidate={each.value}"
        for each in header.command_line
        if each.flag == "--candidate" and any(_is_called(each.value, file) for file in files)
    ]
    without = () if candidates else ("--feed",)
    chosen = [*_options(header, ("--variant",)), *candidates, *_shared(header, without)]
    return Command(
        "Validate every variant again",
        (_line("run", *_zoo(header), f"--model={_escaped(model)}", *chosen),),
        " ".join(filter(None, (_policy_note(header), _look_note(header)))),
    )


def subject_commands(record: Record, keys: Iterable[ModelKey]) -> tuple[SubjectCommands, ...]:
    """What validates, converts and scores each subject again.

    Args:
        record: The run's record.
        keys: Subjects of one model.
    """
    found = (SubjectCommands(key, tuple(_commands(record, key))) for key in keys)
    return tuple(each for each in found if each.commands)


def _commands(record: Record, key: ModelKey) -> Iterable[Command]:
    header = record.header
    if key.file:
        if command := _judge(header, key):
            yield command
    elif key.variant != REFERENCE:
        chosen = f"--model={_escaped(key.model)}", f"--variant={key.variant}"
        shared = _shared(header, without=("--feed",))
        line = _line("run", *_zoo(header), *chosen, *shared)
        yield Command("Validate it again", (line,), _look_note(header))
        if command := _convert(record, key):
            yield command
    if command := _evaluate(record, key):
        yield command
    if pack := record.kept(key, ArtefactRole.FAILING_CASE):
        yield Command("Run its worst image again", (_line("replay", _path(header, pack.path)),))


def _judge(header: Header, key: ModelKey) -> Command | None:
    paths = [each.value for each in header.command_line if each.flag == "--candidate"]
    own = next((path for path in paths if _is_called(path, key.file)), None)
    if own is None:
        return None
    if not _is_judged_alone(header, key):
        model = f"--model={_escaped(key.model)}"
        line = _line("run", *_zoo(header), model, f"--candidate={own}", *_shared(header))
        return Command("Judge it again, with its archive", (line,), _look_note(header))
    reference = next(
        (each.value for each in header.command_line if each.flag == "--reference"), "none"
    )
    own = f"./{own}" if own.startswith("-") else own
    line = _line("judge", own, reference, *_shared(header))
    return Command("Judge it again", (line,), _look_note(header))


def _convert(record: Record, key: ModelKey) -> Command | None:
    """Out of the archive's frozen graph; other routes are in the record alone."""
    if (
        key.variant not in VARIANTS
        or key.model.startswith("-")
        or not _is_from_frozen_graph(record, key)
    ):
        return None
    variant = variant_of(key.variant)
    images: tuple[str, ...] = ()
    if variant.scheme is Scheme.INT8:
        images = _calibration(record.header)
        if not images:
            return None
    # Apart from the archive, which `zoo fetch` takes for another one with a file more in it.
    exported = f"exported/{key.model}-{key.variant}"
    return Command(
        "Convert it again",
        (
            _line(
                "zoo",
                "fetch",
                _escaped(key.model),
                *_zoo(record.header),
                "--output_directory=models",
            ),
            _line(
                "export",
                f"--frozen_graph=models/{key.model}/{_FROZEN}",
                f"--output_directory={exported}",
                f"--add_postprocessing_op={str(variant.add_postprocessing_op).lower()}",
                "--use_regular_nms=true",
                "--max_detections=100",
            ),
            _line(
                "convert",
                f"--graph_def_file={exported}/tflite_graph.pb",
                f"--output_file={key.model}-{key.variant}.tflite",
                f"--variant={key.variant}",
                *images,
                *_stats(record.header, variant.scheme),
            ),
        ),
    )


def _is_from_frozen_graph(record: Record, key: ModelKey) -> bool:
    own = [each for each in record.artefacts if each.model == key.model]
    names = {each.name for each in own if each.role is ArtefactRole.REFERENCE}
    # Ranges of a float model's uint8 form are found by a command of their own.
    ranged = any(each.model == key.model and each.stage is Stage.FAKEQUANT for each in record.steps)
    return _FROZEN in names and not (ranged and variant_of(key.variant).scheme is Scheme.UINT8)


def _calibration(header: Header) -> tuple[str, ...]:
    given = [each.value for each in header.command_line if each.flag == "--representative-images"]
    if not given and _zoo_name(header) == _BUNDLED:
        given = [_BUNDLED]
    return tuple(f"--representative_images={each}" for each in given)


def _stats(header: Header, scheme: Scheme) -> tuple[str, ...]:
    """How the input of a uint8 file maps to real values, where that was stated."""
    stated = [each.value for each in header.command_line if each.flag == "--input-stats"]
    if not stated or scheme is not Scheme.UINT8:
        return ()
    mean, _, std = stated[-1].partition("/")
    return f"--mean_values={mean}", f"--std_dev_values={std}"


def _evaluate(record: Record, key: ModelKey) -> Command | None:
    header, kept = record.header, record.kept(key, ArtefactRole.TFLITE)
    if kept is None or header.dataset is None or key.variant not in VARIANTS:
        return None
    if header.until_decided is not None and not header.until_decided.is_last:
        # `evaluate` takes all images, or the first ones by id.
        return None
    # Anchors of raw outputs are read from the export alone.
    if not variant_of(key.variant).add_postprocessing_op:
        return None
    images = _options(header, _OF_IMAGES)
    if not any(each.startswith("--coco-annotations=") for each in images):
        images = [f"--coco-annotations={_BUNDLED}", *images]
    labels = record.kept(key, ArtefactRole.LABELS)
    given = given_file(header, key)
    feed = given.stated_feed if given else None
    options = [
        *images,
        *([f"--label_map={_path(header, labels.path)}"] if labels else []),
        *([f"--feed={feed.way}"] if feed and feed.way else []),
        *([f"--input_stats={feed.stats}"] if feed and feed.stats else []),
    ]
    apart = header.dataset.set_apart
    return Command(
        "Score the kept file",
        (_line("evaluate", _path(header, kept.path), *options),),
        f"Scores the {apart:,} images that calibrate, too." if apart else "",
    )


def _path(header: Header, path: str) -> str:
    """Of what the run's folder keeps, from the folder in which the run was started."""
    reports = [each.value for each in header.command_line if each.flag == "--report-dir"]
    return f"{reports[-1] if reports else _REPORTS}/{header.run}/{path}"


def _is_judged_alone(header: Header, key: ModelKey) -> bool:
    """By --reference, or by nothing: no archive takes part."""
    named = any(each.flag == "--reference" for each in header.command_line)
    given = given_file(header, key)
    return given is not None and (named or given.reference is not ReferenceKind.GRAPH)


def _is_called(path: str, file: str) -> bool:
    """The header has as much of the path as tells a file from the others."""
    own, wanted = PurePosixPath(path).parts, PurePosixPath(file).parts
    return own[-len(wanted) :] == wanted


def _zoo_name(header: Header) -> str:
    return next((each.value for each in header.command_line if each.flag == "--zoo"), _BUNDLED)


def _zoo(header: Header) -> list[str]:
    return [f"--zoo={_zoo_name(header)}"]


def _shared(header: Header, without: Sequence[str] = ()) -> list[str]:
    """What holds for every subject of the run."""
    shared = [
        f"{each.flag}={each.value}" if each.value else each.flag
        for each in header.command_line
        if each.flag not in (*_OF_SUBJECTS, "--zoo", *without)
    ]
    is_named = any(each.flag == _POLICY for each in header.command_line)
    kept = [] if is_named or header.policy_overlay is None else [_path(header, OWN_POLICY)]
    return [*shared, *(f"{_POLICY}={path}" for path in kept)]


def _look_note(header: Header) -> str:
    if header.until_decided is None:
        return ""
    return "Without the other files it may be decided at another look, on other images."


def _policy_note(header: Header) -> str:
    if not any(each.flag == _POLICY for each in header.command_line):
        return ""
    return f"The policy as it was in this run is kept as {_path(header, OWN_POLICY)}."


def _options(header: Header, flags: Sequence[str]) -> list[str]:
    return [f"{each.flag}={each.value}" for each in header.command_line if each.flag in flags]


def _escaped(model: str) -> str:
    """A name as the pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in model)


def _line(*words: str) -> str:
    return " ".join(map(_quoted, (_PROGRAM, *words)))


def _quoted(word: str) -> str:
    """For a shell; what a page cannot show as it is becomes an escape of bash and zsh."""
    if not needs_escapes(word):
        return shlex.quote(word)
    return f"$'{''.join(map(_escape, word))}'"


def _escape(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if not needs_escapes(letter):
        return letter
    # Above ASCII two hexadecimal digits would be a byte and not a character.
    return f"\\x{ord(letter):02x}" if letter.isascii() else f"\\u{ord(letter):04x}"
