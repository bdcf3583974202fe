"""Load the harness's pytest plugin, as `validation run` does with `-p`."""

pytest_plugins = ["validation.plugin"]
