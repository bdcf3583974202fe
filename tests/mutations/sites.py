"""The mutants of a module: every place of its judging code where an operator applies."""

from __future__ import annotations

import ast
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mutations.operators import OPERATORS, Operator

__all__ = ["PROBE", "Mutant", "Source", "code_of"]

PROBE = "__reached_line__"


@dataclass(frozen=True)
class Mutant:
    """One changed place.

    Args:
        module: Path below the root, with slashes.
        function: Qualified name of the outermost function around the place.
        operator: What was done to it.
        before: The code there, on one line.
        after: What takes its place.
        nth: Of several alike in one function, which; from 0.
        line: Of the place, from 1.
        statement: First line of the innermost statement around it.
    """

    module: str
    function: str
    operator: str
    before: str
    after: str
    nth: int
    line: int
    statement: int

    @property
    def name(self) -> str:
        """On one line, the same as long as the code there is."""
        nth = f" #{self.nth + 1}" if self.nth else ""
        return f"{self.module}::{self.function}: {self.operator}: {self.before}{nth}"

    @property
    def place(self) -> str:
        """Function and code."""
        return f"{self.function}: {self.before}"


@dataclass(frozen=True)
class _Place:
    mutant: Mutant
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    unit: ast.AST


class Source:
    """The text of a module, and its mutants.

    Functions that return text alone are left out, and so is what an error or a formatted string
    says: words are no judgement.
    """

    def __init__(
        self, path: Path, root: Path, operators: Mapping[str, Operator] = OPERATORS
    ) -> None:
        self.path = path
        self.module = path.relative_to(root).as_posix()
        self._text = path.read_text(encoding="utf-8")
        self._operators = operators

    def mutants(self) -> list[Mutant]:
        """All, in the order of the file."""
        return [place.mutant for place in self._places(ast.parse(self._text))]

    def compiled(self, mutant: Mutant) -> types.CodeType:
        """The module's code with one change.

        Raises:
            KeyError: The module has no such place.
        """
        tree = ast.parse(self._text)
        for place in self._places(tree):
            if place.mutant == mutant:
                _put(place)
                return compile(ast.fix_missing_locations(tree), str(self.path), "exec")
        raise KeyError(mutant.name)

    def with_probes(self) -> types.CodeType:
        """The module's code, which calls the built-in of `PROBE` with each line it comes by."""
        tree = ast.parse(self._text)
        for unit in [each for _, each in _units(tree.body, "")]:
            _probe(unit, str(self.path))
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec")

    def _places(self, tree: ast.Module) -> Iterator[_Place]:
        seen: Counter[tuple[str, str, str, str]] = Counter()
        for name, unit in _units(tree.body, ""):
            for parent, field, index, node, statement in _inside(unit):
                for operator, apply in self._operators.items():
                    for other in apply(node):
                        before, after = _shown(node), _shown(other)
                        same = (name, operator, before, after)
                        line = getattr(node, "lineno", statement)
                        mutant = Mutant(
                            self.module, name, operator, before, after, seen[same], line, statement
                        )
                        seen[same] += 1
                        located = other
                        if hasattr(node, "lineno"):
                            ast.copy_location(located, node)
                        yield _Place(mutant, parent, field, index, located, unit)


def _probe(node: ast.AST, path: str) -> None:
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for each in children:
            if isinstance(each, ast.AST):
                _probe(each, path)
        if children and isinstance(children[0], ast.stmt):
            probed = []
            for each in children:
                call = ast.parse(f"{PROBE}(({path!r}, {each.lineno}))").body[0]
                probed += [ast.copy_location(call, each), each]
            setattr(node, name, probed)


def _put(place: _Place) -> None:
    if place.index is None:
        setattr(place.parent, place.field, place.node)
    else:
        getattr(place.parent, place.field)[place.index] = place.node


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        ifs = "".join(f" if {ast.unparse(each)}" for each in node.ifs)
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}{ifs}"
    if isinstance(node, ast.keyword):
        return f"{node.arg}={ast.unparse(node.value)}"
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}: {ast.unparse(node.body[-1])}".replace("\n", " ")
    if isinstance(node, ast.For):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
    return " ".join(ast.unparse(node).split())


def _units(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """Outermost functions and lambdas by qualified name, but for those that give only words."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _units(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.FunctionDef) and not _gives_words(statement):
            yield f"{prefix}{statement.name}", statement


def _gives_words(function: ast.FunctionDef) -> bool:
    return function.returns is not None and ast.unparse(function.returns) == "str"


def _inside(
    unit: ast.AST,
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, int]]:
    """Every node below one, with its place; defaults, annotations and words left out."""
    assert isinstance(unit, ast.FunctionDef)
    for index, statement in enumerate(unit.body):
        yield from _walk(unit, "body", index, statement, statement.lineno)


def _walk(
    parent: ast.AST, field: str, index: int | None, node: ast.AST, line: int
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, int]]:
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
        return
    if isinstance(node, ast.stmt):
        line = node.lineno
    yield parent, field, index, node, line
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "defaults", "kw_defaults"):
            continue
        for place, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(each, ast.AST):
                yield from _walk(node, name, place, each, line)


def code_of(code: types.CodeType, function: types.CodeType) -> types.CodeType | None:
    """A constant of a module's code that takes the place of a function's own code."""
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            same = each.co_qualname == function.co_qualname
            if same and each.co_firstlineno == function.co_firstlineno:
                return each
            found = code_of(each, function)
            if found is not None:
                return found
    return None
