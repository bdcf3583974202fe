"""Promise: the .tflite keeps the average precision of the archive's own graph."""

import pytest

from validation.chain.accuracy import accuracy


@pytest.mark.check("accuracy")
def test_average_precision_is_kept(case, record):
    """COCO AP on labelled images; UNKNOWN where none were given."""
    record(accuracy(case))
