"""SavedModels read without a session: the signature, and the frozen graph of TensorFlow 1's.

The OD API for TensorFlow 1 puts the frozen inference graph itself into saved_model.pb, under the
names that the .pb has. TensorFlow 2's holds functions, which can be run and not cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import dtypes

from validation.errors import ArtefactMissing, CorruptGraph, GraphError, NotSsdGraph, first_few
from validation.export.checkpoint import open_checkpoint
from validation.export.freezing import freeze, prune, variables
from validation.export.ssd_reading import read_ssd
from validation.files.guard import faults
from validation.files.outside import Size, read_bytes, special_file
from validation.kinds.kind import Kind, Wanted
from validation.kinds.of_folder import saved_model_folder
from validation.kinds.recognition import recognise_alone
from validation.kinds.refusal import refusal
from validation.record.formatting import plural
from validation.specs.contracts import DETECTION_OUTPUTS, IMAGE_TENSOR
from validation.specs.tensors import TensorSpec

_SERVE = "serve"
_DEFAULT = "serving_default"
# TensorFlow 2 writes this one beside the signatures of the model.
_INIT = "__saved_model_init_op"
# What lies in the place of a file that was not fetched.
_STAND_INS = (Kind.LFS_POINTER, Kind.WEB_PAGE, Kind.EMPTY)
_VARIABLES = Path("variables") / "variables"


@dataclass(frozen=True)
class SignatureTensor:
    """One end of a signature.

    Args:
        spec: Its name in the signature, with dtype and shape; -1 is any side.
        tensor: Its name in the graph.
        rank_known: False where the shape is not stated at all.
    """

    spec: TensorSpec
    tensor: str
    rank_known: bool


@dataclass(frozen=True)
class SavedModelFile:
    """What saved_model.pb says.

    Args:
        folder: It lies in.
        tags: Of the graph that is served.
        signature: Name of the signature.
        inputs: In alphabetical order, as the signature keeps none.
        outputs: Alike.
        graph: GraphDef; of TensorFlow 2 it calls functions.
        has_functions: True where the outputs come out of a call, as in TensorFlow 2.
    """

    folder: Path
    tags: tuple[str, ...]
    signature: str
    inputs: tuple[SignatureTensor, ...]
    outputs: tuple[SignatureTensor, ...]
    graph: Any
    has_functions: bool


def read_saved_model(path: Path) -> SavedModelFile:
    """Read a SavedModel's graph and signature; nothing is run.

    Args:
        path: Its folder, saved_model.pb in it, or a folder that has it as saved_model/.

    Raises:
        ArtefactMissing: No SavedModel there, or its variables are not.
        CorruptGraph: saved_model.pb cannot be parsed.
        GraphError: No graph or no signature to serve, or several and none is the usual one.
    """
    folder = saved_model_folder(path)
    if folder is None:
        raise ArtefactMissing(
            "no SavedModel",
            expected="a folder with saved_model.pb",
            where=path,
        )
    meta = _served(_parse(folder), folder)
    name = _signature_name(meta, folder)
    signature = meta.signature_def[name]
    outputs = _ends(signature.outputs)
    nodes = {node.name: node.op for node in meta.graph_def.node}
    called = {nodes.get(each.tensor.partition(":")[0], "") for each in outputs}
    _require_variables(meta.graph_def, folder)
    _refuse_special(folder)
    return SavedModelFile(
        folder=folder,
        tags=tuple(meta.meta_info_def.tags),
        signature=name,
        inputs=_ends(signature.inputs),
        outputs=outputs,
        graph=meta.graph_def,
        has_functions=any(op.endswith("PartitionedCall") for op in called),
    )


def _refuse_special(folder: Path) -> None:
    """TensorFlow opens these files itself, and would wait for a FIFO."""
    for below in ("variables", "assets"):
        for path in sorted((folder / below).rglob("*")):
            if special := special_file(path):
                raise GraphError("the SavedModel cannot be read", got=special, where=path)


def graph_of_saved_model(path: Path) -> Any | None:
    """The frozen inference graph in a SavedModel of the TensorFlow 1 OD API.

    Args:
        path: See `read_saved_model`.

    Returns:
        GraphDef as frozen_inference_graph.pb has it. None where the graph has not the OD API's
        names and scopes, or is that of another architecture: it can be run and not cut.

    Raises:
        ArtefactMissing, CorruptGraph, GraphError: See `read_saved_model` and `freeze`.
    """
    file = read_saved_model(path)
    ends = {each.tensor for each in (*file.inputs, *file.outputs)}
    wanted = {f"{name}:0" for name in (IMAGE_TENSOR, *DETECTION_OUTPUTS)}
    if file.has_functions or not wanted <= ends:
        return None
    graph = prune(file.graph, DETECTION_OUTPUTS)
    where = f"{file.folder.name}/saved_model.pb"
    try:
        read_ssd(graph, where)
    except NotSsdGraph:
        return None
    if not variables(graph):
        return graph
    return freeze(graph, open_checkpoint(file.folder / _VARIABLES), where=where)


def _parse(folder: Path) -> Any:
    binary, text = folder / "saved_model.pb", folder / "saved_model.pbtxt"
    path = binary if binary.is_file() else text
    found = recognise_alone(path)
    if found.kind in _STAND_INS:
        raise refusal(found, Wanted.REFERENCE, CorruptGraph, where=path)
    message = saved_model_pb2.SavedModel()
    try:
        data = read_bytes(path, Size.MODEL)
        if path == binary:
            message.ParseFromString(data)
        else:
            text_format.Parse(data.decode(), message)
    except OSError as error:
        raise ArtefactMissing(
            "the SavedModel cannot be read", got=error.strerror, where=path
        ) from error
    except faults() as error:
        raise CorruptGraph(
            "the file is not a SavedModel, or only part of one",
            got=f"{len(data)} bytes that do not parse",
            where=path,
            next_step="fetch or unpack it again and compare its size",
        ) from error
    return message


def _served(message: Any, folder: Path) -> Any:
    """The graph that is tagged for serving, else the only one."""
    metas = list(message.meta_graphs)
    tagged = [meta for meta in metas if _SERVE in meta.meta_info_def.tags]
    # One for accelerators may stand beside it, with more tags.
    tagged.sort(key=lambda meta: len(meta.meta_info_def.tags))
    found = tagged or metas
    if not found or (not tagged and len(metas) > 1):
        raise GraphError(
            "the SavedModel has no graph to serve",
            expected=f"one with the tag {_SERVE}",
            got=first_few(" ".join(meta.meta_info_def.tags) or "none" for meta in metas)
            or "no graph at all",
            where=folder,
            next_step="export it again with the OD API's exporter",
        )
    return found[0]


def _signature_name(meta: Any, folder: Path) -> str:
    names: list[str] = sorted(name for name in meta.signature_def if name != _INIT)
    if _DEFAULT in names:
        return _DEFAULT
    if len(names) != 1:
        raise GraphError(
            "the SavedModel has no signature to serve" if not names else "several signatures",
            expected=_DEFAULT,
            got=first_few(names) or "none",
            where=folder,
            next_step="export it again, with the signature of detection called serving_default",
        )
    return names[0]


def _ends(tensors: Mapping[str, Any]) -> tuple[SignatureTensor, ...]:
    return tuple(
        SignatureTensor(
            TensorSpec(
                name,
                _dtype(info.dtype),
                tuple(int(side.size) for side in info.tensor_shape.dim),
            ),
            info.name,
            not info.tensor_shape.unknown_rank,
        )
        for name, info in sorted(tensors.items())
    )


def _dtype(number: int) -> str:
    if number == types_pb2.DT_INVALID or number not in types_pb2.DataType.values():
        return "unknown"
    return f"{dtypes.as_dtype(number).name}"


def _require_variables(graph: Any, folder: Path) -> None:
    """Copied without its folder of variables a SavedModel still loads, and fails when it runs."""
    names = variables(graph)
    index = (folder / _VARIABLES).with_suffix(".index")
    if names and not index.is_file():
        raise ArtefactMissing(
            "the SavedModel is there without its variables",
            expected=f"{index.relative_to(folder)} with {plural(len(names), 'variable')}",
            where=folder,
            next_step="copy the folder variables that belongs beside saved_model.pb",
        )
