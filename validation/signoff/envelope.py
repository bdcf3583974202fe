"""The file around a statement: signed as a DSSE envelope, or with a hash that proves no name.

DSSE is https://github.com/secure-systems-lab/dsse; securesystemslib signs and verifies. A file is
taken only as this module writes it, so that no byte of it can be another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validation.errors import SignoffError
from validation.files.guard import guarded
from validation.files.structured import refuse_constant

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SIGNED_SUFFIX = ".dsse.json"
UNSIGNED_SUFFIX = ".unsigned.json"

_KEYS = ("payload", "payloadType", "signatures")
_UNSIGNED_KEYS = ("payload", "payloadType", "sha256")


@dataclass(frozen=True)
class KeyPair:
    """A new pair of keys, as PEM.

    Args:
        private: PKCS#8, not encrypted.
        public: SubjectPublicKeyInfo.
        key_id: How signatures name the pair.
    """

    private: bytes
    public: bytes
    key_id: str


@dataclass(frozen=True)
class Opened:
    """A file that was read, its payload not yet proven to be anybody's.

    Args:
        payload: The statement.
        key_ids: Of who signed; none for one with a hash alone.
    """

    payload: bytes
    key_ids: tuple[str, ...]


def new_keys() -> KeyPair:
    """A new ed25519 pair."""
    from cryptography.hazmat.primitives import serialization
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    private = serialization.load_pem_private_key(signer.private_bytes, None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(signer.private_bytes, public, signer.public_key.keyid)


def sign(payload: bytes, private_key: bytes, where: str) -> bytes:
    """The bytes of a DSSE envelope.

    Args:
        payload: The statement.
        private_key: PEM.
        where: The key's file, for errors.

    Raises:
        SignoffError: It is no private key, or an encrypted one.
    """
    from securesystemslib.dsse import Envelope

    signer = _signer(private_key, where)
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    envelope.verify([signer.public_key], 1)
    return _written(envelope.to_dict())


def with_hash(payload: bytes) -> bytes:
    """The bytes of a file that says what the payload was, and not whose."""
    return _written(
        {
            "payload": base64.standard_b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "sha256": hashlib.sha256(payload).hexdigest(),
        }
    )


def open_envelope(data: bytes, where: str) -> Opened:
    """What a file holds, where it is written as `sign` or `with_hash` write it.

    Raises:
        SignoffError: It is another document, or a byte of it is another one.
    """
    document = _document(data, where)
    keys = tuple(sorted(document))
    try:
        if keys == _UNSIGNED_KEYS:
            return _opened_hash(document, where)
        if keys == _KEYS:
            envelope = _envelope(document)
            if envelope.payload_type == PAYLOAD_TYPE and envelope.signatures:
                return Opened(envelope.payload, tuple(envelope.signatures))
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error) as error:
        raise _changed(where, error) from error
    except Exception as error:
        # securesystemslib has errors of its own for what is no envelope.
        if type(error).__module__.partition(".")[0] != "securesystemslib":
            raise
        raise _changed(where, error) from error
    raise SignoffError(
        "the file is no DSSE envelope with a statement",
        expected=f"payload, payloadType {PAYLOAD_TYPE} and signatures",
        got=", ".join(keys),
        where=where,
    )


def verify_signature(data: bytes, public_key: bytes, where: str, key_where: str) -> str:
    """The id of the key that signed a file.

    Args:
        data: Of a file that `open_envelope` takes.
        public_key: PEM.
        where: The file, for errors.
        key_where: The key's file, for errors.

    Raises:
        SignoffError: The key has not signed it, or it is no public key.
    """
    from securesystemslib.exceptions import VerificationError

    envelope = _envelope(_document(data, where))
    key = _public_key(public_key, key_where)
    try:
        envelope.verify([key], 1)
    except VerificationError as error:
        other = key.keyid not in envelope.signatures
        raise SignoffError(
            "signed by another key" if other else "the signature does not fit the statement",
            expected=f"key {key.keyid}",
            got=f"key {', '.join(envelope.signatures)}" if other else None,
            where=where,
            next_step="verify with the public key of the signer" if other else None,
        ) from error
    return str(key.keyid)


def key_id(public_key: bytes, where: str) -> str:
    """How signatures name a public key.

    Raises:
        SignoffError: It is no public key.
    """
    return str(_public_key(public_key, where).keyid)


def _opened_hash(document: dict[str, Any], where: str) -> Opened:
    payload = base64.b64decode(document["payload"], validate=True)
    sha256 = hashlib.sha256(payload).hexdigest()
    if sha256 != document["sha256"] or document["payloadType"] != PAYLOAD_TYPE:
        raise SignoffError(
            "the statement is not the one that the hash was taken of",
            expected=f"sha256 {document['sha256']}",
            got=f"sha256 {sha256}",
            where=where,
        )
    return Opened(payload, ())


def _document(data: bytes, where: str) -> dict[str, Any]:
    with guarded(SignoffError, "the file is not JSON", where=where):
        document = json.loads(data, parse_constant=refuse_constant)
    if not isinstance(document, dict):
        raise SignoffError("the file is no DSSE envelope", got=type(document), where=where)
    again = _rewritten(document)
    if again != data:
        raise SignoffError(
            "the file is not written as it was signed",
            expected="every byte as `validation signoff` wrote it",
            where=where,
            next_step="restore the file",
        )
    return document


def _rewritten(document: dict[str, Any]) -> bytes | None:
    """The file as it would be written today; base64 has spellings that decode alike."""
    try:
        same = {**document, "payload": _recoded(document["payload"])}
        if "signatures" in document:
            signatures = document["signatures"]
            same["signatures"] = [{**each, "sig": _recoded(each["sig"])} for each in signatures]
        return _written(same)
    except (ValueError, LookupError, TypeError):
        return None


def _recoded(text: str) -> str:
    return base64.standard_b64encode(base64.b64decode(text, validate=True)).decode()


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def _envelope(document: dict[str, Any]) -> Envelope:
    from securesystemslib.dsse import Envelope

    # from_dict changes what it is given.
    return Envelope.from_dict(json.loads(json.dumps(document)))


def _changed(where: str, error: BaseException) -> SignoffError:
    return SignoffError("the file is no DSSE envelope", got=repr(error), where=where)


def _signer(pem: bytes, where: str) -> CryptoSigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        return CryptoSigner(load_pem_private_key(pem, None))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        public = b"PUBLIC KEY" in pem
        raise SignoffError(
            "the file holds a public key" if public else "the file holds no usable private key",
            expected="a private key as PEM, not encrypted: ed25519, ECDSA or RSA",
            got=None if public else error,
            where=where,
            next_step="sign with the private key of the pair"
            if public
            else "`validation signoff --new-key release.pem` makes one",
        ) from error


def _public_key(pem: bytes, where: str) -> SSlibKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        private = b"PRIVATE KEY" in pem
        raise SignoffError(
            "the file holds a private key" if private else "the file holds no usable public key",
            expected="the public key of the signer, as PEM",
            got=None if private else error,
            where=where,
            next_step="name the public key, and keep the private one where nobody reads it"
            if private
            else None,
        ) from error
