"""What is said of things in the cache that were not as they had been made."""

from __future__ import annotations

from collections.abc import Iterable

from validation.record.run import Step


def damage_notice(model: str, step: str, file: str) -> str:
    """One line: what was found, and that it played no part.

    Args:
        model: Whose it is.
        step: That made it.
        file: The first that was another one.
    """
    return f"{model}, {step}: {file} in the cache had changed since it was made; made again"


def damage_lines(steps: Iterable[Step]) -> tuple[str, ...]:
    """A `damage_notice` for each step that found damage."""
    found = (damage_notice(step.model, step.step, step.damaged) for step in steps if step.damaged)
    return tuple(dict.fromkeys(found))
