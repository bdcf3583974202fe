"""The fuzz target itself: its inputs come again by their numbers, and it sees what must not be."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from fuzz import binaries, mutations, texts
from fuzz.outcomes import MOST_BYTES, Outcome, Result, as_table, outcome_of
from fuzz.runner import Runner, make_input, schedule
from fuzz.seeds import write_seeds
from fuzz.server import Ended
from fuzz.targets import TARGETS, Target, no_files
from fuzz.tflites import change_tflite
from hypothesis import given, settings
from hypothesis import strategies as st

_MUTATORS = (
    *(mutations.change_bytes, texts.change_text, texts.change_json, texts.change_json_lines),
    *(
        binaries.change_tar,
        binaries.change_npy,
        binaries.change_pack,
        binaries.change_png,
        binaries.change_protobuf,
    ),
    *(binaries.inside_gzip(binaries.change_tar), binaries.inside_zip(binaries.change_npy)),
    *(binaries.inside_frames(binaries.change_protobuf), change_tflite),
)
# Neither the commands nor the seeds take TensorFlow.
_LIGHT = tuple(
    each
    for each in TARGETS
    if not each.tensorflow and each.weight and not each.seeds[0].startswith("export/")
)
_FINE = Ended(code=0, seconds=0.1, peak_bytes=10**7, timed_out=False)
_TRACE = b"Traceback (most recent call last):\n  File"
_WORKERS = 2


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those that take no TensorFlow."""
    folder = tmp_path_factory.mktemp("fuzz") / "seeds"
    write_seeds(folder)
    return folder


# What a text becomes may be 20,000 times as deep.
@settings(deadline=None, max_examples=60)
@given(data=st.binary(min_size=1, max_size=3_000), number=st.integers(0, 10**6))
def test_mutators_take_any_bytes_and_give_the_same_again(data: bytes, number: int) -> None:
    """They change what is left of a file as well, for several are applied to one."""
    for mutator in _MUTATORS:
        assert mutator(data, Random(number)) == mutator(data, Random(number))


@pytest.mark.parametrize("target", _LIGHT, ids=lambda target: target.kind)
def test_number_makes_an_input_again(target: Target, seeds: Path) -> None:
    """Another number, or another seed of the run, makes another one."""
    made = [make_input(target, number, seeds, 0) for number in range(30)]
    assert made == [make_input(target, number, seeds, 0) for number in range(30)]
    changed = [each for each in made if each.data != (seeds / each.source).read_bytes()]
    # A few are taken as they are, because a mutator found nothing to change.
    assert len(changed) > 20
    others = [make_input(target, number, seeds, 1) for number in range(30)]
    assert [each.data for each in others] != [each.data for each in made]


def test_schedule_takes_kinds_by_their_weights() -> None:
    """Every kind comes early, and no number twice."""
    total = sum(each.weight for each in TARGETS)
    jobs = list(schedule(TARGETS, 2 * total))
    assert len({(target.kind, number) for target, number in jobs}) == 2 * total
    first = {target.kind for target, _ in jobs[:total]}
    assert first == {target.kind for target in TARGETS if target.weight}


@pytest.mark.parametrize(
    ("ended", "out", "err", "outcome"),
    [
        (_FINE, b"fine", b"", Outcome.ACCEPTED),
        (dataclasses.replace(_FINE, code=1), b"", b"error: no\n", Outcome.REFUSED),
        (dataclasses.replace(_FINE, code=1), b"", _TRACE, Outcome.TRACEBACK),
        (dataclasses.replace(_FINE, code=-11), b"", b"", Outcome.BARE_CRASH),
        (
            dataclasses.replace(_FINE, code=1),
            b"",
            b"error: `detect` was ended by signal 11 (SIGSEGV)\n",
            Outcome.CRASH,
        ),
        (dataclasses.replace(_FINE, timed_out=True, code=-9), b"", b"", Outcome.HANG),
        (dataclasses.replace(_FINE, peak_bytes=MOST_BYTES + 1), b"", b"", Outcome.MEMORY),
        (_FINE, b"\x1b[2J", b"", Outcome.ESCAPE),
        (dataclasses.replace(_FINE, code=1), b"", b"", Outcome.WORDLESS),
        (_FINE, b"{NaN}", b"", Outcome.BAD_JSON),
    ],
)
def test_what_must_not_be_is_seen(
    ended: Ended, out: bytes, err: bytes, outcome: Outcome, tmp_path: Path
) -> None:
    """By how the process ended and what it printed."""
    words = ("inspect", *(("--json",) if outcome is Outcome.BAD_JSON else ()))
    assert outcome_of(words, ended, out, err, tmp_path) is outcome


def test_leftover_is_seen(tmp_path: Path) -> None:
    """A temporary file beside a product."""
    (tmp_path / ".out.json.x1y2").touch()
    assert outcome_of(("inspect",), _FINE, b"", b"", tmp_path) is Outcome.LEFTOVER


def test_table_has_a_row_for_each_kind_and_one_for_all() -> None:
    """Counts add up."""
    results = [
        Result(kind, number, ("inspect",), outcome, _FINE)
        for kind in ("a", "b")
        for number, outcome in enumerate((Outcome.ACCEPTED, Outcome.REFUSED, Outcome.LEFTOVER))
    ]
    rows = as_table(results).splitlines()
    assert rows[2:] == [
        f"| {kind} | {n * 3} | {n} | {n} | 0 | 0 | 0 | 0 | 0 | {n} | 10 MB |"
        for kind, n in (("a", 1), ("b", 1), ("all", 2))
    ]


def _jobs(targets: list[Target], seeds: Path) -> Iterator[tuple[Target, int]]:
    for target in targets:
        files = sum(len(list(seeds.glob(pattern))) for pattern in target.seeds)
        yield from ((target, files * number) for number in range(len(target.commands)))


def test_unchanged_seeds_are_read_and_nothing_is_found(seeds: Path, tmp_path: Path) -> None:
    """Commands that refuse their seeds would refuse every change of them, for another reason."""
    targets = [
        # No name of somebody else's either.
        dataclasses.replace(each, mutator=lambda data, _: data, forms=("plain",))
        for each in _LIGHT
        if not any("@models/mini" in " ".join(words) for words in each.commands)
    ]
    found: list[Result] = []
    runner = Runner(seeds, tmp_path / "finds")
    runner.run(_jobs(targets, seeds), workers=_WORKERS, on_result=found.append)
    assert {each.kind for each in found} == {each.kind for each in targets}
    # A public key signs nothing, and a private one is not shown to verify.
    wrong = [each for each in found if each.outcome is not Outcome.ACCEPTED]
    assert [(each.kind, each.said) for each in wrong if each.kind != "keys"] == []


def test_what_is_no_file_is_refused(seeds: Path, tmp_path: Path) -> None:
    """A pipe that nobody writes, a device without end, links to nowhere and to themselves."""
    target = no_files()
    found: list[Result] = []
    jobs = iter([(target, number) for number in range(len(target.forms))])
    Runner(seeds, tmp_path / "finds").run(jobs, workers=_WORKERS, on_result=found.append)
    assert {each.outcome for each in found} <= {Outcome.REFUSED, Outcome.ACCEPTED}, json.dumps(
        [each.said for each in found]
    )
