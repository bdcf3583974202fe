"""Tensors of two files are paired by what they stand for, whatever the converter called them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from validation.diagnosis.counterparts import counterparts
from validation.diagnosis.operators import Operator, OperatorGraph

_SHAPE = (1, 4, 4, 8)

# Operator, name of what it writes, shape.
_Chain = list[tuple[str, str, tuple[int, ...]]]


def _graph(chain: _Chain) -> tuple[OperatorGraph, dict[int, tuple[int, ...]]]:
    """Operators one after the other; tensor 0 is the input."""
    operators = tuple(
        Operator(place, op, False, (place - 1,), (place,))
        for place, (op, _, _) in enumerate(chain, 1)
    )
    names = ("input", *(name for _, name, _ in chain))
    graph = OperatorGraph(None, operators, (0,), names, frozenset())
    return graph, {0: (1, 8, 8, 3), **{place: each[2] for place, each in enumerate(chain, 1)}}


def _pairs(quantised: _Chain, reference: _Chain) -> dict[str, str]:
    ours, our_shapes = _graph(quantised)
    theirs, their_shapes = _graph(reference)
    found = counterparts(ours, theirs, our_shapes, their_shapes)
    return {ours.names[one]: theirs.names[other] for one, other in found.items() if one}


def _convolution(name: str, shape: tuple[int, ...] = _SHAPE) -> tuple[str, str, tuple[int, ...]]:
    return "CONV_2D", name, shape


@given(st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_names_go_before_order(order: list[int]) -> None:
    """Branches may run in another order."""
    chain = [_convolution(f"net/{n}/Relu6;net/{n}/BiasAdd;net/{n}/Conv2D") for n in range(6)]
    shuffled = [chain[n] for n in order]
    assert _pairs(shuffled, chain) == {name: name for _, name, _ in chain}


def test_numbers_of_the_converter_are_no_difference() -> None:
    """Digits at the end make a name unique and say nothing."""
    assert _pairs(
        [_convolution("net/a/Conv2D2"), _convolution("net/b/Conv2D2")],
        [_convolution("net/b/Conv2D"), _convolution("net/a/Conv2D")],
    ) == {"net/a/Conv2D2": "net/a/Conv2D", "net/b/Conv2D2": "net/b/Conv2D"}


def test_an_exact_name_goes_before_a_numbered_one() -> None:
    """Layers are numbered too."""
    names = ["net/Conv2d_1", "net/Conv2d_11"]
    chain = [_convolution(name) for name in names]
    assert _pairs(chain[::-1], chain) == {name: name for name in names}


def test_folded_batch_norms_are_found_by_their_scope() -> None:
    """Two conversions that share no node, but the scopes of the nodes."""
    folded = [_convolution(f"net/{n}/add_fold;net/{n}/Conv2D_Fold") for n in "abc"]
    plain = [_convolution(f"net/{n}/BatchNorm/FusedBatchNorm;net/{n}/Conv2D1") for n in "cab"]
    pairs = _pairs(folded, plain)
    assert {one.split("/")[1] + other.split("/")[1] for one, other in pairs.items()} == {
        "aa",
        "bb",
        "cc",
    }
    assert len(pairs) == 3


def test_the_value_goes_before_what_it_was_made_of() -> None:
    """A fused operator holds the value of the last node, not of the first."""
    fused = [_convolution("net/a/Relu6;net/a/Conv2D")]
    apart = [_convolution("net/a/Conv2D"), ("RELU6", "net/a/Relu6", _SHAPE)]
    assert _pairs(fused, apart) == {"net/a/Relu6;net/a/Conv2D": "net/a/Relu6"}


def test_order_pairs_what_no_name_does() -> None:
    """Where both files have as many of one operator and shape left, and only there."""
    ours = [
        _convolution("x1"),
        _convolution("x2"),
        _convolution("x3", (1, 2)),
        ("ADD", "x4", _SHAPE),
    ]
    theirs = [_convolution("y1"), _convolution("y2"), _convolution("y3", (1, 2)), *ours[:0]]
    theirs += [_convolution("y4", (1, 2))]
    assert _pairs(ours, theirs) == {"x1": "y1", "x2": "y2"}


def test_other_shapes_never_pair() -> None:
    """The same name over other dimensions is another tensor."""
    assert _pairs([_convolution("a/b", (1, 9))], [_convolution("a/b", (1, 3, 3))]) == {}


def test_squeezed_values_are_the_same() -> None:
    """Sides of one hold nothing: both forms have the same values in the same order."""
    ours = [("RESHAPE", "head/Reshape;head/act_quant", (1, 9, 4))]
    theirs = [("RESHAPE", "head/Reshape", (1, 9, 1, 4))]
    assert _pairs(ours, theirs) == {"head/Reshape;head/act_quant": "head/Reshape"}


def test_stored_values_share_the_counterpart_of_their_source() -> None:
    """Quantising and reading back change how a value is kept, not what it is."""
    ours = [
        ("QUANTIZE", "tfl.quantize", (1, 8, 8, 3)),
        _convolution("net/a/Relu6"),
        ("QUANTIZE", "again", _SHAPE),
        ("DEQUANTIZE", "end", _SHAPE),
    ]
    assert _pairs(ours, [_convolution("net/a/Relu6")]) == {
        "tfl.quantize": "input",
        "net/a/Relu6": "net/a/Relu6",
        "again": "net/a/Relu6",
        "end": "net/a/Relu6",
    }


def test_detections_are_no_layer() -> None:
    """A custom operator has no counterpart, whatever its name."""
    operator = Operator(1, "TFLite_Detection_PostProcess", True, (0,), (1,))
    graph = OperatorGraph(None, (operator,), (0,), ("input", "boxes"), frozenset())
    shapes = {0: (1, 3), 1: (1, 4)}
    assert counterparts(graph, graph, shapes, shapes) == {0: 0}
