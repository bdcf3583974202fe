"""The operations of a TensorFlow GraphDef, on the way from its inputs to its outputs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from validation.diagrams.operations import (
    Operation,
    OperationGraph,
    Tensor,
    kernel_facts,
    postprocess_facts,
)
from validation.specs.contracts import (
    DETECTION_OUTPUTS,
    KERNEL_DEFAULTS,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    RAW_OUTPUTS,
    PostprocessAttributes,
)
from validation.specs.tensors import TensorSpec

_PASSING = frozenset({"Identity", "StopGradient", "Snapshot", "PreventGradient"})
_STORED = frozenset({"Const", "VariableV2", "Variable", "VarHandleOp"})
_INPUTS = frozenset({"Placeholder", "PlaceholderWithDefault"})
# Where a loop goes back to its start; it gives nothing to the operations before it.
_BACK = "NextIteration"
_DEPTHWISE = "DepthwiseConv2dNative"
_KERNELS = frozenset({"Conv2D", _DEPTHWISE})
_FAKE_QUANT = "FakeQuantWithMinMax"


def graph_def_operations(graph: Any, title: str, specs: Mapping[str, TensorSpec]) -> OperationGraph:
    """Read the operations that a graph's outputs depend on.

    Constants, variables and what is made of them alone are left out, and identities: who reads
    one reads what it passes on.

    Args:
        graph: GraphDef without dangling inputs.
        title: The file's name.
        specs: Dtype and shape of its tensors by name, ``:0`` included; may lack any.
    """
    return _Reader(graph, specs).graph(title)


class _Reader:
    """A GraphDef's nodes by name, and what has become of its constants."""

    def __init__(self, graph: Any, specs: Mapping[str, TensorSpec]) -> None:
        self.whole = graph
        self.specs = specs
        self.nodes: dict[str, Any] = {node.name: node for node in graph.node}
        self.outputs = self._outputs()
        self.order = self._order(node for node, _ in self.outputs)
        self.stored = self._stored()
        self.written = self._written()

    def graph(self, title: str) -> OperationGraph:
        operations = tuple(
            self._operation(node)
            for node in self.order
            if node.name not in self.stored and node.op not in _PASSING | _INPUTS
        )
        inputs = tuple(f"{node.name}:0" for node in self.order if node.op in _INPUTS)
        names: dict[str, list[str]] = {}
        for (node, port), label in self.outputs.items():
            names.setdefault(self._source(f"{node}:{port}"), []).append(label)
        used = [key for each in operations for key in (*each.inputs, *each.outputs)]
        # In one order in every process, so that a picture of one file is one picture.
        tensors = {key: self._tensor(key) for key in dict.fromkeys([*inputs, *used, *names])}
        for key, labels in names.items():
            tensors[key] = dataclasses.replace(tensors[key], name=", ".join(labels))
        return OperationGraph(
            title=title,
            notes=self._notes(operations),
            operations=operations,
            tensors=tensors,
            inputs=inputs,
            outputs=tuple(names),
        )

    def _outputs(self) -> dict[tuple[str, int], str]:
        """Outputs as (node, port), with the name that each is known by."""
        if POSTPROCESS_NAME in self.nodes:
            return {(POSTPROCESS_NAME, i): name for i, name in enumerate(POSTPROCESS_OUTPUTS)}
        for known in (DETECTION_OUTPUTS, RAW_OUTPUTS):
            present = [name for name in known if name in self.nodes]
            if present:
                return {(name, 0): name for name in present}
        read = {_split(source)[0] for node in self.whole.node for source in _data(node)}
        last = [node for node in self.whole.node if node.name not in read]
        return {(node.name, 0): node.name for node in last if node.op not in _STORED | {"NoOp"}}

    def _order(self, outputs: Iterable[str]) -> list[Any]:
        """What the outputs depend on, sources first; the back edges of loops do not count."""
        needed = self._needed(outputs)
        order: list[Any] = []
        placed: set[str] = set()
        # As a rule the file has them in order, loops' bodies ahead of what reads their results.
        for start in (node.name for node in self.whole.node if node.name in needed):
            waiting = [start]
            opened: set[str] = set()
            while waiting:
                name = waiting[-1]
                missing = [
                    source
                    for source in self._sources(name)
                    if source not in placed and source not in opened
                ]
                if name in placed or not missing or name in opened:
                    waiting.pop()
                    if name not in placed:
                        placed.add(name)
                        order.append(self.nodes[name])
                    continue
                opened.add(name)
                waiting += reversed([each for each in missing if self.nodes[each].op != _BACK])
        return order

    def _needed(self, outputs: Iterable[str]) -> set[str]:
        needed: set[str] = set()
        waiting = list(outputs)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += self._sources(name)
        return needed

    def _sources(self, name: str) -> list[str]:
        return [_split(source)[0] for source in _data(self.nodes[name])]

    def _stored(self) -> dict[str, str]:
        """Nodes whose value does not depend on the input, with the constant that they come from."""
        stored: dict[str, str] = {}
        for node in self.order:
            sources = [_split(source)[0] for source in _data(node)]
            if node.op in _STORED:
                stored[node.name] = node.name
            elif sources and node.op != POSTPROCESS_NAME and all(s in stored for s in sources):
                stored[node.name] = (
                    node.name if node.op.startswith(_FAKE_QUANT) else stored[sources[0]]
                )
        return stored

    def _source(self, tensor: str) -> str:
        """What a tensor is once the identities on its way are gone."""
        name, port = _split(tensor)
        seen: set[str] = set()
        while self.nodes[name].op in _PASSING and name not in seen and _data(self.nodes[name]):
            seen.add(name)
            name, port = _split(_data(self.nodes[name])[0])
        return f"{name}:{port}"

    def _operation(self, node: Any) -> Operation:
        sources = _data(node)
        moving = [self._source(each) for each in sources if _split(each)[0] not in self.stored]
        return Operation(
            name=node.name,
            aliases=node.name,
            kind=node.op,
            facts=self._facts(node),
            weights=self._weights(node),
            inputs=tuple(moving),
            outputs=self.written[node.name],
        )

    def _written(self) -> dict[str, tuple[str, ...]]:
        """The outputs of each node that are read or end the graph; the first one always."""
        ports_of: dict[str, set[int]] = {node.name: {0} for node in self.order}
        for node in self.order:
            for name, port in map(_split, _data(node)):
                ports_of[name].add(port)
        for name, port in self.outputs:
            ports_of[name].add(port)
        return {
            name: tuple(f"{name}:{port}" for port in sorted(ports))
            for name, ports in ports_of.items()
        }

    def _weights(self, node: Any) -> str:
        constants = [
            self.stored[name] for name, _ in map(_split, _data(node)) if name in self.stored
        ]
        rounded = any(self.nodes[name].op.startswith(_FAKE_QUANT) for name in constants)
        return "fake-quantised" if rounded else ""

    def _tensor(self, key: str) -> Tensor:
        name = key.removesuffix(":0")
        spec = self.specs.get(key)
        return Tensor(name, "", None) if spec is None else Tensor(name, spec.dtype, spec.shape)

    def _facts(self, node: Any) -> tuple[str, ...]:
        if node.op == POSTPROCESS_NAME:
            return _postprocess_facts(node)
        attributes = dict(node.attr)
        channels_first = "data_format" in attributes and attributes["data_format"].s == b"NCHW"
        sides = slice(2, 4) if channels_first else slice(1, 3)
        kernel, stride, dilation = (
            tuple(attributes[name].list.i)[sides] or None if name in attributes else None
            for name in ("ksize", "strides", "dilations")
        )
        channels: tuple[str, ...] = ()
        # Weights are [height, width, in, out]; a depthwise convolution's end in its multiplier.
        weights = _data(node)[1:2] if node.op in _KERNELS else []
        spec = self.specs.get("{}:{}".format(*_split(weights[0]))) if weights else None
        if spec is not None and len(spec.shape) == 4:
            kernel = spec.shape[:2]
            if node.op != _DEPTHWISE:
                channels = (f"{spec.shape[2]}→{spec.shape[3]}",)
        return (*kernel_facts(kernel, stride, dilation), *channels)

    def _notes(self, operations: tuple[Operation, ...]) -> tuple[str, ...]:
        kinds = Counter(each.kind for each in operations)
        notes = [
            f"{len(self.whole.node):,} nodes; {len(operations):,} operations on the way from "
            "the inputs to the outputs",
            ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6)),
        ]
        rounding = sum(node.op.startswith(_FAKE_QUANT) for node in self.order)
        if rounding:
            notes.append(f"{rounding} FakeQuant nodes: trained for quantisation")
        return tuple(notes)


def _data(node: Any) -> list[str]:
    """A node's inputs, without those that only order it."""
    return [source for source in node.input if not source.startswith("^")]


def _split(tensor: str) -> tuple[str, int]:
    name, _, port = tensor.partition(":")
    return name, int(port) if port.isdecimal() else 0


def _postprocess_facts(node: Any) -> tuple[str, ...]:
    names = [field.name for field in dataclasses.fields(PostprocessAttributes)]
    present = {
        name: getattr(node.attr[name], node.attr[name].WhichOneof("value"))
        for name in names
        if name in node.attr and node.attr[name].WhichOneof("value") is not None
    }
    values: dict[str, Any] = {**KERNEL_DEFAULTS, **present}
    # The check of an export names what is missing; a picture goes without.
    if any(name not in values for name in names):
        return ()
    return postprocess_facts(PostprocessAttributes(**values))
