"""Checks of child processes that import nothing: what a pool hands out, and what comes back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.checks.child import NotThere, Work
from validation.isolation.activity import doing, remember
from validation.isolation.board import Activity
from validation.record.run import Stage, Step
from validation.zoo.locks import held


@dataclass(frozen=True)
class StandIn:
    """Used instead of the session's checks: the name of a check says what becomes of it."""

    seconds: float = 0.0
    starts: Path | None = None
    failing_starts: int = 0
    folder: Path = Path()

    def __call__(self, note: Callable[[Any], None]) -> Callable[[Work], Any]:
        """Called in the child."""
        if self.starts is not None:
            with self.starts.open("a") as file:
                file.write(f"{os.getpid()}\n")
            if len(self.starts.read_text().splitlines()) <= self.failing_starts:
                os._exit(3)

        def do(work: Work) -> Any:
            remember(work.crashes)
            name, key = work.item
            note(Step(key.model, Stage.RUN, name, 1.0, cached=False))
            time.sleep(self.seconds)
            if name.startswith("crash"):
                with doing(Activity(name, key.model, "run")):
                    os.abort()
            if name.startswith("share"):
                with held(self.folder / "product.lock", "a product"):
                    self._make(name)
            if name.startswith("raise"):
                raise ValueError(key.model)
            if name.startswith("note"):
                note("waiting for a lock")
            if name.startswith("absent"):
                return NotThere()
            return [] if work.only_needs else [(name, key.model, os.getpid())]

        return do

    def _make(self, name: str) -> None:
        """A product whose file ends the process, once another process waits for it."""
        with doing(Activity(name, str(self.folder / "product"), "run")):
            time.sleep(0.5)
            with doing(Activity("run", "file")):
                with (self.folder / "tries").open("a") as file:
                    file.write(f"{name}\n")
                os.abort()
