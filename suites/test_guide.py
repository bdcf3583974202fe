"""Promise: whoever follows the old guide by hand gets the file that is judged here."""

import pytest

from validation.workspace.guide import guide


@pytest.mark.check("guide", variants=("float", "uint8"), first_only=True)
def test_command_line_makes_the_same_file(context, record):
    """TensorFlow's own tflite_convert command line, and what it refuses."""
    record(guide(context))
