"""Load the harness's pytest plugin."""

pytest_plugins = [
    "validation.plugin.options",
    "validation.plugin.fixtures",
    "validation.plugin.recorder",
]
