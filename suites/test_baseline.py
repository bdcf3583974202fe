"""The .tflite is what it was in an earlier run, wherever --baseline names one."""

import pytest


@pytest.mark.check("baseline")
def test_file_is_as_in_the_baseline(context, run_check, record):
    """Names, bytes, figures, size and speed, in both directions."""
    record(run_check(context))
