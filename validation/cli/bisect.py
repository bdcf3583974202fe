"""``python -m validation bisect``: the version of TensorFlow or LiteRT at which a figure moved."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from filelock import FileLock, Timeout

from validation.bisection.families import FAMILIES, Family
from validation.bisection.index import between, for_other_pythons, is_version, offered
from validation.bisection.judging import require_usable
from validation.bisection.result import Result, lines, result_of
from validation.bisection.running import NEWEST_NIGHTLY, Offered, Tools, first_stage, search
from validation.bisection.search import Blocked
from validation.bisection.state import Question, State, load_state, save_state
from validation.bisection.trials import HARNESS, Trials
from validation.cli.flags import Commands, add_json, add_parser, say
from validation.cli.output import print_json, print_line
from validation.errors import UsageError, ValidationError
from validation.files.atomic import said_clearly
from validation.policy.load import load_policy

_DEFAULT_COMMAND = ("run",)
_EXAMPLE = "tensorflow --good 2.18.0 -- run --model ssd_mobilenet_v1_ppn --variant int8"


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "bisect",
        "find the version of TensorFlow or LiteRT at which a figure moved",
        "Find the first bad version of a package: releases of the package index, then nightly "
        "builds between two of them. Each gets a fresh environment, the other packages as they are "
        "here where pip allows it, and the command after -- judges it by its exit code: `run` "
        "(default) and `judge` with options of theirs, where 0 is good, 1 bad and 10 (UNKNOWN) a "
        "skip; or any program, as `git bisect run` has it: 0 good, 125 skip, 1 to 127 bad. A "
        "search that was interrupted goes on where it was. Exit code 1 where it stays in doubt "
        "which version is the first bad one.",
        _EXAMPLE,
        _bisect,
    )
    parser.add_argument("package", choices=sorted(FAMILIES), help="what is searched")
    parser.add_argument(
        "--good",
        metavar="VERSION",
        help="a version that is good (default: found, going back from the bad one)",
    )
    parser.add_argument(
        "--bad",
        metavar="VERSION",
        help=f"a version that is bad; {NEWEST_NIGHTLY}: the newest nightly build (default: the "
        "newest release)",
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="VERSION",
        help="leave a version out; may be repeated",
    )
    parser.add_argument(
        "--trust", action="store_true", help="do not try the versions that --good and --bad name"
    )
    parser.add_argument(
        "--releases-only", action="store_true", help="no nightly builds and no pre-releases"
    )
    parser.add_argument(
        "--report-dir",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where the folder of the search is made, bisect-PACKAGE (default: reports)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the environments, in that folder")
    parser.add_argument("--restart", action="store_true", help="forget what that folder holds")
    add_json(parser)


def _bisect(options: argparse.Namespace) -> int:
    family = FAMILIES[options.package]
    folder = options.report_dir / f"bisect-{options.package}"
    with said_clearly(folder / "lock", make_folder=True):
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                "another process searches in this folder",
                where=folder,
                next_step="--report-dir names another place",
            ) from None
    before = [(each, signal.signal(each, _end)) for each in (signal.SIGTERM, signal.SIGHUP)]
    try:
        return _search(options, family, folder)
    except KeyboardInterrupt:
        say(f"interrupted; the same command goes on where it was, from {folder}")
        return 130
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        lock.release()


def _end(number: int, _: Any) -> NoReturn:
    """Unwind, so that the environment is removed and the command in it ended."""
    raise SystemExit(128 + number)


def _search(options: argparse.Namespace, family: Family, folder: Path) -> int:
    # Versions that a page of the index lists now are those that it lists a minute later.
    ask = cache(offered)
    state = _state(options, family, folder, ask)
    policy = load_policy()
    trials = Trials(
        family, state.question.command, folder, options.keep, policy.setting("bisect_room_gib")
    )
    tools = Tools(trials.try_build, ask, lambda each: save_state(folder, each), say)
    state, step = search(state, family, tools)
    if isinstance(step, Blocked):
        trial = state.trial(step.version)
        raise ValidationError(
            str(step.obstacle),
            got=None if trial is None else f"{trial.build}: {trial.reason}",
            where=folder if trial is None or not trial.log else folder / trial.log,
            next_step="name other versions with --good and --bad",
        )
    shutil.rmtree(folder / HARNESS, ignore_errors=True)
    result = result_of(state, step)
    _print(options, result, state, folder)
    return 0 if result.is_exact else 1


def _print(options: argparse.Namespace, result: Result, state: State, folder: Path) -> None:
    if options.json:
        print_json({"question": state.question, "result": result, "folder": str(folder)})
        return
    for line in lines(result, state.question.python):
        print_line(line)
    print_line(folder)


def _state(options: argparse.Namespace, family: Family, folder: Path, ask: Offered) -> State:
    question = Question(
        package=options.package,
        command=tuple(options.rest) or _DEFAULT_COMMAND,
        good=options.good,
        bad=options.bad,
        trusted=options.trust,
        nightly=not options.releases_only,
        python=f"{sys.version_info[0]}.{sys.version_info[1]}",
    )
    if options.restart:
        shutil.rmtree(folder / HARNESS, ignore_errors=True)
    state = None if options.restart else load_state(folder, question)
    if state is None:
        state = _begun(question, family, ask)
    else:
        known = [each for each in state.trials if each.log]
        say(f"going on with the search in {folder}: {len(known)} versions are known")
    state = _without(state, options.skip)
    save_state(folder, state)
    return state


def _begun(question: Question, family: Family, ask: Offered) -> State:
    require_usable(question.command)
    say("asking the package index")
    stage = first_stage(question, family, ask)
    say(f"{len(stage.builds)} versions from {stage.builds[0]} to {stage.bad}")
    missing = between(
        for_other_pythons(family.project, ask(family.project)),
        stage.builds[0].version,
        stage.bad.version,
    )
    if missing:
        say(f"no wheel for Python {question.python}, left out: {', '.join(missing)}")
    return State.of(question, stage, missing)


def _without(state: State, skipped: Sequence[str]) -> State:
    for typed in skipped:
        stages = filter(None, (state.nightlies, state.releases))
        builds = (build for stage in stages for build in stage.builds)
        found = next((each for each in builds if is_version(typed, each.version)), None)
        if found is None:
            raise UsageError(
                f"--skip names a version that is not searched: {typed}",
                expected=f"one from {state.stage.builds[0].version} to {state.stage.bad.version}",
            )
        state = state.without(found)
    return state
