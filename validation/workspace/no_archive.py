"""A model without an archive: asking for its products is an error that says so."""

from __future__ import annotations

from typing import NoReturn

from validation.errors import NotProvided


class NoArchive:
    """Instead of the build and the runs of a model that is not converted here."""

    def __getattr__(self, name: str) -> NoReturn:
        """Whatever is asked for.

        Raises:
            AttributeError: For what Python itself asks for.
            NotProvided: Always else.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotProvided(
            "there is no graph to convert, so nothing was made to compare with",
            next_step="judge the file by an inference graph, or by a checkpoint with its config",
        )
