"""Readers that no command of their own asks for, as a program: `python -m fuzz.reading NAME PATH`.

`run` and `judge` read these files, but start a whole session before they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from validation import cli, entry
from validation.cli.output import print_error_line
from validation.errors import ValidationError
from validation.files.terminal import clean_output

__all__ = ["READERS"]


def _results(path: Path) -> object:
    from validation.coco.results_file import read_results

    return read_results(path)


def _policy(path: Path) -> object:
    from validation.policy.load import load_policy

    return load_policy(path)


def _canaries(path: Path) -> object:
    from validation.zoo.canaries import load_canaries

    return load_canaries(path)


def _detections(path: Path) -> object:
    from validation.record.detection_files import read_detections

    return read_detections(path)


def _reference(path: Path) -> object:
    from validation.kinds.reference import recognise_reference
    from validation.runtimes.saved_model import SavedModelRuntime

    return SavedModelRuntime(recognise_reference(path).path)


def _baseline(path: Path) -> object:
    from validation.workspace.given_baseline import open_baseline

    baseline = open_baseline(path)
    for facts in baseline.facts.subjects:
        baseline.matches(facts.matches_sha256, path.parent)
    return baseline.entry


def _history(path: Path) -> object:
    from validation.record.history import read_history

    return read_history(path.parent.parent, 100)


def _search(path: Path) -> object:
    from validation.bisection.search import next_step
    from validation.bisection.state import State, load_state
    from validation.files.structured import read_json

    state = load_state(path.parent, read_json(path, State).question)
    assert state is not None
    return next_step(state.stage.span, state.answers)


READERS: Mapping[str, Callable[[Path], object]] = {
    "results": _results,
    "policy": _policy,
    "canaries": _canaries,
    "detections": _detections,
    "reference": _reference,
    "baseline": _baseline,
    "history": _history,
    "search": _search,
}


def _read(arguments: Sequence[str] | None = None) -> int:
    """As a command ends: one line for what is refused."""
    name, path = sys.argv[1:] if arguments is None else arguments
    with clean_output():
        try:
            READERS[name](Path(path))
        except ValidationError as error:
            print_error_line(error)
            return error.exit_code
    return 0


if __name__ == "__main__":
    cli.main = _read
    sys.exit(entry.main())
