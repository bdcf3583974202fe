"""Promise: one inference takes as long as the report says."""

import pytest

from validation.chain import promises


@pytest.mark.check("latency")
def test_latency_is_within_budget(case, stopwatch, record):
    """Raw samples after a warm-up, on a machine that does nothing else."""
    record(promises.latency(case, stopwatch))
