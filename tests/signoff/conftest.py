"""A run to sign, the same run signed, and the keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signable_run import ENVELOPE, JANE, Files, envelope_of, files_of, write_signable_run

from validation.signoff.envelope import KeyPair, new_keys
from validation.signoff.signing import propose
from validation.signoff.verification import PublicKey


@pytest.fixture(scope="session")
def keys() -> KeyPair:
    """The key pair of whoever signs."""
    return new_keys()


@pytest.fixture(scope="session")
def public_key(keys: KeyPair) -> PublicKey:
    """The key to verify with."""
    return PublicKey(keys.public, "jane.pub.pem")


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A run without a fault; copy it before changing it."""
    return files_of(write_signable_run(tmp_path_factory.mktemp("sound") / "run"))


@pytest.fixture(scope="session")
def signed(sound: Files, keys: KeyPair) -> Files:
    """The same, signed by Jane Roe."""
    return {**sound, ENVELOPE: envelope_of(propose(sound, JANE), keys)}


@pytest.fixture
def run_with(tmp_path: Path) -> Callable[..., Files]:
    """Makes a run that is otherwise, see `write_signable_run`."""

    def make(**otherwise: Any) -> Files:
        return files_of(write_signable_run(tmp_path / "run", **otherwise))

    return make
