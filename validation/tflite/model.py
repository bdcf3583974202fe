"""A .tflite file opened: its structure is checked here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, ConversionError
from validation.files.outside import Size, read_bytes
from validation.kinds.kind import Kind, Wanted
from validation.kinds.recognition import recognise_alone
from validation.kinds.refusal import refusal
from validation.specs.tensors import TensorSpec
from validation.tflite.flatbuffer import Schema

MODEL = Schema(Path(__file__).with_name("model.json"), "TFLite flatbuffer")

_DTYPES = {value: name.lower() for value, name in MODEL.names("TensorType").items()}
_OPS = MODEL.names("BuiltinOperator")
_MAIN_GRAPH = ("tensors", "inputs", "outputs", "operators")
_NO_BYTES = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class UnpackedModel:
    """The tables of a .tflite file.

    Every index of an operator, tensor or buffer leads to something, and the main graph is whole:
    readers of the tables need not check it again.

    Args:
        name: Of the file, for messages.
        content: The file's bytes; an archive may follow the flatbuffer.
        root: The schema's Model, its fields by the schema's names.
        op_names: TFLite's name of each operator code; of a custom op its own.
    """

    name: str
    content: bytes
    root: Any
    op_names: tuple[str, ...]

    @property
    def graph(self) -> Any:
        """The main subgraph."""
        return self.root.subgraphs[0]

    def op_name(self, operator: Any) -> str:
        """TFLite's name of an operator; a custom op's own."""
        return self.op_names[int(operator.opcode_index)]

    def is_custom(self, operator: Any) -> bool:
        """True where the operator is not one of TFLite's builtin ones."""
        return bool(self.root.operator_codes[operator.opcode_index].custom_code)

    @property
    def custom_ops(self) -> tuple[str, ...]:
        """Names of the operators that are not TFLite's own, each once."""
        codes = self.root.operator_codes
        return tuple(dict.fromkeys(str(each.custom_code) for each in codes if each.custom_code))

    def stored(self, tensor: Any) -> NDArray[np.uint8]:
        """The bytes that the file holds of a tensor; none where it is computed."""
        data: NDArray[np.uint8] | None = self.root.buffers[tensor.buffer].data
        return _NO_BYTES if data is None else data

    def constants(self) -> dict[int, int]:
        """Tensors of the main graph that do not depend on its input, each with its source.

        By index: a stored tensor is its own source; what operators make of such tensors alone,
        for example of weights in half precision, has the first that they read.
        """
        sources = {
            index: index
            for index, tensor in enumerate(self.graph.tensors)
            if len(self.stored(tensor))
        }
        # Operators are in the order of execution, so one pass sees every source first.
        for operator in self.graph.operators:
            read = present(operator.inputs)
            if read and all(index in sources for index in read):
                sources.update(dict.fromkeys(present(operator.outputs), sources[read[0]]))
        return sources

    def damage(self, what: str) -> ConversionError:
        """The error for a file that contradicts itself; see `Schema.damage`."""
        return MODEL.damage(what, self.name)


def read_model(source: Path | bytes, where: str = "") -> UnpackedModel:
    """Open a .tflite file.

    Args:
        source: The file, or its bytes.
        where: File name for messages; a path has its own.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
        ConversionError: Not a TFLite flatbuffer, or a damaged one.
    """
    if isinstance(source, Path):
        where = source.name
        try:
            content = read_bytes(source, Size.MODEL)
        except OSError as error:
            raise ArtefactMissing("no .tflite file", got=error.strerror, where=source) from error
        if not MODEL.identifies(content):
            _refuse_other_kind(source)
        source = content
    root = MODEL.unpack(source, where)
    for complaint in _contradictions(root):
        raise MODEL.damage(complaint, where)
    return UnpackedModel(where, source, root, tuple(map(_op_name, root.operator_codes)))


def _refuse_other_kind(path: Path) -> None:
    """What is of a known kind is called by its name; the schema refuses the rest."""
    found = recognise_alone(path)
    if found.kind not in (Kind.UNKNOWN, Kind.TEXT):
        raise refusal(found, Wanted.TFLITE, ConversionError, where=path.name)


def present(indices: Any) -> list[int]:
    """The tensors that an operator or a graph names; optional ones that are absent are -1."""
    return [] if indices is None else [int(index) for index in indices if index >= 0]


def dtype_of(tensor: Any) -> str:
    """NumPy's name of a tensor's type, TFLite's where NumPy has none."""
    return _DTYPES[int(tensor.type)]


def tensor_spec(tensor: Any) -> TensorSpec:
    """Name, dtype and shape of a tensor of the schema; scale and zero point if it has one."""
    signature = tensor.shape_signature if tensor.shape_signature is not None else tensor.shape
    quantisation = tensor.quantization
    per_tensor = count_scales(tensor) == 1
    return TensorSpec(
        name=tensor.name or "",
        dtype=dtype_of(tensor),
        shape=() if signature is None else tuple(int(side) for side in signature),
        scale=float(quantisation.scale[0]) if per_tensor else None,
        zero_point=int(quantisation.zero_point[0]) if per_tensor else None,
    )


def count_scales(tensor: Any) -> int:
    """How many scales a tensor has: none, its own, or one for each channel."""
    return 0 if tensor.quantization is None else _length(tensor.quantization.scale)


def _length(vector: Any) -> int:
    return 0 if vector is None else len(vector)


def _op_name(code: Any) -> str:
    return str(code.custom_code) if code.custom_code else _OPS[_builtin(code)]


def _builtin(code: Any) -> int:
    # Old files keep the code in the first field, new ones in the second; the larger one is true.
    return int(max(code.builtin_code, code.deprecated_builtin_code))


def _contradictions(root: Any) -> Iterator[str]:
    """What in a model leads nowhere, each with its field."""
    if not root.subgraphs:
        yield "subgraphs: none"
        return
    for field in ("operator_codes", "buffers"):
        if getattr(root, field) is None:
            yield f"{field}: missing"
            return
    for field in _MAIN_GRAPH:
        if getattr(root.subgraphs[0], field) is None:
            yield f"subgraphs[0].{field}: missing"
            return
    for index, code in enumerate(root.operator_codes):
        if not code.custom_code and _builtin(code) not in _OPS:
            yield f"operator_codes[{index}]: TFLite has no operator {_builtin(code)}"
    for index, entry in enumerate(root.metadata or ()):
        if entry.buffer >= len(root.buffers):
            yield f"metadata[{index}]: buffer {entry.buffer} of {len(root.buffers)}"
    for index, graph in enumerate(root.subgraphs):
        for complaint in _contradictions_in(graph, len(root.operator_codes), len(root.buffers)):
            yield f"subgraphs[{index}].{complaint}"
    for index, signature in enumerate(root.signature_defs or ()):
        if signature.subgraph_index >= len(root.subgraphs):
            yield f"signature_defs[{index}]: subgraph {signature.subgraph_index}"
            continue
        tensors = len(root.subgraphs[signature.subgraph_index].tensors or ())
        for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
            if entry.tensor_index >= tensors:
                yield f"signature_defs[{index}]: tensor {entry.tensor_index} of {tensors}"


def _contradictions_in(graph: Any, codes: int, buffers: int) -> Iterator[str]:
    tensors = graph.tensors or ()
    for index, tensor in enumerate(tensors):
        if tensor.type not in _DTYPES:
            yield f"tensors[{index}].type: TFLite has no type {tensor.type}"
        if tensor.buffer >= buffers:
            yield f"tensors[{index}]: buffer {tensor.buffer} of {buffers}"
        if count_scales(tensor) == 1 and not _length(tensor.quantization.zero_point):
            yield f"tensors[{index}].quantization: a scale without a zero point"
    for field in ("inputs", "outputs"):
        yield from _strays(field, getattr(graph, field), len(tensors), lowest=0)
    for index, operator in enumerate(graph.operators or ()):
        if operator.opcode_index >= codes:
            yield f"operators[{index}]: operator code {operator.opcode_index} of {codes}"
        # An optional input that is absent has the index -1.
        for field, lowest in (("inputs", -1), ("outputs", 0), ("intermediates", -1)):
            strays = _strays(field, getattr(operator, field), len(tensors), lowest)
            yield from (f"operators[{index}].{stray}" for stray in strays)


def _strays(field: str, indices: Any, tensors: int, lowest: int) -> Iterator[str]:
    for index in () if indices is None else indices.tolist():
        if not lowest <= index < tensors:
            yield f"{field}: tensor {index} of {tensors}"
