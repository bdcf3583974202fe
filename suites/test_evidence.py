"""There is enough evidence to judge the .tflite by, and it is independent."""

import pytest


@pytest.mark.check("evidence")
def test_evidence_is_enough(context, run_check, record):
    """Images, objects, canaries, calibration and reference, against what a verdict needs."""
    record(run_check(context))
