"""What `--cluster` names: worker processes of this machine, or a scheduler that is running."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from validation.files.terminal import printable
from validation.runtimes.tflite import default_threads

CLUSTER_FLAG, IMAGES_FLAG = "--cluster", "--cluster-images"
_LOCAL = "local"
# Of dask.distributed's own transports.
_TRANSPORTS = ("tcp", "tls", "ws", "wss", "ucx", "ucxx")


@dataclass(frozen=True)
class ClusterAddress:
    """Where the workers are; one of the three.

    Args:
        text: As it was typed.
        local: How many worker processes this machine is to start.
        scheduler: Address of a running scheduler, such as ``tcp://host:8786``.
        scheduler_file: The file that ``dask scheduler --scheduler-file`` writes.
    """

    text: str
    local: int | None = None
    scheduler: str | None = None
    scheduler_file: Path | None = None


def parse_cluster(text: str) -> ClusterAddress:
    """Read the value of `--cluster`.

    Raises:
        argparse.ArgumentTypeError: It is none of the three, or not a count of workers.
    """
    kind, _, count = text.partition(":")
    if kind == _LOCAL:
        return ClusterAddress(text, local=_count(count) if ":" in text else default_threads())
    if kind in _TRANSPORTS and count.startswith("//") and len(count) > len("//"):
        return ClusterAddress(text, scheduler=text)
    path = Path(text).expanduser()
    if path.is_file():
        return ClusterAddress(text, scheduler_file=path)
    raise argparse.ArgumentTypeError(
        f"must be local, local:N, tcp://HOST:PORT or a scheduler file, got {printable(text)!r}"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(
            f"local:N takes a number of workers, got {printable(text)!r}"
        )
    return int(text)


def parse_images_url(text: str) -> str:
    """Read the value of `--cluster-images`: a URL that fsspec takes.

    Raises:
        argparse.ArgumentTypeError: A plain path: workers use the controller's paths by themselves.
    """
    if "://" not in text:
        raise argparse.ArgumentTypeError(
            "must be a URL such as s3://bucket/val2017; without the option workers read images "
            f"under the paths that they have here, got {printable(text)!r}"
        )
    return text


def add_cluster_flags(add: Callable[..., object]) -> None:
    """Declare both options by a function that takes what argparse's ``add_argument`` takes."""
    add(
        CLUSTER_FLAG,
        type=parse_cluster,
        metavar="ADDRESS|local[:N]",
        help="run images on Dask's workers: of a scheduler, or N of this machine, see "
        "docs/cluster.md (default: none)",
    )
    add(
        IMAGES_FLAG,
        type=parse_images_url,
        metavar="URL",
        help="--coco-images to workers, any URL (default: same path)",
    )
