"""A quantised .tflite loses no more than its number of bits explains."""

import pytest


@pytest.mark.check("quantisation")
def test_raw_outputs_stay_near_the_float_ones(context, run_check, record):
    """An output a row and a layer a row, against the graph that the file was made from."""
    record(run_check(context))
