"""Time and peak memory of intervals on 5,000 images: ``pytest benchmarks/bench_bootstrap.py``.

500,000 detections, 40,000 objects, 10 IoUs, all sizes, 1,000 replicates, both sides. Measured,
never asserted: machines differ. NumPy is held to one thread; the peak is that of its own process:
``extra_info`` in the file of ``--benchmark-json``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

_PAIR = """
import resource
import sys
import time

import numpy as np

from validation.coco.bootstrap import ap_differences
from validation.coco.matches import CategoryMatches, Matches

IMAGES, ON_EACH, IOUS = 5000, 100, 10
OBJECTS = IMAGES * 8
categories = int(sys.argv[1])
fixed = np.random.default_rng(0)
of_category, size = fixed.integers(0, categories, OBJECTS), fixed.integers(1, 4, OBJECTS)
on_image = fixed.integers(0, IMAGES, OBJECTS).astype(np.int32)


def drawn(seed):
    random = np.random.default_rng(seed)
    image = np.repeat(np.arange(IMAGES, dtype=np.int32), ON_EACH)
    category = random.integers(0, categories, len(image))
    own_size = random.integers(1, 4, len(image))
    reach, used = np.zeros(len(image), int), np.zeros(IMAGES, int)
    for item in np.flatnonzero(random.random(OBJECTS) < 0.75):
        slot = used[on_image[item]]
        if slot < ON_EACH:
            used[on_image[item]] += 1
            row = on_image[item] * ON_EACH + slot
            category[row], own_size[row] = of_category[item], size[item]
            reach[row] = random.integers(1, IOUS + 1)
    scores = random.random(len(image)) / 2 + np.where(reach > 0, random.random(len(image)) / 2, 0)
    tables = []
    for number in range(categories):
        rows = np.flatnonzero(category == number)
        matched = np.stack([((1 << reach[rows]) - 1).astype(np.uint16)] * 4)
        ignored = np.zeros(matched.shape, np.uint16)
        images, where = np.unique(on_image[of_category == number], return_inverse=True)
        counts = np.zeros((4, len(images)), np.int32)
        np.add.at(counts[0], where, 1)
        for area in (1, 2, 3):
            ignored[area] = np.where(own_size[rows] == area, 0, (1 << IOUS) - 1)
            np.add.at(counts[area], where[size[of_category == number] == area], 1)
        tables.append(CategoryMatches(image[rows], scores[rows], matched, ignored, images, counts))
    areas = ("all", "small", "medium", "large")
    ids = np.arange(IMAGES), np.arange(categories)
    return Matches(*ids, np.linspace(0.5, 0.95, IOUS), areas, tuple(tables))


sides = drawn(1), drawn(2)
started = time.process_time()
ap_differences(*sides, 1000, seed=0)
print(time.process_time() - started)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("categories", [80, 1])
def test_pair(benchmark: Any, categories: int) -> None:
    """Both sides of one file, spread over categories or all of one."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = benchmark.pedantic(
        lambda: subprocess.run(
            [sys.executable, "-c", _PAIR, str(categories)],
            check=True,
            capture_output=True,
            text=True,
            env=one_thread,
        ),
        rounds=1,
    )
    seconds, peak = done.stdout.split()
    benchmark.extra_info["pair_cpu_seconds"] = round(float(seconds), 1)
    benchmark.extra_info["peak_mb"] = round(int(peak) / 1024)
    text = f"{float(seconds):.1f} s of one core, {int(peak) / 1024:.0f} MB"
    sys.stdout.write(f"{categories} categories: {text}\n")
