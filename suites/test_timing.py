"""Promise: one inference takes as long as the report says."""

import pytest

from validation.workspace import promises


@pytest.mark.check("latency")
def test_latency_is_within_budget(context, stopwatch, record):
    """Raw samples after a warm-up, on a machine that does nothing else."""
    record(promises.latency(context, stopwatch))
