"""The operators of a .tflite file in the order they run, and what is known before they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.tflite.model import UnpackedModel, present, read_model


@dataclass(frozen=True)
class Operator:
    """One operator.

    Args:
        index: In the order of execution, from 1 on.
        op: TFLite's name; a custom op's own.
        is_custom: Not one of TFLite's builtin operators.
        inputs: Indices of the tensors it reads; optional ones that are absent are left out.
        outputs: Indices of the tensors it writes.
    """

    index: int
    op: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class OperatorGraph:
    """The main graph of a file.

    Args:
        model: The file.
        operators: In the order of execution.
        inputs: Indices of the graph's inputs.
        names: Of the tensors.
        static: Tensors whose values do not depend on the input: constants, and what is
            made from them alone, for example weights that are stored in half precision.
    """

    model: UnpackedModel
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    names: tuple[str, ...]
    static: frozenset[int]

    @property
    def moving(self) -> tuple[Operator, ...]:
        """Operators whose result depends on the input."""
        return tuple(each for each in self.operators if not self.static.issuperset(each.outputs))

    def moving_inputs(self, operator: Operator) -> tuple[int, ...]:
        """What an operator reads that depends on the input, each once."""
        return tuple(dict.fromkeys(each for each in operator.inputs if each not in self.static))

    def producer(self, tensor: int) -> Operator | None:
        """The operator that writes a tensor; None for inputs and constants."""
        return next((each for each in self.operators if tensor in each.outputs), None)


def read_operators(path: Path) -> OperatorGraph:
    """Read the operators of a .tflite file.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: Not a TFLite flatbuffer, or a damaged one.
    """
    return operators_of(read_model(path))


def operators_of(model: UnpackedModel) -> OperatorGraph:
    """The operators of a file that is open."""
    graph = model.graph
    operators = tuple(
        Operator(
            index,
            model.op_name(each),
            model.is_custom(each),
            tuple(present(each.inputs)),
            tuple(present(each.outputs)),
        )
        for index, each in enumerate(graph.operators, 1)
    )
    return OperatorGraph(
        model=model,
        operators=operators,
        inputs=tuple(present(graph.inputs)),
        names=tuple(tensor.name or "" for tensor in graph.tensors),
        static=frozenset(model.constants()),
    )
