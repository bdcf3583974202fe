"""A file that a worker converts is the one that is converted here, byte for byte."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bundled_case import bundled_case

from validation.cluster.address import parse_cluster
from validation.cluster.connection import connected
from validation.cluster.conversions import ClusterConversion, converted
from validation.cluster.images import ImagePlaces
from validation.cluster.session import cluster_session
from validation.cluster.tasks import TaskRunner
from validation.errors import ClusterError
from validation.policy.load import load_policy


def test_bytes_and_memory(made_once: Callable[..., Path]) -> None:
    """Without images and with them; what no worker has the memory for is named."""
    folder = made_once("cluster-case", lambda folder: bundled_case(folder).subject.path)
    build = bundled_case(folder).build
    float_export, raw_export = build.exported(), build.exported(add_postprocessing_op=False)
    wanted = {"float": build.tflite("float"), "int8-raw": build.tflite("int8-raw")}
    conversions = [
        ClusterConversion(
            "m-float", float_export.graph, "float", float_export.contract.preprocessing
        ),
        ClusterConversion(
            "m-int8-raw",
            raw_export.graph,
            "int8-raw",
            raw_export.contract.preprocessing,
            calibration=build.representative,
            memory_bytes=1 << 30,
        ),
        ClusterConversion(
            "m-large",
            float_export.graph,
            "float",
            float_export.contract.preprocessing,
            memory_bytes=1 << 50,
        ),
    ]
    said: list[str] = []
    with connected(parse_cluster("local:1"), wait_seconds=60, say=said.append) as connection:
        runner = TaskRunner(connection, wait_seconds=60)
        found = {
            conversion.name: done
            for conversion, done in converted(conversions, ImagePlaces(), runner, said.append)
        }
    assert said == []
    assert found["m-float"].value == wanted["float"].read_bytes()
    assert found["m-int8-raw"].value == wanted["int8-raw"].read_bytes()
    error = found["m-large"].error
    assert isinstance(error, ClusterError)
    assert "no worker declares the memory that convert m-large takes" in str(error)


def test_cluster_that_declares_no_memory(made_once: Callable[..., Path]) -> None:
    """It is said, and the conversion is done all the same."""
    folder = made_once("cluster-case", lambda folder: bundled_case(folder).subject.path)
    build = bundled_case(folder).build
    export = build.exported()
    conversion = ClusterConversion(
        "m-float", export.graph, "float", export.contract.preprocessing, memory_bytes=1 << 50
    )
    said: list[str] = []
    with connected(parse_cluster("local:1"), wait_seconds=60, say=said.append) as connection:
        silent = dataclasses.replace(connection, memory={})
        runner = TaskRunner(silent, wait_seconds=60)
        ((_, done),) = converted([conversion], ImagePlaces(), runner, said.append)
    assert "no worker declares its memory" in said[0]
    assert done.value == build.tflite("float").read_bytes()


def test_worker_that_dies_while_it_converts(made_once: Callable[..., Path]) -> None:
    """Another one converts the file, and the record says what was made again."""
    folder = made_once("cluster-case", lambda folder: bundled_case(folder).subject.path)
    build = bundled_case(folder).build
    export = build.exported()
    conversion = ClusterConversion(
        "m-float", export.graph, "float", export.contract.preprocessing, memory_bytes=1
    )
    with cluster_session(parse_cluster("local:2"), load_policy(), print) as session:
        client = session.connection.client
        processes = client.run(os.getpid)

        def kill_the_one_at_work() -> None:
            while not (at := [each for each, keys in client.processing().items() if keys]):
                time.sleep(0.01)
            os.kill(processes[at[0]], signal.SIGKILL)

        thread = threading.Thread(target=kill_the_one_at_work)
        thread.start()
        ((_, done),) = session.convert([conversion], ImagePlaces(), print)
        thread.join()
        use = session.use()
    assert done.value == build.tflite("float").read_bytes()
    assert (use.conversions, len(use.lost), use.repeated) == (1, 1, ("convert m-float",))


def test_what_is_too_large_hinders_no_other(made_once: Callable[..., Path]) -> None:
    """It is left to the session's own processes, and the record names it."""
    folder = made_once("cluster-case", lambda folder: bundled_case(folder).subject.path)
    export = bundled_case(folder).build.exported()
    small, large = (
        ClusterConversion(
            name, export.graph, "float", export.contract.preprocessing, memory_bytes=size
        )
        for name, size in (("small", 1 << 20), ("large", 1 << 50))
    )
    with cluster_session(parse_cluster("local:1"), load_policy(), print) as session:
        found = dict(session.convert([large, small], ImagePlaces(), print))
        use = session.use()
    assert list(found) == [small]
    assert use.failed == ("large",)
