"""The harness's errors: one tree, one way to read a message.

Every message says what is wrong, what was expected, what was found, where, and
what to do next. The fields stay typed; the text is made in ``__str__``.

    ValidationError
    ├── UsageError              a bad option or an empty selection (exit code 2)
    ├── CatalogueError          catalogue.toml or policy.toml does not say what it must
    ├── ArtefactError           a file that the harness was given or fetched
    │   ├── ArtefactMissing     the file or folder is not there
    │   ├── DownloadFailed      no network, no such file, or an interrupted transfer
    │   ├── IntegrityError      sha256 or size differ from the catalogue
    │   └── UnsafeArchive       unpacking would write outside, link out, or burst
    ├── ConfigError             pipeline.config cannot be read or is not supported
    │   └── NotSsdConfig        the config is of another architecture
    ├── GraphError              a TensorFlow graph or checkpoint
    │   ├── CorruptGraph        the bytes are no graph
    │   ├── NotSsdGraph         a graph, but not one of the OD API's SSD graphs
    │   ├── OutputMissing       a graph without an output that was asked for
    │   └── GraphConfigMismatch graph and pipeline.config disagree
    ├── ConversionError         the converter refused, or its product is unusable
    ├── FeedError               an array that does not fit a model's input
    ├── DatasetError            annotations, images or label map
    ├── NotProvided             a file or a reference cannot give what a check needs
    ├── ProcessEnded            a process that did something ended before it was done
    ├── ClusterError            a cluster that cannot be used, or a worker that cannot do its part
    │   ├── ClusterTooSmall     a task takes more memory than any worker declares
    │   └── ClusterLost         the scheduler or all workers went away; what was made is kept
    ├── RecordError             a run record that cannot be trusted
    │   ├── RecordVersionError  written by an older or newer harness
    │   └── IncompleteRecord    no header, no footer, or nothing in between
    └── SignoffError            a run that is not signed, or a signature that does not hold
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from validation.root_cause import FaultKind, Place, RootCause

if TYPE_CHECKING:
    from validation.isolation.crash import Crash


class ValidationError(Exception):
    """Anything that the harness refuses, said so that the reader can act on it.

    Args:
        what: The complaint, a clause without a full stop.
        expected: What would have been right.
        got: What was there instead.
        where: File, node, line, key or option.
        next_step: What the reader can do.
        fault: What is wrong with the file, for the diagnosis; None: what errors of the class are
            about. Place and values are those of the error.
        place: Which file it is; None: that of the class.
        causes: In place of `fault`: several, or with other values than the message has.
    """

    exit_code = 1
    # What to do where an error has no next step of its own.
    usual_step = "--debug shows where it happened"
    # What an error of this class is about where it is not said; None: no fault of a file.
    usual_fault: FaultKind | None = None
    usual_place: Place | None = None

    def __init__(
        self,
        what: str,
        *,
        expected: object = None,
        got: object = None,
        where: object = None,
        next_step: str | None = None,
        fault: FaultKind | None = None,
        place: Place | None = None,
        causes: Sequence[RootCause] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.got = got
        self.where = where
        self.next_step = next_step
        self.fault = fault or self.usual_fault
        self.place = place or self.usual_place
        self.causes = tuple(causes)

    def __str__(self) -> str:
        """One line, see `sentence`."""
        return sentence(self.what, self.expected, self.got, self.where, self.next_step)

    def with_next_step(self) -> str:
        """The message, ending in the usual next step where the error has none of its own."""
        return str(self) if self.next_step else f"{self}; {self.usual_step}"


@contextlib.contextmanager
def read_from(place: Place) -> Iterator[None]:
    """Let errors that do not say which file they are about be of this one.

    A reader knows what is wrong with its bytes, and its caller what the file is to the model.
    """
    try:
        yield
    except ValidationError as error:
        error.place = error.place or place
        raise


def sentence(what: str, expected: object, got: object, where: object, next_step: str | None) -> str:
    """One line: what (where): expected …, got …; next step."""
    text = what if where is None else f"{what} ({where})"
    sides = [] if expected is None else [f"expected {expected}"]
    sides += [] if got is None else [f"got {got}"]
    if sides:
        text += ": " + ", ".join(sides)
    if next_step:
        text += f"; {next_step}"
    return " ".join(text.split())


def did_you_mean(word: str, known: Collection[str], *, cutoff: float = 0) -> str | None:
    """Advice that names the known word nearest to this one; None if none is so near.

    Args:
        word: What was typed.
        known: What there is.
        cutoff: Least similarity, from 0 to 1; 0 always names one.
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"did you mean {close[0]!r}?" if close else None


class UsageError(ValidationError):
    """A bad option or an empty selection."""

    exit_code = 2
    usual_step = "--help lists what there is"


class CatalogueError(ValidationError):
    """catalogue.toml or policy.toml does not say what it must."""

    usual_step = "correct it in that file"


class ArtefactError(ValidationError):
    """A file that the harness was given or fetched."""

    usual_step = "check the file"


class ArtefactMissing(ArtefactError):
    """The file or folder is not there."""

    usual_step = "check the path"
    usual_fault = FaultKind.MISSING_FILE


class DownloadFailed(ArtefactError):
    """No network, no such file, or an interrupted transfer."""

    usual_step = "check the network and try again"


class IntegrityError(ArtefactError):
    """sha256 or size differ from the catalogue."""

    usual_step = "fetch the file again"
    usual_fault = FaultKind.DAMAGED
    usual_place = Place.ARCHIVE


class UnsafeArchive(ArtefactError):
    """Unpacking would write outside, link out, or burst."""

    usual_step = "do not use this archive"
    usual_fault = FaultKind.INVALID
    usual_place = Place.ARCHIVE


class ConfigError(ValidationError):
    """pipeline.config cannot be read or is not supported."""

    usual_step = "correct the file"
    usual_fault = FaultKind.INVALID
    usual_place = Place.CONFIG


class NotSsdConfig(ConfigError):
    """The config is of another architecture."""

    usual_fault = FaultKind.UNSUPPORTED


class GraphError(ValidationError):
    """A TensorFlow graph or checkpoint."""

    usual_step = "`python -m validation inspect FILE` shows what the file holds"


class CorruptGraph(GraphError):
    """The bytes are no graph."""

    usual_fault = FaultKind.DAMAGED


class NotSsdGraph(GraphError):
    """A graph, but not one of the OD API's SSD graphs."""

    usual_fault = FaultKind.OTHER_FILE


class OutputMissing(GraphError):
    """A graph without an output that was asked for."""


class GraphConfigMismatch(GraphError):
    """Graph and pipeline.config disagree."""


class ConversionError(ValidationError):
    """The converter refused, or its product is unusable."""

    usual_step = "`python -m validation inspect FILE` shows what the file holds"


class FeedError(ValidationError):
    """An array that does not fit a model's input."""

    usual_step = "`python -m validation inspect FILE` shows what to feed"


class DatasetError(ValidationError):
    """Annotations, images or label map."""

    usual_step = "correct the file, or name another"
    usual_fault = FaultKind.INVALID
    usual_place = Place.LABELS


class NotProvided(ValidationError):
    """A file or a reference cannot give what a check needs."""

    usual_step = "give a reference that has it"


class ProcessEnded(ValidationError):
    """A process that did something ended before it was done."""

    usual_step = "the log of the process says more"

    def __init__(
        self,
        what: str,
        *,
        crash: Crash | None = None,
        expected: object = None,
        got: object = None,
        where: object = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(what, expected=expected, got=got, where=where, next_step=next_step)
        self.crash = crash


class ClusterError(ValidationError):
    """A cluster that cannot be used, or a worker that cannot do its part."""

    usual_step = "docs/cluster.md says what to look at"


class ClusterTooSmall(ClusterError):
    """A task takes more memory than any worker declares."""

    usual_step = "run it without --cluster, or start workers that declare more memory"


class ClusterLost(ClusterError):
    """The scheduler or all workers went away; what was made is kept."""

    usual_step = "run the same command again: what was made is kept"


class RecordError(ValidationError):
    """A run record that cannot be trusted."""

    usual_step = "run the suites again"


class RecordVersionError(RecordError):
    """Written by an older or newer harness."""


class IncompleteRecord(RecordError):
    """No header, no footer, or nothing in between."""


class SignoffError(ValidationError):
    """A run that is not signed, or a signature that does not hold."""

    usual_step = "docs/signoff.md says what a signature needs"


def first_few(names: Iterable[object], most: int = 3) -> str:
    """The first names for a message, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
