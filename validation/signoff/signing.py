"""Signing a run: what is refused, and the statement of what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.errors import SignoffError
from validation.signoff.findings import full_reason
from validation.signoff.soundness import examine
from validation.signoff.statement import Statement, make_statement
from validation.signoff.waivers import Problem, apply_waivers, parse_waivers

_RESTORE = "restore the folder as the run left it, or run the suites again"
_MEND = "mend the file of waivers"
_ACCEPT = "docs/signoff.md says how failures are accepted"
_RUN_AGAIN = "run the suites again"


@dataclass(frozen=True)
class Signatory:
    """Who signs, when and with what.

    Args:
        by: Name, as it is given.
        at: UTC, to the second, as ISO 8601 has it.
        harness: Version of this harness.
    """

    by: str
    at: str
    harness: str


@dataclass(frozen=True)
class Proposal:
    """What signing a run comes to.

    Args:
        statement: What would be signed; None where it is refused.
        reasons: Why it is refused, one line each.
        acceptable: What a waiver could accept of it.
        next_step: What to do about it.
    """

    statement: Statement | None
    reasons: tuple[str, ...] = ()
    acceptable: tuple[Problem, ...] = ()
    next_step: str = ""


def propose(
    files: Mapping[str, bytes], signatory: Signatory, waivers: tuple[str, bytes] | None = None
) -> Proposal:
    """Examine a run and make the statement to sign, or say why it is not signed.

    Args:
        files: Bytes by path below the run's folder.
        signatory: Who signs.
        waivers: Name and bytes of the user's file; None without one.

    Raises:
        CatalogueError: The file of waivers does not say what it must.
    """
    name, data = waivers or ("", b"")
    accepted = parse_waivers(data, name) if waivers else ()
    examined = examine(files, redraw=True)
    judged = examined.judged
    if examined.faults or judged is None:
        reasons = [each.describe() for each in examined.faults]
        return Proposal(None, tuple(reasons), next_step=_RESTORE)
    source = (name, data.decode("utf-8", "replace"))
    waived = apply_waivers(judged.record, judged.judgement, accepted, signatory.at[:10], source)
    reasons = [each.describe(name) for each in waived.stale]
    open_keys = {(each.key, each.check) for each in waived.open}
    reasons += [full_reason(each) for each in waived.unwaivable]
    reasons += [
        full_reason(each)
        for each in judged.judgement.run.findings
        if each not in waived.unwaivable and (each.key, each.check) in open_keys
    ]
    if reasons or waived.open or waived.unwaivable:
        step = _MEND if waived.stale else _ACCEPT if waived.open else _RUN_AGAIN
        return Proposal(None, tuple(reasons), waived.open, step)
    statement = make_statement(
        judged,
        examined.digests,
        accepted,
        waived,
        by=signatory.by,
        at=signatory.at,
        signed_with=signatory.harness,
    )
    _require_in_toto(statement)
    return Proposal(statement)


def _require_in_toto(statement: Statement) -> None:
    """Refuse what in-toto's own library does not take for a statement.

    Raises:
        SignoffError: Some fact of the run has no place there.
    """
    from google.protobuf.json_format import ParseDict, ParseError
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement as InTotoStatement

    try:
        message = ParseDict(statement.document(), statement_pb2.Statement())
        InTotoStatement.copy_from_pb(message).validate()
    except (ParseError, ValueError) as error:
        raise SignoffError("in-toto does not take the statement", got=error) from error
