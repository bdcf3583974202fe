"""Compile validation/pipeline/*.proto to validation/pipeline/pipeline.binpb.

    python tools/compile_protos.py            write the file
    python tools/compile_protos.py --check    only say whether it is up to date

Needs grpcio-tools (the dev extra); the harness itself reads only the .binpb.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "validation" / "pipeline" / "pipeline.binpb"


def compiled_descriptors(root: Path = ROOT) -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of every .proto of the room, imports before their users.

    Args:
        root: Folder that the import paths inside the .proto files start from.

    Raises:
        RuntimeError: The compiler refused; what it said is on stderr.
    """
    sources = sorted((root / "validation" / "pipeline").glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "descriptors.binpb"
        # --include_imports is what sorts the files: a pool wants imports first.
        options = ["--include_imports", f"--proto_path={root}", f"--descriptor_set_out={out}"]
        # A process of its own: protoc beside TensorFlow's copy of protobuf crashes.
        command = [sys.executable, "-m", "grpc_tools.protoc", *options, *map(str, sources)]
        status = subprocess.run(command, check=False).returncode
        if status != 0:
            raise RuntimeError(f"protoc ended with status {status}")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Write the descriptors, or compare them with the committed ones.

    Returns:
        0; with --check 1 when the committed file is missing or differs.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args(arguments)
    descriptors = compiled_descriptors()
    if options.check:
        committed = descriptor_pb2.FileDescriptorSet()
        if TARGET.exists():
            committed = descriptor_pb2.FileDescriptorSet.FromString(TARGET.read_bytes())
        if committed == descriptors:
            return 0
        sys.stderr.write(f"{TARGET.name} is out of date: run tools/compile_protos.py\n")
        return 1
    unfinished = TARGET.with_suffix(".binpb.part")
    unfinished.write_bytes(descriptors.SerializeToString(deterministic=True))
    os.replace(unfinished, TARGET)  # noqa: PTH105 - atomic on every platform
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
