"""What a session runs on and with: versions of packages, and the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from validation import __version__
from validation.workspace.installed import installed_version

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


def machine_facts() -> dict[str, str]:
    """Alike."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):  # the kernel's own text
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
