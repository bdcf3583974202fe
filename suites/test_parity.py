"""Promise: the .tflite computes what its three independent references compute."""

import pytest

from validation.workspace import promises


@pytest.mark.check("route_parity", variants=("raw", "uint8-raw"))
def test_config_describes_the_archives_graph(context, record):
    """Two routes to one model: its own graph, and the one built from pipeline.config."""
    record(promises.route_parity(context))


@pytest.mark.check("raw_parity", variants="raw")
def test_raw_outputs_are_those_of_the_session(context, record):
    """Body: the raw .tflite against the exported graph in a TensorFlow session."""
    record(promises.raw_parity(context))


@pytest.mark.check("postprocess_parity", variants=("float", "float16", "dynamic", "int8", "uint8"))
def test_postprocessing_is_that_of_the_port(context, record):
    """Post-processing: the op inside the .tflite against the NumPy port."""
    record(promises.postprocess_parity(context))


@pytest.mark.check("end_to_end_parity")
def test_detections_are_those_of_the_archives_graph(context, record):
    """End to end: image to detections against the archive's own inference graph."""
    record(promises.end_to_end_parity(context))


@pytest.mark.check("canaries")
def test_canaries_are_found(context, record):
    """Objects of known class and place, which no shared fault can hide."""
    record(promises.canaries(context))
