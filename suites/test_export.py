"""The exported graph is what the OD API's exporter would have written."""

import pytest


@pytest.mark.check("export_contract")
def test_exported_graph_has_the_exporters_ends(context, run_check, record):
    """Names, shapes, dtypes and every attribute of the post-processing node."""
    record(run_check(context))
