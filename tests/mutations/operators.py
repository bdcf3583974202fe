"""Ways to make a line of judging code wrong: from a node of its syntax tree to others.

An operator makes a mistake that would matter in a judge: a comparison the wrong way round,
results of the first image only, a NaN or an empty run that counts as fine, UNKNOWN taken for PASS.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

__all__ = ["BOUNDARY", "OPERATORS", "Operator"]

# Nodes to put in the place of the one that is given; none where the operator does not apply.
Operator = Callable[[ast.AST], Iterator[ast.AST]]

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_AT_THE_BOUND: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_OPPOSITE = {
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "minimum": "maximum",
    "argmax": "argmin",
    "argmin": "argmax",
    "all": "any",
    "any": "all",
    "floor": "ceil",
    "ceil": "floor",
}
_MAGNITUDES = ("abs", "absolute", "fabs")
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_PASSED = (
    "(lambda check, key, *_, **__: CheckResult(check, key.model, key.variant,"
    " __import__('validation.policy.limits', fromlist=['Status']).Status.PASS, file=key.file))"
)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _renamed(call: ast.Call, name: str) -> ast.Call:
    other = copy.deepcopy(call)
    if isinstance(other.func, ast.Attribute):
        other.func.attr = name
    elif isinstance(other.func, ast.Name):
        other.func.id = name
    return other


def _compared(table: dict[type[ast.cmpop], type[ast.cmpop]]) -> Operator:
    def operator(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.Compare):
            for place, each in enumerate(node.ops):
                if type(each) in table:
                    other = copy.deepcopy(node)
                    other.ops[place] = table[type(each)]()
                    yield other

    return operator


def _opposite(node: ast.AST) -> Iterator[ast.AST]:
    name = _called(node)
    if isinstance(node, ast.Call) and name in _OPPOSITE:
        yield _renamed(node, _OPPOSITE[name])


def _no_magnitude(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _called(node) in _MAGNITUDES and node.args:
        yield copy.deepcopy(node.args[0])


def _and_or(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield other


def _no_not(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield copy.deepcopy(node.operand)


def _condition(node: ast.AST) -> Iterator[ast.AST]:
    """Of a name or a call: comparisons, `and`, `or` and `not` have operators of their own."""
    if isinstance(node, ast.If | ast.IfExp) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
    ):
        other = copy.deepcopy(node)
        other.test = ast.UnaryOp(ast.Not(), other.test)
        yield other


def _no_guard(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], _ENDS):
        yield ast.Pass()


def _no_filter(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            other = copy.deepcopy(node)
            del other.ifs[place]
            yield other


def _part(text: str) -> Operator:
    """Loops over a part of what they should go over."""

    def operator(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.For | ast.comprehension):
            other = copy.deepcopy(node)
            taken = _expression(f"[*_][{text}]")
            assert isinstance(taken, ast.Subscript)
            taken.value = ast.List([ast.Starred(other.iter, ast.Load())], ast.Load())
            other.iter = taken
            yield other

    return operator


def _not_strict(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _called(node) == "zip":
        other = copy.deepcopy(node)
        other.keywords = [each for each in node.keywords if ast.unparse(each) != "strict=True"]
        if len(other.keywords) < len(node.keywords):
            yield other


def _nan_is_fine(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _called(node) in ("isfinite", "_is_finite") and node.args:
        # True of the argument's own shape: an array is equal to itself but for its NaN.
        shown = ast.unparse(node.args[0])
        whole = f"({shown} == {shown}) | True"
        yield _expression(whole)
    if isinstance(node, ast.Call) and _called(node) == "isnan" and node.args:
        shown = ast.unparse(node.args[0])
        yield _expression(f"({shown} == {shown}) & False")
    if isinstance(node, ast.Attribute) and node.attr == "is_finite":
        yield ast.Constant(True)


def _status(node: ast.AST) -> Iterator[ast.AST]:
    if (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Status"
        and node.attr in ("FAIL", "UNKNOWN", "WARN")
    ):
        yield ast.Attribute(ast.Name("Status", ast.Load()), "PASS", ast.Load())


def _result(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "CheckResult.unknown",
        "CheckResult.failed",
    ):
        other = copy.deepcopy(node)
        other.func = _expression(_PASSED)
        yield other


def _nothing_is_zero(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.keyword) and node.arg == "default":
        value = node.value
        if isinstance(value, ast.Constant) and value.value is None:
            yield ast.keyword("default", ast.Constant(0))
    if isinstance(node, ast.IfExp):
        for branch in ("body", "orelse"):
            value = getattr(node, branch)
            if isinstance(value, ast.Constant) and value.value is None:
                other = copy.deepcopy(node)
                setattr(other, branch, ast.Constant(0))
                yield other


def _exchanged(node: ast.AST) -> Iterator[ast.AST]:
    """The two names that a pair is unpacked to, as the ends of an interval."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
        names = node.targets[0].elts
        if len(names) == 2 and all(isinstance(each, ast.Name) for each in names):
            other = copy.deepcopy(node)
            target = other.targets[0]
            assert isinstance(target, ast.Tuple)
            target.elts.reverse()
            yield other
    if (
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Tuple)
        and len(node.value.elts) == 2
    ):
        swapped = copy.deepcopy(node)
        assert isinstance(swapped.value, ast.Tuple)
        swapped.value.elts.reverse()
        yield swapped


OPERATORS: dict[str, Operator] = {
    "comparison turned": _compared(_TURNED),
    "opposite function": _opposite,
    "sign kept": _no_magnitude,
    "and for or": _and_or,
    "not left out": _no_not,
    "condition turned": _condition,
    "guard left out": _no_guard,
    "filter left out": _no_filter,
    "first one only": _part(":1"),
    "first one lost": _part("1:"),
    "lengths not compared": _not_strict,
    "NaN is fine": _nan_is_fine,
    "status is PASS": _status,
    "result is PASS": _result,
    "nothing is 0": _nothing_is_zero,
    "pair exchanged": _exchanged,
}
# Only where a value exactly at its bound has to be tried, see targets.toml.
BOUNDARY: dict[str, Operator] = {"bound itself": _compared(_AT_THE_BOUND)}
