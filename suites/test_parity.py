"""The .tflite computes what its three independent references compute."""

import pytest


@pytest.mark.check("route_parity")
def test_config_describes_the_archives_graph(context, run_check, record):
    """All routes to one model: its own graph, config, checkpoint, .meta and shipped graph."""
    record(run_check(context))


@pytest.mark.check("raw_parity")
def test_raw_outputs_are_those_of_the_session(context, run_check, record):
    """Body: the raw .tflite against the exported graph in a TensorFlow session."""
    record(run_check(context))


@pytest.mark.check("postprocess_parity")
def test_postprocessing_is_that_of_the_port(context, run_check, record):
    """Post-processing: the op inside the .tflite against the NumPy port."""
    record(run_check(context))


@pytest.mark.check("end_to_end_parity")
def test_detections_are_those_of_the_archives_graph(context, run_check, record):
    """End to end: image to detections against the archive's own inference graph."""
    record(run_check(context))


@pytest.mark.check("canaries")
def test_canaries_are_found(context, run_check, record):
    """Objects of known class and position, which no shared fault can hide."""
    record(run_check(context))
