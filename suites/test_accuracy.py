"""Promise: the .tflite keeps the average precision of the archive's own graph."""

import pytest

from validation.workspace.accuracy import accuracy


@pytest.mark.check("accuracy")
def test_average_precision_is_kept(context, record):
    """COCO AP on labelled images; UNKNOWN where none were given."""
    record(accuracy(context))
