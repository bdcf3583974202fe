"""What a process of a session settles before it does anything: limits, memory, whom it tells."""

from __future__ import annotations

from collections.abc import Callable

from validation.policy.file_limits import keep_to_policy
from validation.policy.load import Policy
from validation.workspace.memory import collect_seldom, map_large_pieces, without_pools
from validation.zoo.locks import set_waiting


def settle_process(policy: Policy, say: Callable[[str], object] | None = None) -> None:
    """Settle this process, which has not imported TensorFlow yet.

    Args:
        policy: Of the session: it bounds files and the time that locks are waited for.
        say: Takes a line for the user; None: it goes to standard error.
    """
    keep_to_policy(policy)
    without_pools()
    map_large_pieces()
    collect_seldom()
    set_waiting(policy, say)
