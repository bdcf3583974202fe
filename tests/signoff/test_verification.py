"""A signature holds as long as no byte of what it covers is another, and not for a byte more."""

from __future__ import annotations

import dataclasses
import json
from base64 import standard_b64decode, standard_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from signable_run import ENVELOPE, INT8, JANE, Files, envelope_of

from validation.errors import SignoffError
from validation.record.types import CheckResult
from validation.signoff.envelope import (
    KeyPair,
    new_keys,
    open_envelope,
    sign,
    verify_signature,
    with_hash,
)
from validation.signoff.signing import propose
from validation.signoff.statement import FACTS
from validation.signoff.verification import PublicKey, Verification, verify_run

_TODAY = "2026-02-01"
_UNSIGNED = "signoff-2026-01-03T09-00-01Z.unsigned.json"


def _wheres(found: Verification) -> str:
    return "; ".join(each.where for each in found.faults)


def _places(size: int, most: int) -> Iterator[int]:
    """Places all over a file, its first and last byte among them."""
    return (round(each * (size - 1) / (most - 1)) for each in range(most))


def test_what_was_signed_holds(signed: Files, public_key: PublicKey) -> None:
    """Verdict, name, files and figures come out as they were signed."""
    found = verify_run(signed, public_key, _TODAY)
    assert found.faults == ()
    assert found.counts is not None
    facts = found.counts.facts
    assert (facts.verdict, facts.by, facts.at) == ("PASS", "Jane Roe", JANE.at)
    assert [each.file for each in facts.figures] == [
        "files/person-float.tflite",
        "files/person-int8.tflite",
    ]
    int8 = facts.figures[1]
    assert int8.ap_difference == pytest.approx(-0.005)
    assert [(each.measure, each.low) for each in int8.intervals] == [
        ("ap_drop", pytest.approx(0.001))
    ]
    assert [(each.threads, each.p50_ms) for each in int8.latencies] == [(1, 9.5)]


def test_any_other_byte_is_refused_and_its_file_named(
    run_with: Callable[..., Files], keys: KeyPair, public_key: PublicKey
) -> None:
    """Hundreds of single bytes changed, in every file that counts and in the envelope."""
    run = run_with(own_policy=True)
    files = {**run, ENVELOPE: envelope_of(propose(run, JANE), keys)}
    assert verify_run(files, public_key, _TODAY).counts is not None
    covered = [path for path in files if path != "index.html"]
    assert {path.partition("/")[0] for path in covered} == {
        "record.jsonl", "evidence", "files", "policy", ENVELOPE
    }  # fmt: skip
    tried = 0
    for path in covered:
        data = files[path]
        for place in _places(len(data), 60):
            other = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
            found = verify_run({**files, path: other}, public_key, _TODAY)
            assert found.counts is None, (path, place)
            assert path in _wheres(found), (path, place, found.faults)
            tried += 1
    assert tried >= 500


@pytest.mark.parametrize("kind", ["signed", "with a hash alone"])
def test_every_byte_of_an_envelope(signed: Files, public_key: PublicKey, kind: str) -> None:
    """Bytes that JSON and base64 do not care about count as well; one more, or one less, too."""
    payload = standard_b64decode(json.loads(signed[ENVELOPE])["payload"])
    data = signed[ENVELOPE] if kind == "signed" else with_hash(payload)
    edges = [*range(40), *range(len(data) - 260, len(data))]
    changed = [data[:at] + b" " + data[at + 1 :] for at in edges if data[at] != 32]
    for other in (*changed, data + b"\n", data[:-1], b" " + data, b""):
        with pytest.raises(SignoffError, match="the-file"):
            if open_envelope(other, "the-file").key_ids:
                verify_signature(other, public_key.pem, "the-file", "key")


def test_last_digit_of_base64_has_one_spelling(signed: Files, public_key: PublicKey) -> None:
    """Bits that base64 throws away cannot be used to write the same signature otherwise."""
    document = json.loads(signed[ENVELOPE])
    signature = document["signatures"][0]["sig"]
    digit = signature.rstrip("=")[-1]
    other = signature.replace(f"{digit}=", f"{chr(ord(digit) + 1)}=")
    assert standard_b64decode(other) == standard_b64decode(signature)
    document["signatures"][0]["sig"] = other
    data = json.dumps(document, indent=1).encode() + b"\n"
    found = verify_run({**signed, ENVELOPE: data}, public_key, _TODAY)
    assert [each.what for each in found.faults] == ["the file is not written as it was signed"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("files/person-int8.tflite", "a signed file is missing"),
        ("policy/policy.toml", "a signed file is missing"),
        ("record.jsonl", "a signed file is missing"),
    ],
)
def test_missing_file(signed: Files, public_key: PublicKey, path: str, said: str) -> None:
    """What was signed has to be there."""
    left = {each: data for each, data in signed.items() if each != path}
    found = verify_run(left, public_key, _TODAY)
    assert found.counts is None
    assert (path, said) in [(each.where, each.what) for each in found.faults]


@pytest.mark.parametrize("folder", ["files", "evidence", "policy"])
def test_file_that_nobody_signed(signed: Files, public_key: PublicKey, folder: str) -> None:
    """One file more among those that ship is no file of this run."""
    found = verify_run({**signed, f"{folder}/detect.tflite": b"TFL3"}, public_key, _TODAY)
    assert found.counts is None
    assert f"{folder}/detect.tflite" in _wheres(found)


def test_pages_are_no_subjects_and_strangers_are_told(signed: Files, public_key: PublicKey) -> None:
    """Pages may be made again; a file that lies beside them is said not to be signed."""
    files = {**signed, "index.html": b"made again", "detect.tflite": b"TFL3"}
    found = verify_run(files, public_key, _TODAY)
    assert found.counts is not None
    assert found.uncovered == ("detect.tflite",)


def test_signature_by_another_key(signed: Files) -> None:
    """It may well be somebody's; it is not theirs whose key was given."""
    other = PublicKey(new_keys().public, "john.pub.pem")
    found = verify_run(signed, other, _TODAY)
    assert found.counts is None
    assert found.by_others == (ENVELOPE,)
    assert "nothing was signed by this key" in found.faults[0].describe()


def test_key_id_of_one_key_over_the_signature_of_another(
    signed: Files, public_key: PublicKey
) -> None:
    """The name of a key proves nothing; the signature has to fit."""
    mine, theirs = (json.loads(each) for each in (signed[ENVELOPE], _signed_by_other(signed)))
    theirs["signatures"][0]["keyid"] = mine["signatures"][0]["keyid"]
    data = json.dumps(theirs, indent=1).encode() + b"\n"
    found = verify_run({**signed, ENVELOPE: data}, public_key, _TODAY)
    assert [each.what for each in found.faults] == ["the signature does not fit the statement"]


def _signed_by_other(signed: Files) -> bytes:
    payload = standard_b64decode(json.loads(signed[ENVELOPE])["payload"])
    return sign(payload, new_keys().private, "john.pem")


def test_signature_needs_a_key_to_be_verified(signed: Files) -> None:
    """A signature that nobody has looked at is not taken for a hash."""
    with pytest.raises(SignoffError, match=r"verified by the signer's public key.*--key PUBLIC"):
        verify_run(signed, None, _TODAY)


def test_hash_alone_proves_no_name(sound: Files, public_key: PublicKey) -> None:
    """It holds without a key, and counts for nobody who gives one."""
    statement = propose(sound, JANE).statement
    assert statement is not None
    files = {**sound, _UNSIGNED: with_hash(statement.to_bytes())}
    found = verify_run(files, None, _TODAY)
    assert found.counts is not None
    assert found.counts.key_id == ""
    refused = verify_run(files, public_key, _TODAY)
    assert refused.counts is None
    assert "a file with a hash alone proves no name" in refused.faults[0].what


def test_newest_that_holds_counts(
    signed: Files, sound: Files, keys: KeyPair, public_key: PublicKey
) -> None:
    """An older one stays and is told; it is never written over."""
    later = dataclasses.replace(JANE, by="Jane Doe", at="2026-01-04T09:00:00Z")
    again = envelope_of(propose(sound, later), keys)
    found = verify_run({**signed, "signoff-0.dsse.json": again}, public_key, _TODAY)
    assert found.counts is not None
    assert found.counts.facts.by == "Jane Doe"
    assert [each.facts.by for each in found.holding] == ["Jane Doe", "Jane Roe"]


def test_broken_signature_beside_a_good_one(signed: Files, public_key: PublicKey) -> None:
    """A folder that somebody has been at is not taken, whichever of its files it was."""
    files = {**signed, "signoff-0.dsse.json": signed[ENVELOPE].replace(b"a", b"b", 1)}
    found = verify_run(files, public_key, _TODAY)
    assert found.counts is None
    assert "signoff-0.dsse.json" in _wheres(found)


def test_run_that_nobody_signed(sound: Files, public_key: PublicKey) -> None:
    """It says how to sign."""
    with pytest.raises(SignoffError, match="was not signed; `validation signoff RUN --by NAME`"):
        verify_run(sound, public_key, _TODAY)


def _change(statement: dict[str, Any], *way: Any, to: Any) -> dict[str, Any]:
    inner = statement
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = to
    return statement


@pytest.mark.parametrize(
    ("way", "to", "field"),
    [
        (("result",), "WARNED", "result"),
        ((FACTS, "verdict"), "WARN", f"{FACTS}, verdict"),
        ((FACTS, "figures", 1, "ap"), 0.21, "figures 2 (person int8), ap"),
        ((FACTS, "figures", 0, "latencies", 0, "p95_ms"), 1.0, "figures 1 (person float)"),
        ((FACTS, "figures", 1, "intervals", 0, "low"), 0.0, "intervals 1 (accuracy), low"),
        ((FACTS, "versions", "tensorflow"), "2.20.0", "versions, tensorflow"),
        ((FACTS, "images", "images"), 5000, "images, images"),
        (("passedTests",), [], "passedTests 1"),
    ],
)
def test_statement_that_the_run_does_not_give(
    sound: Files, keys: KeyPair, public_key: PublicKey, way: tuple[Any, ...], to: Any, field: str
) -> None:
    """Signed, but not true: the verdict and the figures are made anew and compared, by field."""
    statement = propose(sound, JANE).statement
    assert statement is not None
    document = _change(statement.document(), "predicate", *way, to=to)
    payload = json.dumps(document, indent=1).encode()
    files = {**sound, ENVELOPE: sign(payload, keys.private, "jane.pem")}
    found = verify_run(files, public_key, _TODAY)
    assert found.counts is None
    assert field in _wheres(found), found.faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[]", "the file is no DSSE envelope"),
        (b"{", "the file is not JSON"),
        (b'{"payload": NaN}', "the file is not JSON"),
        (b"{" * 100_000, "the file is not JSON"),
        (b'{\n "a": 1\n}\n', "the file is not written as it was signed"),
    ],
)
def test_what_is_no_envelope(signed: Files, public_key: PublicKey, text: bytes, said: str) -> None:
    """Whatever lies there under the name of a signature is told and not followed."""
    found = verify_run({**signed, ENVELOPE: text}, public_key, _TODAY)
    assert said in [each.what for each in found.faults]


def test_payload_of_another_tool(signed: Files, keys: KeyPair, public_key: PublicKey) -> None:
    """A good signature over something else is no sign-off."""
    other = json.dumps({"_type": "https://in-toto.io/Statement/v1"}).encode()
    data = sign(other, keys.private, "jane.pem")
    found = verify_run({**signed, ENVELOPE: data}, public_key, _TODAY)
    assert [each.what for each in found.faults] == ["the payload is no statement of this harness"]
    assert standard_b64encode(other) in data.replace(b"\\", b"")


def test_record_that_was_edited_says_what_changed(
    run_with: Callable[..., Files], signed: Files, public_key: PublicKey
) -> None:
    """Beside the file's name there is the field that is no longer as it was signed."""

    def slower(entry: object) -> object:
        if isinstance(entry, CheckResult) and (entry.key, entry.check) == (INT8, "quantisation"):
            (sqnr,) = entry.measures
            return dataclasses.replace(entry, measures=(dataclasses.replace(sqnr, value=1.0),))
        return entry

    edited = run_with(change=slower)
    found = verify_run({**edited, ENVELOPE: signed[ENVELOPE]}, public_key, _TODAY)
    said = " | ".join(each.describe() for each in found.faults)
    assert "the file is not the one that was signed (record.jsonl)" in said
    assert (
        "the status is not that of the measures (record.jsonl: person-int8, quantisation)" in said
    )
