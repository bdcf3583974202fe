"""What no right detector does, whatever it is compared with."""

import pytest


@pytest.mark.check("plausibility")
def test_values_classes_and_boxes_are_a_detectors(context, run_check, record):
    """Scores, anchors and boxes make sense; labelled objects are met and called by their names."""
    record(run_check(context))
