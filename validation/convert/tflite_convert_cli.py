"""TensorFlow's own command line, tflite_convert with its old converter.

It is what a reader of the guide types today. Each run is a process of its own, for the program
parses the process's arguments and exits; all are forked from one that has imported TensorFlow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.convert import tflite_convert_processes
from validation.convert.tflite_convert_processes import Runs
from validation.errors import ConversionError
from validation.files.temporary import scratch
from validation.isolation.freed_memory import SMALL_MAP_BYTES
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_OUTPUTS
from validation.specs.input_stats import InputStats

_LONGEST_SECONDS = 600

# Copies of weights go back as soon as they are freed: of a ResNet-101 2.7 GB are taken, not 3.0.
_GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": str(SMALL_MAP_BYTES)}


@dataclass(frozen=True)
class CommandResult:
    """The outcome of a run of tflite_convert.

    Args:
        exit_code: Of the process.
        error: The line that says what was wrong; empty after success.
    """

    exit_code: int
    error: str


def guide_arguments(
    graph: Path,
    output: Path,
    shape: Sequence[int],
    stats: InputStats | None,
    *,
    inputs: Sequence[str] = (INPUT_NAME,),
    outputs: Sequence[str] = POSTPROCESS_OUTPUTS,
) -> tuple[str, ...]:
    """The guide's flags, with the one that the old converter needs since TensorFlow 2.

    Args:
        graph: The graph to convert.
        output: The .tflite file to write.
        shape: Of the input.
        stats: For a graph with FakeQuant nodes: mean and std; None: a float graph.
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.
    """
    quantised = () if stats is None else (
        "--inference_type=QUANTIZED_UINT8",
        f"--mean_values={stats.mean:g}",
        f"--std_dev_values={stats.std:g}",
    )  # fmt: skip
    return (
        "--enable_v1_converter",
        f"--graph_def_file={graph}",
        f"--output_file={output}",
        f"--input_arrays={','.join(inputs)}",
        f"--input_shapes={','.join(map(str, shape))}",
        f"--output_arrays={','.join(outputs)}",
        *quantised,
        "--allow_custom_ops",
    )


def tflite_convert(*runs: Sequence[str]) -> tuple[CommandResult, ...]:
    """Run TensorFlow's tflite_convert, once for each list of arguments.

    Args:
        runs: What is typed after the program's name.

    Raises:
        ConversionError: A run does not end, or TensorFlow cannot be imported.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with scratch() as folder:
        said = [str(folder / str(number)) for number, _ in enumerate(runs)]
        asked = Runs(arguments=[list(run) for run in runs], said=said, seconds=_LONGEST_SECONDS)
        done = subprocess.run(
            # Our own modules beside that file are not to be taken for others of the same name.
            [sys.executable, "-P", tflite_convert_processes.__file__, json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**_GIVE_BACK, **os.environ, **quiet, "TMPDIR": str(folder)},
        )
        if done.returncode:
            raise ConversionError("tflite_convert does not start", got=error_line(done.stderr))
        codes: list[int] = json.loads(done.stdout.splitlines()[-1])
        return tuple(map(_result, runs, codes, map(Path, said)))


def _result(run: Sequence[str], code: int, said: Path) -> CommandResult:
    if code == -signal.SIGALRM:
        raise ConversionError(
            "tflite_convert did not end in time", got=f"{_LONGEST_SECONDS} s", where=run[1]
        )
    return CommandResult(
        code, error_line(said.read_text(encoding="utf-8", errors="replace")) if code else ""
    )


def error_line(stderr: str) -> str:
    """The one line of a converter's trace that says what is wrong.

    An op that TFLite does not have comes first: the last lines of a trace only say that
    something failed.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for marker in ("neither a custom op nor a flex op", "Error: ", "error: "):
        marked = [line for line in lines if marker in line]
        if marked:
            return marked[0]
    return lines[-1] if lines else "no message"
