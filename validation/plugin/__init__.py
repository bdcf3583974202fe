"""The pytest side, loaded by `-p validation.plugin`: options, selection, fixtures, the recorder.

PYTEST_DONT_REWRITE: `validation run` has imported this before pytest does.
"""

pytest_plugins = [
    "validation.plugin.interruption",
    "validation.plugin.waiting",
    "validation.plugin.options",
    "validation.plugin.terminal",
    "validation.plugin.short_summary",
    "validation.plugin.latency_table",
    "validation.plugin.run_folder",
    "validation.plugin.cluster",
    "validation.plugin.until_decided",
    "validation.plugin.processes",
    "validation.plugin.fixtures",
    "validation.plugin.ci_files",
    "validation.plugin.faults",
    "validation.plugin.shares",
    "validation.plugin.recorder",
    "validation.plugin.run_header",
    "validation.plugin.workers",
]
