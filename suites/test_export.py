"""Promise: the exported graph is what the OD API's exporter would have written."""

import pytest

from validation.workspace import promises


@pytest.mark.check("export_contract")
def test_exported_graph_has_the_exporters_ends(context, record):
    """Names, shapes, dtypes and every attribute of the post-processing node."""
    record(promises.export_contract(context))
