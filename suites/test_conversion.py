"""Promise: the .tflite file says of itself what the exported graph says."""

import pytest

from validation.workspace import promises


@pytest.mark.check("tflite_contract")
def test_tflite_file_keeps_the_contract(context, record):
    """Names, order, shapes, dtypes and op attributes, read back from the flatbuffer."""
    record(promises.tflite_contract(context))
