"""A file that was made elsewhere has the contract of its reference, and each difference a price."""

import pytest


@pytest.mark.check("reference_contract")
def test_given_file_has_its_references_contract(context, run_check, record):
    """Input, normalisation, classes, anchors, box scales, NMS and order of outputs."""
    record(run_check(context))
