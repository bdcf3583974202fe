"""End processes in the middle of a session, in every place and every way, and look at the outcome.

Each run judges three small models; a plugin ends the process that is at one of them. The other two
have to be judged as ever, the failing checks have to name model and step, record and page have
to be whole, the exit code 1. Prints a line a run and a Markdown table of all; ends with 1 where a
run was not as it should be.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.errors import RecordError
from validation.record.history import HISTORY_FOLDER
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import INDEX_NAME

_ROOT = Path(__file__).parents[1]
_SUPPORT = _ROOT / "tests" / "support"
# The models, and the one of them whose process is ended.
_MODELS, _STRUCK = ("first", "second", "third"), "second"
_HOW = ("abort", "segv", "memory", "loop")
# Conversion, export, session, inference, diagnosis.
_PLACES = ("convert", "export", "session", "run", "layers")
_PROCESSES = {"one child": ("--one-process",), "two children": (), "-n 2": ("-n", "2")}
# A hang is found sooner than by the built-in settings; memory is what it is.
_POLICY = """
version = 1

[setting.process_step_seconds]
value = 15
reason = "one of these models is converted in a second"

[setting.process_image_seconds]
value = 15
reason = "one of these models takes milliseconds for an image"
"""
_LONGEST_SECONDS = 400


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Args:
        how: What ended the process.
        place: Where.
        processes: Key of `_PROCESSES`.
        seconds: That the run took.
        wrong: What was not as it should be; empty for a run that was.
    """

    how: str
    place: str
    processes: str
    seconds: float
    wrong: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every combination, as often as asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="of all combinations")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N combinations")
    options = parser.parse_args(arguments)
    combinations = list(itertools.product(_HOW, _PLACES, _PROCESSES))[: options.first]
    outcomes = []
    with tempfile.TemporaryDirectory() as scratch:
        warm = Path(scratch, "warm")
        _lay_out(Path(scratch))
        for name in set(_MODELS) - {_STRUCK}:
            _suites(Path(scratch), warm, Path(scratch, "before"), {}, ["--model", name])
        for how, place, processes in combinations * options.rounds:
            outcome = _one(Path(scratch), warm, how, place, processes)
            sys.stdout.write(
                f"{how} in {place}, {processes}: {outcome.seconds:.0f} s {outcome.wrong or 'ok'}\n"
            )
            sys.stdout.flush()
            outcomes.append(outcome)
    sys.stdout.write(f"{_table(outcomes)}\n")
    return any(each.wrong for each in outcomes)


def _lay_out(scratch: Path) -> None:
    """Archives, labelled images and policy."""
    sys.path.insert(0, str(_SUPPORT))
    import miniatures

    for name in _MODELS:
        archive = miniatures.write_archive(scratch / "zoo" / name)
    miniatures.write_coco(scratch / "coco", archive)
    (scratch / "policy.toml").write_text(_POLICY)


def _one(scratch: Path, warm: Path, how: str, place: str, processes: str) -> Outcome:
    cache, reports = scratch / "cache", scratch / "reports"
    for folder in (cache, reports):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(warm, cache)
    planted = {"PLANTED": f"{how} {place} {_STRUCK}"}
    options = ["-p", "planted_faults", *_PROCESSES[processes]]
    started = time.monotonic()
    code = _suites(scratch, cache, reports, planted, options)
    seconds = time.monotonic() - started
    return Outcome(how, place, processes, seconds, _wrong(code, reports, place))


def _suites(
    scratch: Path, cache: Path, reports: Path, planted: dict[str, str], options: Sequence[str]
) -> int | None:
    """The exit code; None where the run did not end in time."""
    coco = scratch / "coco"
    path = os.pathsep.join([str(_SUPPORT), os.environ.get("PYTHONPATH", "")])
    command = [
        *(sys.executable, "-m", "pytest", "suites/", "-p", "no:cacheprovider"),
        *(f"--zoo={scratch / 'zoo'}", f"--coco-annotations={coco / 'annotations.json'}"),
        *(f"--coco-images={coco / 'images'}", f"--representative-images={coco / 'images'}"),
        *("--variant", "float", "--variant", "int8", "--variant", "raw"),
        *(f"--policy={scratch / 'policy.toml'}", f"--cache-dir={cache}"),
        f"--report-dir={reports}",
        *("--benchmark-disable", *options),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env={**os.environ, **planted, "PYTHONPATH": path},
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def _wrong(code: int | None, reports: Path, place: str) -> str:
    """What was not as it should be."""
    if code != 1:
        return "did not end" if code is None else f"exit code {code}"
    runs = [each for each in reports.iterdir() if each.name != HISTORY_FOLDER]
    if len(runs) != 1 or not (runs[0] / INDEX_NAME).is_file():
        return "no page"
    try:
        results = load_record(runs[0] / RECORD_NAME).results
    except RecordError as error:
        return str(error)
    crashes = [(each.model, each.error.crash) for each in results if each.error]
    stages = {(model, crash.stage) for model, crash in crashes if crash is not None}
    if {model for model, _ in stages} != {_STRUCK}:
        return f"crashed: {sorted({model for model, _ in stages})}"
    if (_STRUCK, place) not in stages:
        return f"stages: {sorted(stage for _, stage in stages)}"
    # `guide` speaks of the tools and is run for the first model alone.
    counts = Counter(each.model for each in results if each.check != "guide")
    return "" if len(counts) == 3 and len(set(counts.values())) == 1 else f"checks: {dict(counts)}"


def _table(outcomes: Sequence[Outcome]) -> str:
    lines = ["| ended by | in | runs | as they should be | longest, s |", "|---|---|---|---|---|"]
    for how, place in itertools.product(_HOW, _PLACES):
        some = [each for each in outcomes if (each.how, each.place) == (how, place)]
        if some:
            right = sum(not each.wrong for each in some)
            longest = max(each.seconds for each in some)
            lines.append(f"| {how} | {place} | {len(some)} | {right} | {longest:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
