"""The .tflite keeps the average precision of the archive's own graph."""

import pytest


@pytest.mark.check("accuracy")
def test_average_precision_is_kept(context, run_check, record):
    """COCO AP on labelled images; UNKNOWN where none were given."""
    record(run_check(context))
