"""The optional packages that a cluster needs, or how to install them."""

from __future__ import annotations

from importlib.util import find_spec

from validation.cluster.address import CLUSTER_FLAG
from validation.errors import UsageError

_MODULES = ("distributed", "fsspec")


def require_extra() -> None:
    """Refuse where the packages of the extra `cluster` are not installed.

    Raises:
        UsageError: Names those that are missing, and the command that installs them.
    """
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{CLUSTER_FLAG} needs packages that are not installed",
            got=", ".join(missing),
            next_step="pip install 'ssd-tflite-validation[cluster]'",
        )
