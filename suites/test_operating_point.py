"""An app that shows detections from a score on misses none that it had with the archive's graph."""

import pytest


@pytest.mark.check("operating_point")
def test_nothing_is_lost_at_the_operating_point(context, run_check, record):
    """Detections lost, gained and moved by class and size; UNKNOWN without labelled images."""
    record(run_check(context))
