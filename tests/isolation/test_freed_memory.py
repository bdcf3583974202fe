"""What the allocator keeps of freed pieces, while graphs are copied and afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
from pathlib import Path
import contextlib
import numpy as np
from validation.isolation.freed_memory import pieces_mapped, set_thresholds

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

set_thresholds(4 << 20, 64 << 20)
with {block}:
    {inside}
pieces = [np.ones(1 << 17) for _ in range(200)]
last = pieces.pop()
held = resident()
del pieces
print(held - resident())
"""
# The same pieces, freed in the block itself.
_INSIDE = """pieces = [np.ones(1 << 17) for _ in range(200)]
    last = pieces.pop()
    held = resident()
    del pieces
    print(held - resident())
    raise SystemExit"""


@pytest.mark.parametrize(
    ("block", "inside", "returned"),
    [
        ("pieces_mapped()", _INSIDE, True),
        ("contextlib.nullcontext()", _INSIDE, False),
        ("pieces_mapped()", "pass", False),
    ],
)
def test_pieces_of_a_megabyte_go_back_in_the_block_alone(
    block: str, inside: str, returned: bool
) -> None:
    """Weights go back at once; what images take is kept for the next one, as it was set before."""
    program = _PROGRAM.format(block=block, inside=inside)
    ran = [sys.executable, "-c", program]
    freed = int(subprocess.run(ran, capture_output=True, check=True, text=True).stdout)
    assert (freed > 150e6) == returned
