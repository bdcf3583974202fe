"""On what a run was timed: latencies of two machine classes are not comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MachineClass:
    """What decides how fast a file runs, as far as the system says it.

    Args:
        processor: Model name.
        cores: That the system has.
        architecture: For example ``x86_64``.
    """

    processor: str
    cores: int
    architecture: str

    @classmethod
    def of(cls, machine: Mapping[str, str]) -> MachineClass:
        """Of the header of a record; 0 cores where it does not say how many."""
        cores = machine.get("cores", "")
        return cls(
            machine.get("processor", ""),
            int(cores) if cores.isdecimal() else 0,
            machine.get("architecture", ""),
        )

    def __str__(self) -> str:
        """For people: ``x86_64, 2 cores, AMD EPYC 7B13``."""
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{self.architecture}, {cores}, {self.processor}"
