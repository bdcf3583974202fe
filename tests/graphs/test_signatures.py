"""TensorFlow is told the arguments of a function once, while a graph is built."""

import functools

import pytest
import tensorflow.compat.v1 as tf
from tensorflow.python.util import tf_inspect

from validation.graphs.bare_variables import bare_variables
from validation.graphs.signatures import remembered_signatures


class _Unhashable:
    """Called like a function, and no key of a dictionary."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, first: int, *, second: int = 2) -> int:
        return first + second


def _function(first: int, *rest: int, second: int = 2, **others: int) -> int:
    return first + second + len(rest) + len(others)


@pytest.mark.parametrize(
    "asked",
    [_function, functools.partial(_function, second=3), _Unhashable(), _Unhashable().__call__],
    ids=["function", "partial", "unhashable", "method"],
)
def test_answers_are_the_same(asked: object) -> None:
    """Asked once or twice, inside the block or outside."""
    expected = tf_inspect.getfullargspec(asked)
    with remembered_signatures():
        assert [tf_inspect.getfullargspec(asked) for _ in range(2)] == [expected] * 2


def test_what_has_no_signature_is_refused_as_ever() -> None:
    """A number takes no arguments."""
    with remembered_signatures(), pytest.raises(TypeError, match="unsupported callable"):
        tf_inspect.getfullargspec(3)


def test_nothing_is_left_behind() -> None:
    """Also where the block ends in an error."""
    before = vars(tf_inspect)["_getfullargspec"]
    with pytest.raises(ZeroDivisionError), remembered_signatures():
        assert vars(tf_inspect)["_getfullargspec"] is not before
        _ = 1 / 0
    assert vars(tf_inspect)["_getfullargspec"] is before


def test_bare_variable_is_one_op_until_it_is_read() -> None:
    """Its handle, under its name, in its shape; each reader makes a read."""
    with tf.Graph().as_default() as graph, bare_variables(), tf.variable_scope("layer"):
        variable = tf.get_variable("weights", [2, 3])
        assert [op.type for op in graph.get_operations()] == ["VarHandleOp"]
        doubled = variable * 2.0
    assert (variable.op.name, variable.shape.as_list()) == ("layer/weights", [2, 3])
    assert doubled.shape.as_list() == [2, 3]
    assert sum(op.type == "ReadVariableOp" for op in graph.get_operations()) == 1
    assert graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES) == [variable]
    assert not graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
