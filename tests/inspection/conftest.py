"""Small files of every kind that is inspected, made once for all tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Files:
    """Files of the smallest SSDs; not to be changed.

    Args:
        graph: tflite_graph.pb with FakeQuant nodes and the op, its contract beside it.
        raw: The same without the op and without FakeQuant nodes; no contract beside it.
        uint8: .tflite of the first, the contract beside it.
        float: .tflite of the second, alone in its folder.
        frozen: frozen_inference_graph.pb.
        checkpoint: Prefix of a checkpoint with its .meta.
    """

    graph: Path
    raw: Path
    uint8: Path
    float: Path
    frozen: Path
    checkpoint: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """See `Files`."""
    import fake_quant_graph
    import miniatures

    from validation.convert.conversion import conversion_of
    from validation.convert.tflite import convert
    from validation.specs.contracts import Preprocessing

    folder = tmp_path_factory.mktemp("inspected")
    graph = fake_quant_graph.write_export(folder / "export")
    known: Preprocessing = fake_quant_graph.SYMMETRIC
    uint8 = convert(graph, conversion_of("uint8", preprocessing=known), graph.with_name("q.tflite"))
    raw = folder / "raw" / "tflite_graph.pb"
    raw.parent.mkdir()
    bare = fake_quant_graph.build_graph(ranges=False, with_op=False)
    raw.write_bytes(bare.SerializeToString(deterministic=True))
    return Files(
        graph,
        raw,
        uint8,
        convert(raw, conversion_of("raw"), folder / "float" / "raw.tflite"),
        miniatures.write_frozen_graph(folder / "frozen_inference_graph.pb"),
        miniatures.write_checkpoint(folder / "checkpoint"),
    )
