"""A fake-quant graph has what the converter to 8 bits needs."""

import pytest


@pytest.mark.check("fake_quant_lint")
def test_ranges_are_ready_for_conversion(context, run_check, record):
    """Activations without ranges, ranges that are empty, implausible or far too wide."""
    record(run_check(context))
