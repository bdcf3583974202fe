"""The limits of child processes, as the policy sets them."""

from __future__ import annotations

from validation.isolation.limits import ProcessLimits
from validation.policy.load import Policy


def limits_of(policy: Policy) -> ProcessLimits:
    """What a child process may take by this policy."""
    return ProcessLimits(
        start_seconds=policy.setting("process_start_seconds"),
        stopped_seconds=policy.setting("process_stopped_seconds"),
        step_seconds=policy.setting("process_step_seconds"),
        image_seconds=policy.setting("process_image_seconds"),
        memory_bytes=int(policy.setting("process_memory_gib") * 2**30),
    )
