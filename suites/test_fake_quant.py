"""Promise: a fake-quant graph has what the converter to 8 bits needs."""

import pytest

from validation.workspace.fake_quant import fake_quant_lint


@pytest.mark.check("fake_quant_lint", variants="uint8")
def test_ranges_are_ready_for_conversion(context, record):
    """Activations without ranges, ranges that are empty, implausible or far too wide."""
    record(fake_quant_lint(context))
