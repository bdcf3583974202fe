"""Whether a sign-off still holds: hashes, signature, and the verdict made anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from validation.errors import SignoffError
from validation.record.store import RECORD_NAME
from validation.signoff.differences import differences
from validation.signoff.envelope import Opened, key_id, open_envelope, verify_signature
from validation.signoff.run_files import is_signoff, uncovered
from validation.signoff.soundness import Examined, Fault, examine
from validation.signoff.statement import (
    FACTS,
    SignedFacts,
    Statement,
    make_statement,
    parse_statement,
)
from validation.signoff.waivers import apply_waivers

# Another version may word sentences otherwise, and choose another file to ship among those that are
# good enough; the signature covers them anyway.
_OF_ONE_VERSION = ("reasons", "claims", "does_not_claim", "signed_with", "to_ship")


@dataclass(frozen=True)
class PublicKey:
    """The key to verify with.

    Args:
        pem: Its bytes.
        name: Of its file, for messages.
    """

    pem: bytes
    name: str


@dataclass(frozen=True)
class Signoff:
    """One signature of a run, or a hash in its place, which held.

    Args:
        file: Its name.
        facts: What was signed.
        key_id: Of the key that signed; empty for a hash.
    """

    file: str
    facts: SignedFacts
    key_id: str


@dataclass(frozen=True)
class Verification:
    """What came of verifying a run.

    Args:
        counts: The newest one that holds; None where none does or anything is wrong.
        holding: All that hold, the newest first.
        by_others: Files that were signed by other keys than the one given.
        faults: What is wrong; any of them refuses the run.
        uncovered: Files in the run's folder that no signature covers.
    """

    counts: Signoff | None
    holding: tuple[Signoff, ...]
    by_others: tuple[str, ...]
    faults: tuple[Fault, ...]
    uncovered: tuple[str, ...]


def verify_run(
    files: Mapping[str, bytes], key: PublicKey | None, today: str, *, redraw: bool = False
) -> Verification:
    """Verify every signature of a run, and the run by each of them.

    Args:
        files: Bytes by path below the run's folder.
        key: Of the signer; None where there are hashes alone, which prove no name.
        today: Waivers hold until their day, as ISO 8601 has it.
        redraw: Make intervals again from the evidence too, as was done when it was signed.

    Raises:
        SignoffError: The run was never signed, a signature needs a key to be verified, or the
            key is none.
    """
    names = sorted(filter(is_signoff, files))
    if not names:
        raise SignoffError(
            "the run was not signed", next_step="`validation signoff RUN --by NAME` signs it"
        )
    own = key_id(key.pem, key.name) if key else ""
    examined = examine(files, redraw=redraw)
    holding: list[Signoff] = []
    others: list[str] = []
    faults: list[Fault] = []
    for name in names:
        data = files[name]
        try:
            opened = open_envelope(data, name)
            if opened.key_ids and key is None:
                raise _needs_key(name, opened)
            ours = not key or own in opened.key_ids
            if key and ours:
                verify_signature(data, key.pem, name, key.name)
            statement = parse_statement(opened.payload, name)
        except _NeedsKey:
            raise
        except SignoffError as error:
            faults.append(Fault.of(name, error))
            continue
        faults += _faults(name, statement, examined, today)
        if ours:
            holding.append(Signoff(name, statement.facts, own))
        else:
            others.append(name)
    faults += _further(examined, faults)
    holding.sort(key=lambda each: (each.facts.at, each.file), reverse=True)
    if not holding and not faults:
        faults.append(_not_by_this_key(others, own))
    return Verification(
        holding[0] if holding and not faults else None,
        () if faults else tuple(holding),
        tuple(others),
        tuple(dict.fromkeys(faults)),
        uncovered(files),
    )


class _NeedsKey(SignoffError):
    """A signature that was not verified proves nothing."""


def _needs_key(name: str, opened: Opened) -> _NeedsKey:
    return _NeedsKey(
        "the run is signed, and the signature is verified by the signer's public key",
        expected=f"--key PUBLIC.pem of key {', '.join(opened.key_ids)}",
        where=name,
    )


def _not_by_this_key(others: list[str], own: str) -> Fault:
    hashes = "a file with a hash alone proves no name"
    return Fault(", ".join(others), f"nothing was signed by this key; {hashes}", f"key {own}")


def _further(examined: Examined, known: list[Fault]) -> Iterator[Fault]:
    """What is wrong in the folder itself, but for what follows from a known fault."""
    wheres = {each.where for each in known}
    for fault in examined.faults:
        is_folder = fault.where.endswith("/")
        follows = is_folder and any(each.startswith(fault.where) for each in wheres)
        if fault.where not in wheres and not follows:
            yield fault


def _faults(name: str, statement: Statement, examined: Examined, today: str) -> Iterator[Fault]:
    """Where the folder is not what was signed."""
    signed, present = statement.subjects, examined.digests
    others = {path for path in {*signed, *present} if signed.get(path) != present.get(path)}
    for path in dict.fromkeys([*signed, *present]):
        if path not in present:
            yield Fault(path, "a signed file is missing", f"sha256 {signed[path]}")
        elif path not in signed:
            yield Fault(path, f"the file is not among those signed in {name}")
        elif signed[path] != present[path]:
            yield Fault(
                path,
                "the file is not the one that was signed",
                f"sha256 {signed[path]}, by {name}",
                f"sha256 {present[path]}",
            )
    # What a file that is another one leads to is said by its name; a record can be compared.
    judged = examined.judged
    if judged is None or others - {RECORD_NAME}:
        return
    facts = statement.facts
    waivers = tuple(each.entry for each in facts.waivers)
    waived = apply_waivers(judged.record, judged.judgement, waivers, today)
    for stale in waived.stale:
        yield Fault(name, f"waiver {stale.number} does not hold any more: {stale.what}")
    as_signed = apply_waivers(judged.record, judged.judgement, waivers, facts.at[:10])
    for problem in as_signed.open:
        yield Fault(name, "what was found is not accepted by any waiver", "", problem.describe())
    if as_signed.unwaivable or as_signed.open:
        return
    again = make_statement(
        judged,
        examined.digests,
        waivers,
        as_signed,
        by=facts.by,
        at=facts.at,
        signed_with=facts.signed_with,
    )
    for each in differences(_compared(statement), _compared(again)):
        yield Fault(f"{name}: {each.where}", "not what the run gives", each.second, each.first)


def _compared(statement: Statement) -> dict[str, object]:
    """What is a fact in the predicate."""
    predicate = dict(statement.document()["predicate"])
    facts = {key: each for key, each in predicate[FACTS].items() if key not in _OF_ONE_VERSION}
    return {**predicate, FACTS: facts}
