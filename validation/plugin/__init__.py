"""The pytest side, loaded by `-p validation.plugin`: options, selection, fixtures, the recorder."""

pytest_plugins = [
    "validation.plugin.options",
    "validation.plugin.second_process",
    "validation.plugin.fixtures",
    "validation.plugin.recorder",
    "validation.plugin.workers",
]
