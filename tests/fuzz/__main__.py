"""Change files of every kind that is read, and see what commands make of them.

python tests/fuzz --seconds 60
python tests/fuzz --inputs 5000 --table table.md
python tests/fuzz --kind .tflite --number 123
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# A session takes seconds.
_JUDGED_ONCE_IN = 100
_BEGIN, _END = "<!-- inputs -->", "<!-- end of inputs -->"
_FOLDERS = (_ROOT, _ROOT / "tests", _ROOT / "tests" / "support")


def main() -> int:
    """Run; 1 where something was found."""
    from fuzz.outcomes import FINDS, Outcome, Result, as_table
    from fuzz.runner import Runner, schedule
    from fuzz.seeds import write_seeds
    from fuzz.targets import TARGETS, no_files

    options = _options()
    chosen = [each for each in (*TARGETS, no_files()) if options.kind in (None, each.kind)]
    if not chosen:
        sys.exit(f"no such kind; there are: {', '.join(each.kind for each in TARGETS)}")
    results: list[Result] = []

    def noted(result: Result) -> None:
        results.append(result)
        if result.outcome in FINDS:
            _say(f"{result.outcome}: {result.kind}, number {result.number}: "
                 f"{' '.join(result.words)}")  # fmt: skip

    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as name:
        seeds = Path(name, "seeds")
        write_seeds(seeds)
        # In a process of its own: what is forked later must not have it.
        _write_tensorflow_seeds(seeds)
        runner = Runner(seeds, options.finds, options.seed)
        jobs = schedule(chosen, options.inputs)
        if options.inputs is not None:
            judged = next(each for each in TARGETS if not each.weight)
            count = options.inputs // _JUDGED_ONCE_IN
            jobs = itertools.chain(jobs, ((judged, number) for number in range(count)))
        if options.kind is not None:
            numbers = range(options.inputs or 1_000_000)
            jobs = ((chosen[0], number) for number in numbers)
        if options.number is not None:
            jobs = iter([(chosen[0], options.number)])
        until = None if options.seconds is None else time.monotonic() + options.seconds
        runner.run(jobs, workers=options.workers, until=until, on_result=noted)
    order = [*(each.kind for each in TARGETS), no_files().kind]
    results.sort(key=lambda each: (order.index(each.kind), each.number))
    table = as_table(results)
    _say(table)
    if options.update is not None:
        _update(options.update, table)
    if options.number is not None:
        _say(results[0].said)
    counts = Counter(each.outcome for each in results)
    found = sum(counts[each] for each in FINDS)
    _say(", ".join(f"{counts[each]} {each}" for each in Outcome if counts[each]))
    if found:
        _say(f"{found} finds in {options.finds}; `--kind KIND --number N --seed {options.seed}` "
             "makes one again")  # fmt: skip
    return int(found > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, help="stop after this time (default: never)")
    parser.add_argument("--inputs", type=int, help="stop after so many inputs (default: never)")
    parser.add_argument("--seed", type=int, default=0, help="other inputs (default: %(default)s)")
    parser.add_argument("--kind", help="one kind of file alone, as the table calls it")
    parser.add_argument("--number", type=int, help="one input of the kind alone, and what is said")
    parser.add_argument("--update", type=Path, help="page whose table is put in anew")
    parser.add_argument(
        "--finds", type=Path, default=Path("fuzz-finds"), help="folder of finds (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _write_tensorflow_seeds(folder: Path) -> None:
    code = (
        "import sys, pathlib, fuzz.seeds as s; s.write_tensorflow_seeds(pathlib.Path(sys.argv[1]))"
    )
    paths = os.pathsep.join(map(str, _FOLDERS))
    environment = {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"the seeds cannot be made:\n{done.stderr}")


def _update(page: Path, table: str) -> None:
    """Put a table between the marks of a page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        sys.exit(f"{page} has no marks {_BEGIN} and {_END}")
    page.write_text(f"{before}{_BEGIN}\n{table}{_END}{after}", encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text.encode(errors='backslashreplace').decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path[:0] = map(str, _FOLDERS)
    sys.exit(main())
