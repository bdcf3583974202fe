"""``python -m validation compare``: what differs between two model files, or two runs."""

from __future__ import annotations

import argparse
import contextlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from validation.cli.compared_images import images_to_compare_on, told_apart
from validation.cli.detectors import add_model_flags, is_tflite, open_model, refuse_other_models
from validation.cli.flags import Commands, add_parser, say
from validation.cli.output import lines_beside, print_json, print_line
from validation.cli.report import record_path
from validation.comparison.similarity import Similarity, similarity
from validation.errors import UsageError, first_few
from validation.files.atomic import write_text_atomic
from validation.files.targets import require_writable
from validation.inference.score_notices import score_notices
from validation.kinds.kind import Kind, Wanted
from validation.kinds.refusal import require_kind
from validation.policy.load import load_policy
from validation.record.baseline import Outcome
from validation.record.detections import Detections
from validation.record.store import RECORD_NAME, load_record
from validation.report.compare_page import (
    compared_models,
    compared_runs,
    counted,
    detection_lines,
)
from validation.report.compared_parts import left_out
from validation.signoff.change_groups import grouped_changes, of_outcome
from validation.signoff.changes import TIMED_TOGETHER, Change, changes, uncompared_latency
from validation.signoff.circumstances import RunCircumstance, circumstances
from validation.signoff.paired import paired_differences
from validation.signoff.rules import policy_of
from validation.tflite.differences import Difference, differences
from validation.tflite.facts import read_tflite


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "compare",
        "what differs between two model files, or between two runs",
        "Two model files: what they hold, and what they detect on images. Two runs: which "
        "verdicts, checks and figures moved; exit code 1 where the second is worse.",
        "detect_float.tflite detect_int8.tflite --images=photos",
        _compare,
    )
    kind = f"model file, folder of a run, or its {RECORD_NAME}"
    parser.add_argument("first", type=Path, metavar="A", help=kind)
    parser.add_argument("second", type=Path, metavar="B", help="of the same kind")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="images for two model files (default: photographs and scenes of this package)",
    )
    add_model_flags(parser)
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the comparison as a page too"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def _compare(options: argparse.Namespace) -> int:
    first, second = options.first, options.second
    kinds = [_is_run(path) for path in (first, second)]
    if kinds[0] is not kinds[1]:
        raise UsageError(
            "a run cannot be compared with a model file",
            expected="two runs, or two model files",
            got=f"{first}, {second}",
        )
    if options.html is not None:
        require_writable(options.html)
    return _compare_runs(options) if kinds[0] else _compare_models(options)


def _is_run(path: Path) -> bool:
    # A damaged record is left to its reader.
    if path.name == RECORD_NAME and path.is_file():
        return True
    return require_kind(path, Wanted.COMPARED).kind in (Kind.RECORD, Kind.RUN_FOLDER)


def _compare_runs(options: argparse.Namespace) -> int:
    paths = record_path(options.first), record_path(options.second)
    before, after = (load_record(path, allow_unfinished=True) for path in paths)
    policy = policy_of(after)
    paired = paired_differences((paths[0].parent, before), (paths[1].parent, after), policy)
    around = circumstances(before, after, policy)
    changed = changes(before, after, policy, paired)
    untimed = uncompared_latency(before, after)
    worse = of_outcome(changed, Outcome.WORSE)
    if options.html is not None:
        folders = paths[0].parent, paths[1].parent
        page = compared_runs(before, after, around, changed, policy, folders, options.html, untimed)
        _write_page(options.html, page)
    with lines_beside(options.html):
        if options.json:
            print_json(_document(around, changed, untimed))
            return int(bool(worse))
        _print_circumstances(around)
        for outcome in (Outcome.WORSE, Outcome.CHANGED, Outcome.BETTER):
            _print_changes(outcome, of_outcome(changed, outcome))
        if untimed:
            print_line(f"{untimed} `{TIMED_TOGETHER}` times both files in one process")
        runs = f"{before.header.run} to {after.header.run}"
        print_line(f"{runs}: {counted(changed)}")
    return int(bool(worse))


def _document(
    around: Sequence[RunCircumstance], changed: Sequence[Change], untimed: str
) -> dict[str, object]:
    fields = "subject", "what", "before", "after", "outcome", "reason"
    return {
        "circumstances": around,
        "changes": [{name: getattr(each, name) for name in fields} for each in changed],
        "not_compared": untimed,
    }


def _write_page(path: Path, page: str) -> None:
    write_text_atomic(path, page)
    say(f"page: {path}")


def _print_circumstances(around: Sequence[RunCircumstance]) -> None:
    if around:
        print_line("run under other conditions:")
    for each in around:
        words = f"{each.before or 'nothing'} -> {each.after or 'nothing'}"
        subjects = f"{first_few(each.subjects)}: " if each.subjects else ""
        note = f" ({left_out(each)})" if each.left_out else ""
        print_line(f"  {subjects}{each.what}: {words}{note}")


def _print_changes(outcome: Outcome, changed: Sequence[Change]) -> None:
    """A line for each thing that happened, with the files that it happened to."""
    if changed:
        print_line(f"{outcome}:")
    for group in grouped_changes(changed):
        shown = group.shown
        words = f"{shown.before or 'nothing'} -> {shown.after or 'nothing'}"
        reason = f" ({group.reason})" if group.reason else ""
        # Files are called as somebody else called them; no name moves a terminal's cursor.
        print_line(f"  {first_few(group.subjects)}: {shown.what}: {words}{reason}")


def _compare_models(options: argparse.Namespace) -> int:
    paths = (options.first, options.second)
    refuse_other_models(paths, options)
    images = images_to_compare_on(options.images)
    with contextlib.ExitStack() as stack:
        models = [stack.enter_context(open_model(path, options)) for path in paths]
        both = all(is_tflite(path) for path in paths)
        differing = differences(*(read_tflite(path) for path in paths)) if both else ()
        runs: list[Mapping[str, Detections]] = [model.detect(images) for model in models]
    notices = {
        side: [*model.notices, *score_notices(run.values())]
        for side, model, run in zip(("first", "second"), models, runs, strict=True)
    }
    for model, run in zip(models, runs, strict=True):
        for notice in score_notices(run.values()):
            say(f"{model.name}: {notice.describe()}")
    policy = load_policy()
    like = similarity(
        *runs,
        min_score=policy.setting("parity_min_score"),
        min_iou=policy.setting("parity_min_iou"),
    )
    if options.html is not None:
        page = compared_models(
            told_apart(*paths),
            paths,
            differing if both else None,
            like,
            (
                [each.describe() for each in notices["first"]],
                [each.describe() for each in notices["second"]],
            ),
            f"{_explain(paths)} --html=explain.html" if _differ(differing, like) else "",
        )
        _write_page(options.html, page)
    with lines_beside(options.html):
        if options.json:
            said = {side: [each.as_json() for each in found] for side, found in notices.items()}
            document = {"files": differing, "detections": like, "notices": said}
            print_json(document)
        else:
            _print_models(paths, differing, like, both)
    return 0


def _print_models(
    paths: tuple[Path, Path], differing: Sequence[Difference], like: Similarity, both: bool
) -> None:
    if differing:
        width = max(len(each.what) for each in differing)
        print_line(f"{'':<{width}}  {' | '.join(told_apart(*paths))}")
        for each in differing:
            print_line(f"{each.what:<{width}}  {each.first} | {each.second}")
    elif both:
        print_line("the files hold the same inputs, outputs, ops, constants and attributes")
    for line in detection_lines(like):
        print_line(line)
    if _differ(differing, like):
        print_line(f"`{_explain(paths)}` says where; --html draws the worst images")


def _differ(differing: Sequence[Difference], like: Similarity) -> bool:
    return bool(differing or like.only_first or like.only_second)


def _explain(paths: tuple[Path, Path]) -> str:
    return f"python -m validation explain {shlex.join(map(str, paths))}"
