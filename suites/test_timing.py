"""One inference takes as long as the report says."""

import pytest


@pytest.mark.check("latency")
def test_latency_is_within_budget(context, run_check, record):
    """Raw samples after a warm-up, on a machine that does nothing else."""
    record(run_check(context))
