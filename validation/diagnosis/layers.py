"""The layer table of a quantised .tflite file: what each operator loses, and what has gathered.

Each operator has two errors. The accumulated one compares the runs of both files on the same
images. The local one feeds a single operator with the values of the float counterpart, quantised
by the file's own parameters, so that it alone is to blame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.comparison.error_statistics import ErrorAccumulator
from validation.diagnosis.counterparts import counterparts, is_computing
from validation.diagnosis.operators import Operator, OperatorGraph, read_operators
from validation.diagnosis.single_operator import single_operator
from validation.diagnosis.tensor_values import TensorValues
from validation.errors import ConversionError, FeedError
from validation.record.quantisation_cost import ErrorStatistics, LayerError

_Floats = NDArray[np.float32]
_INPUT = "INPUT"


def layer_table(
    quantised: Path,
    counterpart: Path,
    feeds: NDArray[np.float32],
    *,
    float_counterpart: bool = True,
) -> tuple[LayerError, ...]:
    """What each operator of a quantised file costs, in the order of execution.

    The input comes first where it is quantised. Operators that only store a value otherwise
    have a row where values are rounded, and none where they are only read back.

    Args:
        quantised: A .tflite file that ends in the raw outputs or in the post-processing op,
            which has no row.
        counterpart: The float file of the same graph. The converter's float file of a graph
            with FakeQuant nodes will do: its values are those of training.
        feeds: float32 [I, 1, H, W, 3], as the float file is fed; at least one image.
        float_counterpart: False compares any two files of one graph, the first as if the
            second were right.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: A file that cannot be read or run, more inputs than one, a
            counterpart whose input is not float32, or two files of which no operator corresponds.
        FeedError: The feeds are not images of the size that both files take.
    """
    graph, float_graph = read_operators(quantised), read_operators(counterpart)
    run, float_run = TensorValues(graph.model.content), TensorValues(float_graph.model.content)
    for values, path in ((float_run, counterpart), (run, quantised)):
        _refuse_other_feeds(values, feeds, path.name)
    if float_counterpart:
        _refuse_quantised(float_run, counterpart.name)
    pairs = counterparts(graph, float_graph, _shapes(run), _shapes(float_run))
    computing = [each for each in graph.moving if is_computing(each)]
    if not any(output in pairs for each in computing for output in each.outputs):
        raise ConversionError(
            "no operator of the quantised file has a counterpart in the float file",
            expected=f"two conversions of one graph: {quantised.name} and {counterpart.name}",
            next_step="take the raw variants of the same model",
        )
    rows = [_input_row(graph, run, pairs)] if run.specs[graph.inputs[0]].scale is not None else []
    # Detections have no row, nor stored values that are read back, which is exact.
    rows += [
        _operator_row(graph, each, run, pairs)
        for each in graph.moving
        if is_computing(each) or each.op == "QUANTIZE"
    ]
    for feed in feeds:
        float_run.run(feed)
        run.run(feed)
        for row in rows:
            row.add(run, float_run)
    arrived = {
        row.tensor: row.accumulated.statistics().sqnr_db
        for row in rows
        if row.counterpart is not None
    }
    names = float_graph.names
    return tuple(row.error(run, names, _arriving(graph, row, arrived)) for row in rows)


@dataclass
class _Row:
    """One row while its images come in.

    Args:
        index: See `LayerError`.
        op: See `LayerError`.
        tensor: Index of what the operator writes.
        counterpart: Index in the float file; None where there is none.
        inputs: Indices in the float file of what the operator is fed; empty where one is
            missing, or where there is no operator.
        reads: Indices of what the operator reads from the image.
        single: The operator by itself; None where it cannot be fed.
    """

    index: int
    op: str
    tensor: int
    counterpart: int | None
    inputs: tuple[int, ...]
    reads: tuple[int, ...]
    single: TensorValues | None
    accumulated: ErrorAccumulator
    local: ErrorAccumulator = field(init=False)

    def __post_init__(self) -> None:
        self.local = ErrorAccumulator(self.accumulated.spec)

    def add(self, run: TensorValues, float_run: TensorValues) -> None:
        """Count the last run of both files."""
        if self.counterpart is None:
            return
        value = float_run.value(self.counterpart)
        self.accumulated.add(value, run.value(self.tensor))
        if self.single is not None:
            self.single.run(*(float_run.value(index) for index in self.inputs))
            self.local.add(value, self.single.value(self.single.outputs[0]))

    def error(
        self, run: TensorValues, names: tuple[str, ...], arriving: float | None
    ) -> LayerError:
        """The row of the table."""
        return LayerError(
            index=self.index,
            op=self.op,
            tensor=run.specs[self.tensor],
            counterpart="" if self.counterpart is None else names[self.counterpart],
            arriving_db=arriving,
            accumulated=None if self.counterpart is None else self.accumulated.statistics(),
            local=self._local(),
        )

    def _local(self) -> ErrorStatistics | None:
        if self.op == _INPUT:
            # Nothing comes before it: what it lost it lost by itself.
            return self.accumulated.statistics()
        return self.local.statistics() if self.single is not None else None


def _input_row(graph: OperatorGraph, run: TensorValues, pairs: Mapping[int, int]) -> _Row:
    """The image itself: fed with wrong parameters it is lost before the first layer."""
    (tensor,) = graph.inputs
    return _Row(0, _INPUT, tensor, pairs[tensor], (), (), None, ErrorAccumulator(run.specs[tensor]))


def _operator_row(
    graph: OperatorGraph, operator: Operator, run: TensorValues, pairs: Mapping[int, int]
) -> _Row:
    tensor = operator.outputs[0]
    reads = graph.moving_inputs(operator)
    counterpart = pairs.get(tensor)
    fed = tuple(pairs[index] for index in reads if index in pairs)
    can_be_fed = counterpart is not None and len(fed) == len(reads)
    single = TensorValues(single_operator(graph, operator), keep_all=False) if can_be_fed else None
    spec = run.specs[tensor]
    return _Row(
        operator.index, operator.op, tensor, counterpart, fed, reads, single, ErrorAccumulator(spec)
    )


def _arriving(graph: OperatorGraph, row: _Row, arrived: Mapping[int, float]) -> float | None:
    """The worst of what the operator reads, unless one of it is unknown."""
    known = []
    for index in row.reads:
        source = _value_source(graph, index)
        if source not in arrived:
            return None
        known.append(arrived[source])
    return min(known, default=None)


def _value_source(graph: OperatorGraph, tensor: int) -> int:
    """Where a value was computed before it was only read back."""
    producer = graph.producer(tensor)
    while producer is not None and producer.op == "DEQUANTIZE":
        (tensor,) = producer.inputs
        producer = graph.producer(tensor)
    return tensor


def _shapes(run: TensorValues) -> dict[int, tuple[int, ...]]:
    return {index: spec.shape for index, spec in run.specs.items()}


def _refuse_other_feeds(run: TensorValues, feeds: _Floats, where: str) -> None:
    if len(run.inputs) != 1:
        raise ConversionError(
            "an SSD takes one image", expected="one input", got=len(run.inputs), where=where
        )
    spec = run.specs[run.inputs[0]]
    if not len(feeds) or feeds.shape[1:] != spec.shape or feeds.dtype != np.float32:
        raise FeedError(
            "the feeds are not images of the file's size",
            expected=f"float32 [I, {', '.join(map(str, spec.shape))}]",
            got=f"{feeds.dtype} {list(feeds.shape)}",
            where=where,
        )


def _refuse_quantised(float_run: TensorValues, where: str) -> None:
    dtype = float_run.specs[float_run.inputs[0]].dtype
    if dtype != "float32":
        raise ConversionError(
            "the float counterpart of a layer table is a float file",
            expected="input of float32",
            got=dtype,
            where=where,
        )
