"""What a session, or a worker of a cluster, runs on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine_facts() -> dict[str, str]:
    """As the header of a record and a piece have them."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": processor(),
        "cores": str(os.cpu_count()),
    }


def processor() -> str:
    """Model name of the processor, or ``unknown``."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):  # the kernel's own text
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
