"""What pytest prints of a session reaches the terminal clean, see `validation.files.terminal`."""

from __future__ import annotations

from typing import Any

import pytest

from validation.files.terminal import CleanStream, encode_everything


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put a clean stream before the reporter's."""
    encode_everything()
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    # pytest has no public way to it; without these names the lines of ours are clean still.
    writer = getattr(reporter, "_tw", None)
    stream = getattr(writer, "_file", None)
    if writer is not None and stream is not None:
        writer._file = CleanStream(stream, keep_colours=True)
