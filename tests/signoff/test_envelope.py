"""An envelope is opened where it is one of this harness's, signed, and written as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from signable_run import ENVELOPE, Files

from validation.errors import SignoffError
from validation.signoff.envelope import open_envelope


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def test_what_was_signed_is_opened(signed: Files) -> None:
    """With one signature."""
    assert len(open_envelope(signed[ENVELOPE], ENVELOPE).key_ids) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"payloadType": "text/plain"},
        {"signatures": []},
        {"payloadType": "text/plain", "signatures": []},
        {"payload": "e30"},
        {"more": 1},
    ],
)
def test_another_envelope_is_refused(signed: Files, changed: dict[str, Any]) -> None:
    """Of another type, with no signature, or written otherwise."""
    document = {**json.loads(signed[ENVELOPE]), **changed}
    with pytest.raises(SignoffError):
        open_envelope(_written(document), ENVELOPE)


def test_every_signature_is_written_as_it_was_signed(signed: Files) -> None:
    """Base64 that decodes to the same bytes is another file, of the last signature as well."""
    document = json.loads(signed[ENVELOPE])
    (own,) = document["signatures"]
    assert own["sig"].endswith("=")
    other = {**own, "keyid": "0" * 64}
    kept = {**document, "signatures": [own, other]}
    assert len(open_envelope(_written(kept), ENVELOPE).key_ids) == 2
    # The bits beyond the last byte are not read.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = own["sig"].rstrip("=")
    padding = own["sig"][len(body) :]
    last = letters[letters.index(body[-1]) + 1]
    respelled = {**own, "sig": body[:-1] + last + padding}
    for signatures in ([respelled, other], [other, respelled]):
        with pytest.raises(SignoffError):
            open_envelope(_written({**document, "signatures": signatures}), ENVELOPE)
