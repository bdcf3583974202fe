"""A plugin of pytest that ends processes: ``PLANTED`` is ``HOW PLACE PART``.

PLACE is ``file``, and PART a part of a .tflite file's path, struck when the file is run; or PLACE
is a stage of `validation.record.run.Stage`, and PART the model whose product is being made.
Named with ``-p``, it is imported by the session and by each of its child processes.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from validation.runtimes.tflite import TfliteRuntime
from validation.workspace.products import ProductCache

# Above the limit of the built-in policy; a test that has not the time lowers both.
_MEGABYTES = int(os.environ.get("PLANTED_MEGABYTES", "8000"))


def _strike(how: str) -> None:
    match how:
        case "abort":
            os.write(2, b"planted words\n")
            os.abort()
        case "segv":
            ctypes.string_at(0)
        case "memory":
            held = [b"x" * 1_000_000 for _ in range(_MEGABYTES)]
            time.sleep(60)
            del held
        case "loop":
            while True:
                pass
        case _:
            raise ValueError(how)


def _in_file(how: str, part: str) -> None:
    run = TfliteRuntime._ran

    def planted(self: TfliteRuntime, feed: Mapping[str, Any]) -> Any:
        if part in str(self.path):
            _strike(how)
        return run(self, feed)

    TfliteRuntime._ran = planted  # type: ignore[method-assign]


def _in_stage(how: str, stage: str, model: str) -> None:
    product = ProductCache.product

    def planted(self: ProductCache, *what: Any, **more: Any) -> Path:
        of, at, step, made_from, make = what
        if (of, at) == (model, stage):
            striking: Callable[[Path], None] = lambda _: _strike(how)  # noqa: E731 - so short
            # Another product than that of an equal model, which may be there already.
            make, made_from = striking, {**made_from, "planted": model}
        return product(self, of, at, step, made_from, make, **more)

    ProductCache.product = planted  # type: ignore[method-assign,assignment]


if os.environ.get("PLANTED"):
    _how, _place, _part = os.environ["PLANTED"].split()
    if _place == "file":
        _in_file(_how, _part)
    else:
        _in_stage(_how, _place, _part)
