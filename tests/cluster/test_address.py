"""What --cluster and --cluster-images take."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from validation.cluster.address import parse_cluster, parse_images_url
from validation.cluster.extra import require_extra
from validation.errors import UsageError
from validation.runtimes.tflite import default_threads


def test_local_with_and_without_a_count() -> None:
    """Without one, a worker for each core."""
    assert parse_cluster("local:3").local == 3
    assert parse_cluster("local").local == default_threads()


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:8786", "tls://head:8786", "wss://gateway/x"])
def test_address_of_a_scheduler(text: str) -> None:
    """Any transport of dask.distributed."""
    assert parse_cluster(text).scheduler == text


def test_scheduler_file(tmp_path: Path) -> None:
    """The file that `dask scheduler --scheduler-file` writes."""
    path = tmp_path / "scheduler.json"
    path.write_text("{}")
    assert parse_cluster(str(path)).scheduler_file == path


@pytest.mark.parametrize("text", ["local:0", "local:", "local:two", "head:8786", "tcp://", "none"])
def test_anything_else_is_refused(text: str) -> None:
    """With the forms that there are, or that a number is missing."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"local:N"):
        parse_cluster(text)


def test_images_are_a_url() -> None:
    """A path needs no option: workers use the paths of the controlling process."""
    assert parse_images_url("s3://bucket/val2017") == "s3://bucket/val2017"
    with pytest.raises(argparse.ArgumentTypeError, match="must be a URL"):
        parse_images_url("val2017")


def test_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command of pip."""
    there = {"fsspec": object()}
    monkeypatch.setattr("validation.cluster.extra.find_spec", there.get)
    with pytest.raises(UsageError, match=r"got distributed.*pip install '.*\[cluster\]'"):
        require_extra()
