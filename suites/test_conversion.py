"""The .tflite file says of itself what the exported graph says."""

import pytest


@pytest.mark.check("tflite_contract")
def test_tflite_file_keeps_the_contract(context, run_check, record):
    """Names, order, shapes, dtypes and op attributes, read back from the flatbuffer."""
    record(run_check(context))
