"""The checks: one module each, and the table of all of them in `registry`."""
