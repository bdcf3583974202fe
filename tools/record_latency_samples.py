"""Record calls of one .tflite by turns with itself: what noise a machine has, for the tests.

    python tools/record_latency_samples.py FILE.tflite OUTPUT.json --blocks 180

The tests of the latency comparison draw simulated runs from such samples, see docs/baseline.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from validation.files.atomic import write_text_atomic
from validation.record.baseline import LatencyBlock
from validation.runtimes.tflite import TfliteRuntime
from validation.timing.turns import Call, TurnsPlan, time_by_turns


def call_of(path: Path) -> Call:
    """One inference on zeros."""
    runtime = TfliteRuntime(path)
    feed = {each.name: np.zeros(each.shape, each.dtype) for each in runtime.inputs}
    return lambda: runtime.run(feed)


def text_of(blocks: tuple[LatencyBlock, ...]) -> str:
    """A line a block: making of the interpreters, then the calls of each arm in microseconds."""
    lines = []
    for block in blocks:
        arms = (block.baseline_ms, block.today_ms, block.again_ms)
        calls = [[round(1000 * call) for call in arm] for arm in arms]
        lines.append(f"{[block.interpreters, *calls]}")
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the samples."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE.tflite", help="that is timed")
    parser.add_argument("output", type=Path, metavar="OUTPUT.json", help="replaced if it is there")
    parser.add_argument("--blocks", type=int, default=180, help="of ten calls each (default: 180)")
    options = parser.parse_args(arguments)
    plan = TurnsPlan(options.blocks, options.blocks, 10, 5, 600.0, 15)
    turns = time_by_turns(lambda: call_of(options.file), lambda: call_of(options.file), plan)
    write_text_atomic(options.output, text_of(turns.blocks))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
