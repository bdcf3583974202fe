"""Write the tables of docs/scale.md: what models cost, and what a run of many takes.

    python tools/write_scale.py scale.json docs/scale.md

`tools/measure_scale.py` makes the first file. Only what lies between the two marks of the document
is replaced. Nothing is measured here: all of it is arithmetic on the figures of the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from validation.files.atomic import write_text_atomic
from validation.report.markdown import table

_BEGIN, _END = "<!-- measured -->", "<!-- end of measured -->"
# How many of the zoo's 24 float models are of each measured model's size, see docs/scale.md.
STANDS_FOR = {
    "ssd_mobilenet_v1_coco": 8,
    "ssdlite_mobilenet_v2_coco": 8,
    "ssd_inception_v2_coco": 3,
    "ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync": 2,
    "ssd_resnet50_v1_fpn_shared_box_predictor_640x640_coco14_sync": 3,
}
MACHINES = (1, 8, 64)
CORES = 2
IMAGES = (5_000, 100_000)
# Of the checks that need no image of the data set, per model, on the machine that judges; and the
# share of all cores that detection keeps busy: both measured, see docs/scale.md.
CHECKS_SECONDS = 60.0
EFFICIENCY = 0.9
# Matching of one image of one file with its labels, and accumulation.
MATCH_SECONDS = 0.0006
# The interval of one file's AP on one image, where the run is judged: see bench_bootstrap.py.
INTERVAL_SECONDS = 0.0018


def make_seconds(cost: dict[str, Any]) -> float:
    """Export and all conversions of a model, CPU seconds."""
    return float(cost["export"] + sum(cost["convert"].values()))


def image_seconds(cost: dict[str, Any]) -> float:
    """One image through the reference and every variant, CPU seconds."""
    files = cost["invoke"].values()
    return float(cost["reference"] + sum(each + cost["prepare"] + MATCH_SECONDS for each in files))


def wall_hours(costs: list[dict[str, Any]], images: int, machines: int) -> tuple[float, float]:
    """Hours of the shares, and of joining and judging them on one machine.

    Every machine has `CORES` cores. A model's files are made once where there are at least as many
    models as machines, and otherwise by each machine that has some of its images.
    """
    models = [(cost, STANDS_FOR[cost["model"]]) for cost in costs]
    count = sum(number for _, number in models)
    detect = sum(number * images * image_seconds(cost) for cost, number in models)
    make = sum(number * make_seconds(cost) for cost, number in models)
    copies = max(1.0, machines / count)
    intervals = count * images * len(costs[0]["invoke"]) * INTERVAL_SECONDS
    share = (detect / EFFICIENCY + make * copies) / (machines * CORES)
    return share / 3600, (count * CHECKS_SECONDS + intervals) / CORES / 3600


def tables(costs: list[dict[str, Any]]) -> Iterator[str]:
    """The blocks between the marks."""
    rows = []
    for cost in costs:
        files = cost["invoke"]
        rows.append(
            (
                cost["model"],
                str(STANDS_FOR[cost["model"]]),
                f"{cost['export']:.1f}",
                f"{sum(cost['convert'].values()):.1f}",
                # Of a record, it is part of what the files take.
                f"{1000 * cost['prepare']:.1f}" if cost["prepare"] else "in the files",
                f"{1000 * cost['reference']:.0f}",
                *(f"{1000 * files[name]:.0f}" for name in files),
                f"{1000 * image_seconds(cost):.0f}",
            )
        )
    names = list(costs[0]["invoke"])
    header = ["model", "stands for", "export, s", "conversions, s", "decode and resize, ms"]
    header += ["reference, ms", *(f"{name}, ms" for name in names), "an image in all, ms"]
    yield "\n".join(table(header, rows, [False, *[True] * (len(header) - 1)]))
    total = []
    for images in IMAGES:
        for machines in MACHINES:
            share, judge = wall_hours(costs, images, machines)
            total.append(
                (
                    f"{images:,}",
                    str(machines),
                    _duration(share),
                    _duration(judge),
                    _duration(share + judge),
                )
            )
    header = ["images", f"machines of {CORES} cores", "detection and conversion"]
    header += ["joining and judging", "together"]
    yield "\n".join(table(header, total, [True] * len(header)))


def _duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


def main() -> None:
    """Replace what was measured in the document."""
    source, target = map(Path, sys.argv[1:])
    costs = json.loads(source.read_text(encoding="utf-8"))
    text = target.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    body = "\n\n".join(tables(costs))
    write_text_atomic(target, f"{before}{_BEGIN}\n\n{body}\n\n{_END}{after}")


if __name__ == "__main__":
    main()
