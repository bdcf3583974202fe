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
    │   └── GraphConfigMismatch graph and pipeline.config disagree
    ├── ConversionError         the converter refused, or its product is unusable
    ├── FeedError               an array that does not fit a model's input
    ├── DatasetError            annotations, images or label map
    └── RecordError             a run record that cannot be trusted
        ├── RecordVersionError  written by an older or newer harness
        └── IncompleteRecord    no header, no footer, or nothing in between
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ArtefactError",
    "ArtefactMissing",
    "CatalogueError",
    "ConfigError",
    "ConversionError",
    "CorruptGraph",
    "DatasetError",
    "DownloadFailed",
    "FeedError",
    "GraphConfigMismatch",
    "GraphError",
    "IncompleteRecord",
    "IntegrityError",
    "NotSsdConfig",
    "NotSsdGraph",
    "RecordError",
    "RecordVersionError",
    "UnsafeArchive",
    "UsageError",
    "ValidationError",
]


class ValidationError(Exception):
    """Anything that the harness refuses, said so that the reader can act on it.

    Args:
        what: The complaint, a clause without a full stop.
        expected: What would have been right.
        got: What was there instead.
        where: File, node, line, key or option.
        next_step: What the reader can do.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        expected: object = None,
        got: object = None,
        where: object = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.got = got
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """One line: what (where): expected …, got …; next step."""
        text = self.what
        if self.where is not None:
            text += f" ({self.where})"
        found = []
        if self.expected is not None:
            found.append(f"expected {self.expected}")
        if self.got is not None:
            found.append(f"got {self.got}")
        if found:
            text += ": " + ", ".join(found)
        if self.next_step:
            text += f"; {self.next_step}"
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip between worker processes with every field."""
        return _rebuild, (type(self), dict(self.__dict__))


def _rebuild(kind: type[ValidationError], fields: dict[str, object]) -> ValidationError:
    error = kind.__new__(kind)
    Exception.__init__(error, fields["what"])
    error.__dict__.update(fields)
    return error


class UsageError(ValidationError):
    """A bad option or an empty selection."""

    exit_code = 2


class CatalogueError(ValidationError):
    """catalogue.toml or policy.toml does not say what it must."""


class ArtefactError(ValidationError):
    """A file that the harness was given or fetched."""


class ArtefactMissing(ArtefactError):
    """The file or folder is not there."""


class DownloadFailed(ArtefactError):
    """No network, no such file, or an interrupted transfer."""


class IntegrityError(ArtefactError):
    """sha256 or size differ from the catalogue."""


class UnsafeArchive(ArtefactError):
    """Unpacking would write outside, link out, or burst."""


class ConfigError(ValidationError):
    """pipeline.config cannot be read or is not supported."""


class NotSsdConfig(ConfigError):
    """The config is of another architecture."""


class GraphError(ValidationError):
    """A TensorFlow graph or checkpoint."""


class CorruptGraph(GraphError):
    """The bytes are no graph."""


class NotSsdGraph(GraphError):
    """A graph, but not one of the OD API's SSD graphs."""


class GraphConfigMismatch(GraphError):
    """Graph and pipeline.config disagree."""


class ConversionError(ValidationError):
    """The converter refused, or its product is unusable."""


class FeedError(ValidationError):
    """An array that does not fit a model's input."""


class DatasetError(ValidationError):
    """Annotations, images or label map."""


class RecordError(ValidationError):
    """A run record that cannot be trusted."""


class RecordVersionError(RecordError):
    """Written by an older or newer harness."""


class IncompleteRecord(RecordError):
    """No header, no footer, or nothing in between."""


def first_few(names: Iterable[object], most: int = 3) -> str:
    """The first names for a message, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
