"""What a session runs with: versions of packages."""

from __future__ import annotations

import platform

from validation import __version__
from validation.record.installed import installed_version

_PACKAGES = (
    "tensorflow",
    "ai-edge-litert",
    "tf-slim",
    "tf-keras",
    "numpy",
    "protobuf",
    "pillow",
    "pycocotools",
    "pytest",
)


def package_versions() -> dict[str, str]:
    """As the header of a record has them."""
    versions = {package: installed_version(package) for package in _PACKAGES}
    return {"harness": __version__, "python": platform.python_version(), **versions}
