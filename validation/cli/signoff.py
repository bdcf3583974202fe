"""``python -m validation signoff``: sign a run, verify what was signed, make keys."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any

from validation import __version__
from validation.cli.flags import Commands, add_json, add_parser, say
from validation.cli.output import print_json
from validation.cli.report import record_path
from validation.errors import ArtefactMissing, SignoffError, UsageError
from validation.files.atomic import write_new_bytes
from validation.files.outside import Size, read_bytes
from validation.files.temporaries import PRIVATE_MODE
from validation.files.terminal import printable
from validation.policy.limits import Status
from validation.record.formatting import plural
from validation.signoff.envelope import (
    SIGNED_SUFFIX,
    UNSIGNED_SUFFIX,
    new_keys,
    open_envelope,
    sign,
    with_hash,
)
from validation.signoff.run_files import SIGNOFF_PREFIX, RunFiles
from validation.signoff.signing import Proposal, Signatory, propose
from validation.signoff.statement import SignedFacts
from validation.signoff.verification import PublicKey, Verification, verify_run

_PROVES_NO_NAME = (
    "signed without a key: it proves that nothing has changed since, and not who signed"
)


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "signoff",
        "sign a run for release, or verify what was signed",
        "Sign the folder of a run: its judged files, record, evidence and policy, with the verdict "
        "made anew. FAIL and UNKNOWN are refused, and so is a folder that is not as the run left "
        "it. Nothing of it needs TensorFlow.",
        "reports/2026-01-31T02-00-00Z-4711 --by 'Jane Roe' --key release.pem",
        _signoff,
    )
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="folder of a run")
    parser.add_argument("--by", metavar="NAME", help="who signs; needed to sign")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="PEM: the private key to sign with, or with --verify the public key of who signed",
    )
    parser.add_argument(
        "--waive", type=Path, metavar="FILE", help="TOML with the failures that are accepted"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="check every hash and signature, and make the verdict anew",
    )
    parser.add_argument(
        "--on",
        type=_day,
        metavar="DATE",
        help="with --verify: the day on which waivers have to hold (default: today)",
    )
    parser.add_argument(
        "--intervals",
        action="store_true",
        help="with --verify: draw the confidence intervals again, as was done when it was signed: "
        "seconds for each quantised file",
    )
    parser.add_argument(
        "--new-key",
        type=Path,
        metavar="FILE",
        help="make a pair of ed25519 keys: FILE, and the public key beside it as .pub.pem",
    )
    add_json(parser)


def _signoff(options: argparse.Namespace) -> int:
    if options.new_key is not None:
        return _new_key(options)
    if options.run is None:
        raise UsageError("no run was named", expected="the folder of a run, or --new-key FILE")
    _require_fitting(options)
    return _verify(options) if options.verify else _sign(options)


def _require_fitting(options: argparse.Namespace) -> None:
    """Refuse flags that would be without effect."""
    for name in ("by", "waive") if options.verify else ("on",):
        if getattr(options, name) is not None:
            other = "signs, --verify does not" if options.verify else "goes with --verify"
            raise UsageError(f"--{name} {other}")
    if options.intervals and not options.verify:
        raise UsageError("--intervals goes with --verify", expected="signing draws them anyway")
    if not options.verify and not (options.by or "").strip():
        raise UsageError("who signs?", expected="--by NAME")


def _sign(options: argparse.Namespace) -> int:
    folder = record_path(options.run).parent
    key = None if options.key is None else _read(options.key)
    waivers = None if options.waive is None else (str(options.waive), _read(options.waive))
    now = datetime.datetime.now(datetime.UTC)
    signatory = Signatory(options.by.strip(), f"{now:%Y-%m-%dT%H:%M:%SZ}", __version__)
    proposal = propose(RunFiles(folder), signatory, waivers)
    if proposal.statement is None:
        return _refused(options, proposal)
    payload = proposal.statement.to_bytes()
    data = with_hash(payload) if key is None else sign(payload, key, str(options.key))
    suffix = UNSIGNED_SUFFIX if key is None else SIGNED_SUFFIX
    path = folder / f"{SIGNOFF_PREFIX}{now:%Y-%m-%dT%H-%M-%SZ}{suffix}"
    write_new_bytes(path, data)
    facts, ids = proposal.statement.facts, open_envelope(data, path.name).key_ids
    if options.json:
        print_json(_document(facts, path.name, "".join(ids)) | {"path": str(path)})
        return 0
    _print(f"signed: {facts.verdict}, by {facts.by}, {facts.at}")
    print(f"key: {ids[0]}" if ids else _PROVES_NO_NAME)
    print(path)
    return 0


def _refused(options: argparse.Namespace, proposal: Proposal) -> int:
    """Say every reason, and how a waiver would name it."""
    if options.json:
        print_json({
            "signed": False,
            "reasons": proposal.reasons,
            "acceptable": [each.as_waiver() for each in proposal.acceptable],
        })  # fmt: skip
        return 1
    for reason in proposal.reasons:
        say(printable(reason))
    for problem in proposal.acceptable:
        say(printable(f"a waiver of it says: {problem.as_waiver()}"))
    raise SignoffError(
        f"the run is not signed, for {plural(len(proposal.reasons), 'reason')}",
        where=options.run,
        next_step=proposal.next_step,
    )


def _verify(options: argparse.Namespace) -> int:
    folder = record_path(options.run).parent
    key = None if options.key is None else PublicKey(_read(options.key), str(options.key))
    today = options.on or datetime.datetime.now(datetime.UTC).date().isoformat()
    found = verify_run(RunFiles(folder), key, today, redraw=options.intervals)
    if options.json:
        print_json(_verified_document(found))
        return 0 if found.counts else 1
    for fault in found.faults:
        say(printable(fault.describe()))
    if found.counts is None:
        raise SignoffError(
            f"the sign-off does not hold, for {plural(len(found.faults), 'reason')}",
            where=options.run,
            next_step="do not ship these files; restore the folder, or run the suites again",
        )
    _print_verified(found)
    return 0


def _print_verified(found: Verification) -> None:
    counts = found.counts
    if counts is None:
        return
    facts = counts.facts
    _print(f"verified: {facts.verdict}, by {facts.by}, {facts.at}")
    _print(f"key: {counts.key_id}" if counts.key_id else _PROVES_NO_NAME)
    for each in facts.figures:
        if each.file:
            # A file that did not pass is only ever signed with waivers.
            passed = each.verdict in (Status.PASS, Status.WARN)
            word = each.verdict.upper() if passed else "WAIVED"
            chosen = "  to ship" if each.file in facts.to_ship else ""
            given = f"  given as {each.given}" if each.given else ""
            _print(f"{word:7} {each.file}  sha256 {each.sha256}{given}{chosen}")
    for waiver in facts.waivers:
        entry = waiver.entry
        _print(f"accepted until {entry.expires} by {entry.by}: {'; '.join(waiver.covers)}")
        _print(f"  {entry.reason}")
    for older in found.holding[1:]:
        _print(f"earlier: {older.facts.verdict}, by {older.facts.by}, {older.facts.at}")
    for name in found.by_others:
        _print(f"not verified, signed by another key or none: {name}")
    for name in found.uncovered:
        _print(f"not signed: {name}")


def _print(text: str) -> None:
    """Names and reasons are what others wrote; none of them moves a terminal's cursor."""
    print(printable(text))


def _document(facts: SignedFacts, file: str, key: str) -> dict[str, Any]:
    return {"signed": True, "file": file, "key": key or None, "facts": facts}


def _verified_document(found: Verification) -> dict[str, Any]:
    counts = found.counts
    return {
        "verified": counts is not None,
        "proves_name": bool(counts and counts.key_id),
        "counts": counts and _document(counts.facts, counts.file, counts.key_id),
        "earlier": [each.file for each in found.holding[1:]],
        "by_others": found.by_others,
        "not_signed": found.uncovered,
        "faults": found.faults,
    }


def _new_key(options: argparse.Namespace) -> int:
    others = ("run", "by", "key", "waive", "on")
    if (
        options.verify
        or options.intervals
        or any(getattr(options, name) is not None for name in others)
    ):
        raise UsageError("--new-key makes keys and does nothing else", got="other arguments")
    private: Path = options.new_key
    public = private.with_name(f"{private.name.removesuffix('.pem')}.pub.pem")
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise _there_already(path)
    pair = new_keys()
    # Never readable by others, not for a moment.
    write_new_bytes(private, pair.private, mode=PRIVATE_MODE)
    try:
        write_new_bytes(public, pair.public)
    except BaseException:
        # A key whose public half is nowhere would be of no use.
        private.unlink(missing_ok=True)
        raise
    if options.json:
        print_json({"private": str(private), "public": str(public), "key": pair.key_id})
    else:
        print(f"{private}  private: whoever has it signs in your name; not encrypted, mode 0600")
        print(f"{public}  public: give it to whoever verifies")
        print(f"key: {pair.key_id}")
    return 0


def _there_already(path: Path) -> UsageError:
    return UsageError(
        "a key is never overwritten, and there is a file",
        where=path,
        next_step="choose another name",
    )


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, Size.TABLE)
    except OSError as error:
        raise ArtefactMissing("the file cannot be read", got=error.strerror, where=path) from error


def _day(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be a date such as 2027-01-31, got {text!r}"
        ) from error
