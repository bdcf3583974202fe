"""The statement is in-toto's, the envelope is DSSE's, and both survive the way there and back."""

from __future__ import annotations

import json

import pytest
from google.protobuf.json_format import Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from signable_run import ENVELOPE, JANE, Files

from validation.errors import SignoffError
from validation.policy.limits import Status
from validation.signoff.envelope import KeyPair, new_keys, open_envelope, sign
from validation.signoff.figures import SignedInterval, SignedLatency, SubjectFigures
from validation.signoff.signing import propose
from validation.signoff.statement import (
    FACTS,
    PREDICATE_TYPE,
    SignedFacts,
    SignedWaiver,
    Statement,
    parse_statement,
)
from validation.signoff.waivers import parse_waivers

_TEXT = st.text(max_size=8)
_LIST = st.lists(_TEXT, max_size=3).map(tuple)
_NUMBER = st.floats() | st.integers(-5, 5).map(float)
_WAIVER = parse_waivers(
    b'version = 1\n[[waiver]]\nmodel = "a"\nvariant = "*"\ncheck = "latency"\nreason = "b"\n'
    b'expires = 2027-01-31\nby = "c"\n',
    "w.toml",
)[0]


def test_another_implementation_verifies_the_envelope(signed: Files, keys: KeyPair) -> None:
    """The library by itself, with the public key as PEM, and nothing of this harness."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    envelope = Envelope.from_dict(json.loads(signed[ENVELOPE]))
    key = SSlibKey.from_crypto(load_pem_public_key(keys.public))
    assert list(envelope.verify([key], 1)) == [keys.key_id]
    assert envelope.payload_type == "application/vnd.in-toto+json"
    envelope.payload += b" "
    with pytest.raises(VerificationError):
        envelope.verify([key], 1)


def test_in_toto_takes_the_statement(signed: Files) -> None:
    """Its library parses it with its subjects, and the predicate but for our own field."""
    payload = open_envelope(signed[ENVELOPE], ENVELOPE).payload
    message = Parse(payload, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(message).validate()
    assert message.predicate_type == PREDICATE_TYPE
    names = [each.name for each in message.subject]
    assert names == sorted(each for each in signed if each not in ("index.html", ENVELOPE))
    predicate = json.loads(payload)["predicate"]
    assert predicate.pop(FACTS)["by"] == "Jane Roe"
    result = Parse(json.dumps(predicate), test_result_pb2.TestResult())
    assert result.result == "PASSED"
    assert [each.name for each in result.configuration] == ["policy/policy.toml"]
    assert "person-int8: quantisation" in result.passed_tests
    assert not result.failed_tests


_FACTS = st.builds(
    SignedFacts,
    layout=st.integers(0, 9),
    run=_TEXT,
    verdict=_TEXT,
    by=_TEXT,
    at=_TEXT,
    signed_with=_TEXT,
    versions=st.dictionaries(_TEXT, _TEXT, max_size=3),
    machine=st.dictionaries(_TEXT, _TEXT, max_size=3),
    images=st.none(),
    figures=st.lists(
        st.builds(
            SubjectFigures,
            model=_TEXT,
            variant=_TEXT,
            verdict=st.sampled_from(Status),
            file=_TEXT,
            sha256=_TEXT,
            size_bytes=st.none() | st.integers(0, 9),
            ap=st.none() | _NUMBER,
            ap_reference=st.none() | _NUMBER,
            ap_difference=st.none() | _NUMBER,
            intervals=st.lists(
                st.builds(SignedInterval, _TEXT, _TEXT, _NUMBER, _NUMBER, _NUMBER), max_size=2
            ).map(tuple),
            latencies=st.lists(
                st.builds(SignedLatency, _TEXT, st.integers(1, 9), _NUMBER, _NUMBER), max_size=2
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    to_ship=_LIST,
    waivers=st.just((SignedWaiver(_WAIVER, ("x",)),)) | st.just(()),
    reasons=_LIST,
    without_evidence=_LIST,
    claims=_LIST,
    does_not_claim=_LIST,
)


@settings(max_examples=40)
@given(
    st.builds(
        Statement,
        subjects=st.dictionaries(_TEXT, _TEXT, max_size=3),
        result=_TEXT,
        policies=st.dictionaries(_TEXT, _TEXT, max_size=3),
        passed=_LIST,
        warned=_LIST,
        facts=_FACTS,
    )
)
def test_statement_comes_back_as_it_was(statement: Statement) -> None:
    """Whatever the names and the figures are, NaN included."""
    again = parse_statement(statement.to_bytes(), "it")
    assert again.to_bytes() == statement.to_bytes()


@settings(max_examples=25)
@given(st.binary(max_size=200))
def test_any_payload_is_signed_as_it_is(payload: bytes) -> None:
    """What comes out of the envelope are the bytes that went in."""
    pair = new_keys()
    assert open_envelope(sign(payload, pair.private, "it"), "it").payload == payload


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"by"', b'"who"', "unknown key 'who'"),
        (b'"layout": 2', b'"layout": "2"', "layout is wrong"),
        (b'"result": "PASSED",', b'"result": "PASSED", "score": 1,', "holds more than"),
        (b'"failedTests": []', b'"failedTests": ["x"]', "holds more than"),
        (b"test-result/v0.1", b"test-result/v0.2", "holds more than"),
        (b'"name": "record.jsonl"', b'"name": "policy/policy.toml"', "two entries of one name"),
        (b'"subject"', b'"subjects"', "no statement of this harness"),
    ],
)
def test_statement_of_another_layout(sound: Files, old: bytes, new: bytes, said: str) -> None:
    """It is read whole or not at all."""
    statement = propose(sound, JANE).statement
    assert statement is not None
    payload = statement.to_bytes()
    assert old in payload
    with pytest.raises(SignoffError, match=said):
        parse_statement(payload.replace(old, new), "it")


def test_statement_says_what_it_does_not_claim(sound: Files) -> None:
    """Whoever reads only the signature learns its limits there."""
    statement = propose(sound, JANE).statement
    assert statement is not None
    facts = statement.facts
    assert "Accuracy was measured on 24 images with 216 objects: coco-tiny." in facts.claims
    text = " ".join(facts.does_not_claim)
    for word in ("reference", "runtimes", "private key", "HTML pages", "time is right"):
        assert word in text
