"""Make the judging code wrong in one place after another, and see whether a test goes red.

python tests/mutations                 a sample, see targets.toml: what tox -e mutations runs
python tests/mutations --all           every mutant of every group, hours
python tests/mutations --list          what would be tried, and nothing is
python tests/mutations --group judgement --only comparison/matching
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOLDERS = (_ROOT, _ROOT / "tests", _ROOT / "tests" / "support", _ROOT / "tools")


def main() -> int:
    """Run; 1 where a mutant survived, 2 where it was not tried."""
    from mutations.summary import Summary
    from mutations.targets import read_groups
    from mutations.trial import Selection, chosen, loaded, try_group, try_listed, updated
    from mutations.tripped import TRIPPED, read_tripped, written

    options = _options()
    groups = read_groups()
    if options.group is None and not options.listed:
        # What tests import stays imported: a process for each.
        command = [sys.executable, *sys.argv]
        parts = [] if options.known or options.list else [["--listed"]]
        parts += [["--group", each.name] for each in groups if options.all or not each.slow]
        return max(subprocess.call([*command, *part]) for part in parts)
    started = time.monotonic()
    summary = Summary()
    if options.listed:
        try_listed(read_tripped(), summary, only=options.only, workers=options.workers)
    else:
        (group,) = [each for each in groups if each.name == options.group]
        if options.tests:
            group = replace(group, tests=tuple(options.tests), preload=())
        selection = Selection(options.only, options.known, options.all, options.seed)
        if options.list:
            for each in chosen(group, loaded(group), selection):
                sys.stdout.write(f"{each.label}\n")
            return 0
        try_group(group, summary, selection, workers=options.workers)
    text = summary.as_text()
    used = sum(os.times()[:4])
    sys.stdout.write(f"{text}\n{time.monotonic() - started:.0f} s, {used:.0f} s of processors\n")
    if not summary.complete:
        return 2
    if options.update:
        TRIPPED.write_text(written(updated(read_tripped(), summary)), encoding="utf-8")
    return int(bool(summary.survivors or summary.wrongly_listed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument(
        "--group", help="one group of targets.toml (default: --listed and all that are not slow)"
    )
    parser.add_argument("--only", default="", help="what kind and name of a mutant have to hold")
    parser.add_argument("--all", action="store_true", help="every mutant, and not a sample")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: %(default)s)")
    parser.add_argument("--known", action="store_true", help="those listed as known to survive")
    parser.add_argument("--list", action="store_true", help="print what would be tried")
    parser.add_argument("--tests", nargs="*", default=(), help="tests in place of the group's")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument(
        "--workers", type=int, default=cores, help="processes (default: %(default)s)"
    )
    parser.add_argument(
        "--listed", action="store_true", help="checks and limits with the tests of tripped.toml"
    )
    parser.add_argument("--update", action="store_true", help="write tripped.toml anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path[:0] = map(str, _FOLDERS)
    sys.exit(main())
