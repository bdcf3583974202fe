"""The policy beside a record: a year later the run is judged by the limits that it had."""

from __future__ import annotations

from pathlib import Path

from validation.files.atomic import write_bytes_atomic
from validation.policy.load import Policy

POLICY_FOLDER = "policy"
BUILT_IN_POLICY = f"{POLICY_FOLDER}/policy.toml"
# Whatever the user calls it: it may well be called policy.toml too.
OWN_POLICY = f"{POLICY_FOLDER}/own.toml"


def keep_policy(policy: Policy, run_folder: Path) -> None:
    """Write the files that a policy was read from into the run's folder, byte for byte.

    Args:
        policy: Of the run. One that was not read from files leaves none.
        run_folder: Of the run.

    Raises:
        ArtefactError: A file cannot be written.
    """
    if policy.files is None:
        return
    write_bytes_atomic(run_folder / BUILT_IN_POLICY, policy.files.built_in, make_folder=True)
    if policy.files.own is not None:
        write_bytes_atomic(run_folder / OWN_POLICY, policy.files.own)
