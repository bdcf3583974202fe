"""Load the harness's pytest plugin, and pytest's own for testing plugins."""

pytest_plugins = [
    "validation.plugin.options",
    "validation.plugin.second_process",
    "validation.plugin.fixtures",
    "validation.plugin.recorder",
    "validation.plugin.workers",
    "pytester",
]
