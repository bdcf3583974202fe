"""What is tested is the archive that the catalogue names, and it is whole."""

import pytest


@pytest.mark.check("archive")
def test_archive_holds_what_an_export_needs(context, run_check, record):
    """The archive has an inference graph, its own or in a checkpoint's .meta."""
    record(run_check(context))
