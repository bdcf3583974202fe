"""The old guide, followed by hand, gives the file that is judged here."""

import pytest


@pytest.mark.check("guide")
def test_command_line_makes_the_same_file(context, run_check, record):
    """TensorFlow's own tflite_convert command line, and what it refuses."""
    record(run_check(context))
