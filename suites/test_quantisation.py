"""Promise: a quantised .tflite loses no more than its number of bits explains."""

import pytest

from validation.workspace.quantisation import quantisation


@pytest.mark.check("quantisation", variants=("float16", "dynamic", "int8", "uint8"))
def test_raw_outputs_stay_near_the_float_ones(context, record):
    """An output a row and a layer a row, against the graph that the file was made from."""
    record(quantisation(context))
