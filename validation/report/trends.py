"""Where the figures of a model's files went over the last runs: numbers in, small drawings out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from validation.errors import first_few
from validation.record.baseline_words import share
from validation.record.formatting import coco_figure, milliseconds, moment, plural, size
from validation.record.history import History, PastRun, PastSubject
from validation.record.types import ModelKey

# So many runs are drawn: more would be a line of dots.
MOST_RUNS = 60
# A line through one point is none.
_LEAST_POINTS = 2
# Of a drawing, in its own units: room for the dot of the last run at the edges.
WIDTH, HEIGHT, EDGE = 120, 24, 3

_Value = Callable[[PastSubject], float | None]


@dataclass(frozen=True)
class Trend:
    """One figure of one file over the runs that have it.

    Args:
        name: Of the figure.
        last: In the latest run, for people; empty where it has none.
        points: Of a line through all runs, ``x,y`` each; empty where there are too few.
        end: Where the line ends; None without a line.
        text: The same in words.
    """

    name: str
    last: str
    points: str
    end: tuple[float, float] | None
    text: str


@dataclass(frozen=True)
class TrendRow:
    """The trends of one file."""

    key: ModelKey
    trends: tuple[Trend, ...]


@dataclass(frozen=True)
class Trends:
    """The section of a model's page.

    Args:
        rows: One a file; empty where no earlier run is known.
        runs: How many there are.
        notes: What was left out, a sentence each.
    """

    rows: tuple[TrendRow, ...]
    runs: int
    notes: tuple[str, ...]


def trends(history: History, run: str, keys: Iterable[ModelKey]) -> Trends:
    """The figures of some files up to a run.

    Args:
        history: Of the report folder.
        run: Name of the run whose page it is; later ones are left out.
        keys: Of the files.
    """
    names = [each.run for each in history.runs]
    if run not in names:
        return Trends((), 0, ())
    runs = history.runs[: names.index(run) + 1]
    notes = _ignored(history)
    if len(runs) < _LEAST_POINTS:
        return Trends((), len(runs), tuple(notes))
    others = [each for each in runs if _key(each) != _key(runs[-1])]
    if others:
        notes.append(
            f"latencies of {plural(len(others), 'run')} are left out: "
            "another machine class or LiteRT"
        )
    rows = tuple(TrendRow(key, _of(runs, key)) for key in keys)
    return Trends(rows, len(runs), tuple(notes))


def _ignored(history: History) -> list[str]:
    """One note, since after a change of the layout it is about all earlier runs."""
    if not history.ignored:
        return []
    files = [name for name, _ in history.ignored]
    why = history.ignored[0][1]
    return [f"{plural(len(files), 'file')} of the history ignored ({first_few(files, 2)}): {why}"]


def _key(run: PastRun) -> tuple[object, ...]:
    """What latencies have to have in common."""
    return run.machine, run.versions.get("ai-edge-litert")


def _of(runs: Sequence[PastRun], key: ModelKey) -> tuple[Trend, ...]:
    last = runs[-1]
    alike = [run for run in runs if _key(run) == _key(last)]
    scored = [run for run in runs if _images(run, key) == _images(last, key)]
    return (
        _trend("AP", scored, key, lambda each: each.ap, coco_figure),
        _trend("size", runs, key, _size, lambda value: size(round(value))),
        _trend("median latency", alike, key, lambda each: each.p50_ms, _ms),
        _trend("nearest limit used", runs, key, lambda each: each.used, share),
    )


def _images(run: PastRun, key: ModelKey) -> tuple[str, str]:
    """What AP was measured on: labels, and the bytes of the images."""
    subject = run.of(key)
    return run.images_sha256, "" if subject is None else subject.image_files_sha256


def _size(subject: PastSubject) -> float | None:
    return subject.size_bytes


def _ms(value: float) -> str:
    return f"{milliseconds(value)} ms"


def _trend(
    name: str,
    runs: Sequence[PastRun],
    key: ModelKey,
    value: _Value,
    text: Callable[[float], str],
) -> Trend:
    known = [
        (run, number)
        for run in runs
        if (subject := run.of(key)) is not None
        and (number := value(subject)) is not None
        and math.isfinite(number)
    ]
    if not known or known[-1][0] is not runs[-1]:
        # A figure of an earlier run is none of this one, and a line would end at that.
        return Trend(name, "", "", None, f"{name}: not measured in this run")
    numbers = [number for _, number in known]
    first, last = text(numbers[0]), text(numbers[-1])
    if len(known) < _LEAST_POINTS:
        return Trend(name, last, "", None, f"{name}: {last}, in one run")
    places = _places(numbers)
    said = (
        f"{name} over {len(known)} runs since {moment(known[0][0].started)}: {first} to {last}, "
        f"between {text(min(numbers))} and {text(max(numbers))}"
    )
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    return Trend(name, last, points, places[-1], said)


def _places(numbers: Sequence[float]) -> list[tuple[float, float]]:
    """From left to right, the largest at the top; equal ones are a line in the middle."""
    low, high = min(numbers), max(numbers)
    step = (WIDTH - 2 * EDGE) / (len(numbers) - 1)
    room = HEIGHT - 2 * EDGE

    def height(number: float) -> float:
        # Halves first: the difference of two large floats may be infinite.
        up = 0.5 if low == high else (number / 2 - low / 2) / (high / 2 - low / 2)
        return EDGE + room * (1 - up)

    return [(round(EDGE + step * i, 1), round(height(each), 1)) for i, each in enumerate(numbers)]
