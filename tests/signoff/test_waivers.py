"""What is accepted is accepted by name, for a reason, until a day; what is not used is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from signable_run import ENVELOPE, INT8, JANE, Files, envelope_of

from validation.errors import CatalogueError
from validation.policy.limits import Status
from validation.record.types import ModelKey
from validation.signoff.envelope import KeyPair
from validation.signoff.signing import propose
from validation.signoff.verification import PublicKey, verify_run
from validation.signoff.waivers import Problem, Waiver, parse_waivers

Make = Callable[..., Files]

ENTRY: dict[str, Any] = {
    "model": "person",
    "variant": "int8",
    "check": "accuracy",
    "reason": "calibrated anew in March, ticket 4711",
    "expires": "2026-06-30",
    "by": "John Doe",
}
_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(
    str.strip
)


def toml(*entries: dict[str, Any]) -> bytes:
    tables = [
        "[[waiver]]\n"
        + "".join(
            f"{key} = {value}\n" if key == "expires" else f'{key} = "{value}"\n'
            for key, value in entry.items()
        )
        for entry in entries
    ]
    return ("version = 1\n\n" + "\n".join(tables)).encode()


@pytest.fixture
def failing(run_with: Make) -> Files:
    """A run whose int8 file loses too much."""
    return run_with(ap=0.16)


@pytest.mark.parametrize("more", [{}, {"measure": "ap_drop"}, {"variant": "int*"}, {"check": "*"}])
def test_failure_that_is_accepted(
    failing: Files, keys: KeyPair, public_key: PublicKey, more: dict[str, str]
) -> None:
    """The verdict says so ever after: it is no plain PASS, and no test passed that did not."""
    proposal = propose(failing, JANE, ("waivers.toml", toml(ENTRY | more)))
    statement = proposal.statement
    assert statement is not None, proposal.reasons
    assert (statement.facts.verdict, statement.result) == ("PASS with waivers", "WARNED")
    assert "person-int8: accuracy" in statement.warned
    assert "person-int8: accuracy" not in statement.passed
    (waiver,) = statement.facts.waivers
    assert waiver.covers == ("person-int8: accuracy, ap_drop: fail",)
    assert (waiver.entry.reason, waiver.entry.expires) == (ENTRY["reason"], "2026-06-30")
    found = verify_run({**failing, ENVELOPE: envelope_of(proposal, keys)}, public_key, "2026-06-30")
    assert found.counts is not None
    assert found.counts.facts.verdict == "PASS with waivers"


def test_waiver_holds_until_its_day(failing: Files, keys: KeyPair, public_key: PublicKey) -> None:
    """The day after, what was signed is no longer accepted."""
    proposal = propose(failing, JANE, ("waivers.toml", toml(ENTRY)))
    found = verify_run({**failing, ENVELOPE: envelope_of(proposal, keys)}, public_key, "2026-07-01")
    assert found.counts is None
    assert [each.what for each in found.faults] == [
        "waiver 1 does not hold any more: it expired on 2026-06-30, today is 2026-07-01"
    ]


def test_unknown_that_is_accepted(run_with: Make) -> None:
    """Too little evidence can be accepted as well, for every file that lacks it."""
    files = run_with(images=4)
    one = propose(files, JANE, ("w.toml", toml(ENTRY)))
    assert one.statement is None
    assert [each.key.variant for each in one.acceptable] == ["float"]
    both = propose(files, JANE, ("w.toml", toml(ENTRY | {"variant": "*", "measure": "images"})))
    assert both.statement is not None
    assert both.statement.facts.verdict == "PASS with waivers"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            [ENTRY, ENTRY | {"model": "persons"}],
            'w.toml, waiver 2 (model = "persons", variant = "int8", check = "accuracy"): it '
            "matches nothing in this run (model: did you mean 'person'?); remove waiver 2: "
            "sed -i '11,17d' w.toml",
        ),
        (
            [ENTRY | {"measure": "ap_gain"}],
            "it matches nothing in this run; remove waiver 1: sed -i '3,10d' w.toml",
        ),
        (
            [ENTRY, ENTRY | {"check": "latency"}],
            "nothing is left to accept, the check says PASS; remove waiver 2: sed -i '11,17d'",
        ),
        (
            [ENTRY | {"expires": "2026-01-02"}],
            "it expired on 2026-01-02, today is 2026-01-03; decide anew: sed -i '3,9s/^ *expires "
            "*=.*/expires = NEW-DATE/' w.toml; or remove waiver 1: sed -i '3,9d' w.toml",
        ),
        (
            [ENTRY | {"measure": "images"}],
            "nothing is left to accept, the check says FAIL",
        ),
    ],
)
def test_waiver_that_is_of_no_use(failing: Files, entries: list[Any], said: str) -> None:
    """It is refused, with the command that mends the file."""
    proposal = propose(failing, JANE, ("w.toml", toml(*entries)))
    assert proposal.statement is None
    assert said in " | ".join(proposal.reasons)


def test_waiver_of_a_run_that_passes(sound: Files) -> None:
    """A known failure that is gone is news."""
    proposal = propose(sound, JANE, ("w.toml", toml(ENTRY)))
    assert proposal.statement is None
    assert "nothing is left to accept, the check says PASS" in proposal.reasons[0]


@pytest.mark.parametrize("otherwise", [{"exit_code": 2, "ap": 0.16}, {"exit_code": 3}])
def test_run_that_went_wrong_cannot_be_accepted(run_with: Make, otherwise: Any) -> None:
    """A waiver is for what a check found out."""
    entry = ENTRY | {"variant": "*", "check": "*"}
    assert propose(run_with(**otherwise), JANE, ("w.toml", toml(entry))).statement is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file has another layout .*expected version = 1"),
        (b"version = 2", "expected version = 1, got 2"),
        (b"version = 1\nwaivers = []", "unknown key 'waivers' .*did you mean 'waiver'"),
        (toml({**ENTRY, "variants": "int8"}), "unknown key 'variants'.*did you mean 'variant'"),
        (toml({key: ENTRY[key] for key in ENTRY if key != "reason"}), "'reason' is missing"),
        (toml({key: ENTRY[key] for key in ENTRY if key != "expires"}), "'expires' is missing"),
        (toml(ENTRY | {"by": " "}), "by is wrong .*expected a text"),
        (toml(ENTRY | {"expires": '"next year"'}), "expires is wrong.*a date such as 2027-01-31"),
        (toml(ENTRY | {"expires": "2026-06-30T12:00:00"}), "expires is wrong"),
        (toml(ENTRY | {"expires": "20"}), "expires is wrong"),
        (b"\xff", "the file cannot be read"),
    ],
)
def test_file_that_does_not_say_what_it_must(data: bytes, said: str) -> None:
    """No key is optional that a reader a year later would miss, and none is guessed."""
    with pytest.raises(CatalogueError, match=said):
        parse_waivers(data, "waivers.toml")


@given(model=_NAMES, check=_NAMES, measure=_NAMES)
def test_waiver_without_patterns_covers_its_own_problem_alone(
    model: str, check: str, measure: str
) -> None:
    """A waiver names what it accepts; of another model, check or measure it says nothing."""
    plain = [each.translate({91: 40, 42: 43, 63: 33}) for each in (model, check, measure)]
    model, check, measure = plain
    problem = Problem(ModelKey(model, "int8"), check, Status.FAIL, measure)
    waiver = Waiver(model, "int8", check, "why", "2026-06-30", "me", measure)  # type: ignore[arg-type]
    assert waiver.covers(problem)
    others = [
        Problem(ModelKey(model + "x", "int8"), check, Status.FAIL, measure),
        Problem(INT8, check + "x", Status.FAIL, measure),
        Problem(ModelKey(model, "int8"), check, Status.FAIL, measure + "x"),
        Problem(ModelKey(model, "int8"), check, Status.FAIL),
    ]
    assert not any(map(waiver.covers, others))


@given(model=_NAMES, check=_NAMES, measure=_NAMES, file=_NAMES)
def test_the_proposed_waiver_covers_its_own_problem_alone(
    model: str, check: str, measure: str, file: str
) -> None:
    """Whatever names hold: brackets are no patterns, quotation marks end no text."""
    key = ModelKey(model, "int8", file)
    problem = Problem(key, check, Status.FAIL, measure)
    entry = problem.as_waiver().replace(", ", "\n")
    for name in (model, check, measure, file):
        assume(", " not in name)
    text = f'version = 1\n[[waiver]]\n{entry}\nreason = "x"\nexpires = 2026-06-30\nby = "me"\n'
    (waiver,) = parse_waivers(text.encode(), "w.toml")
    assert waiver.covers(problem)
    others = [
        dataclasses.replace(problem, key=ModelKey(model, "int8")),
        dataclasses.replace(problem, key=ModelKey(model, "int8", file + "x")),
        dataclasses.replace(problem, key=ModelKey(model + "x", "int8", file)),
        dataclasses.replace(problem, measure=measure + "x"),
    ]
    assert not any(map(waiver.covers, others))
