"""Make the judging code wrong in one place after another, and see whether a test goes red.

python tests/mutations
python tests/mutations --group judgement --only comparison/matching
python tests/mutations --list
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOLDERS = (_ROOT, _ROOT / "tests", _ROOT / "tests" / "support", _ROOT / "tools")


def main() -> int:
    """Run; 1 where a mutant survived."""
    from mutations.targets import read_groups
    from mutations.trial import Summary, try_group

    options = _options()
    started = time.monotonic()
    summary = Summary()
    for group in read_groups():
        if options.group in (None, group.name):
            group = replace(group, tests=tuple(options.tests) or group.tests)
            try_group(group, summary, only=options.only, workers=options.workers)
    if not summary.complete:
        return 2
    text = summary.as_text()
    sys.stdout.write(f"{text}\n{time.monotonic() - started:.0f} s\n")
    if options.table is not None:
        options.table.write_text(text, encoding="utf-8")
    return int(bool(summary.survivors or summary.wrong_equivalents))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--group", help="one group of targets.toml alone")
    parser.add_argument("--only", default="", help="what a mutant's name has to hold")
    parser.add_argument("--tests", nargs="*", default=(), help="files of tests in their place")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--table", type=Path, help="file for the result")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path[:0] = map(str, _FOLDERS)
    sys.exit(main())
