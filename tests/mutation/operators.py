"""What a mutant changes: one comparison, constant, operation, condition, call or statement of a module.

Left alone are annotations, decorators, imports, docstrings, assertions (`assert`, `strict` of a `zip`: what is always true)
and sentences for people; the words of the domain ("agreement", "flat_fee") and the pointers of findings are changed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Place = tuple[ast.AST, str, int | None]  # parent, field, index in the field where it is a list

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATIONS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitXor: (ast.BitOr,),
}
CALLS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "bisect_left": "bisect_right",
    "bisect_right": "bisect_left",
}
FREE_KEYWORDS = {"key", "reverse", "default", "start"}  # a call stands without them
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_params"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """Name one change of a module: its number there, its line, what stood there and what stands there now."""

    module: str
    number: int
    line: int
    operator: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module.replace('.', '/')}.py:{self.line}  {self.before}  →  {self.after}"


def mutants(module: str, source: str) -> list[Mutant]:
    """List every mutant of a module, in the order of its text."""
    tree = ast.parse(source)
    found = []
    for number, (place, operator, make) in enumerate(_changes(tree)):
        node = _node(place)
        before, made = _text(node), make()
        after = "pass" if made is None else _text(made)
        line: int = getattr(node, "lineno", getattr(place[0], "lineno", 0))
        found.append(Mutant(module, number, line, operator, before, after))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the tree of a module with change number `number` made."""
    tree = ast.parse(source)
    for i, ((parent, field, index), _, make) in enumerate(_changes(tree)):
        if i == number:
            made = make() or ast.Pass()
            if index is None:
                setattr(parent, field, made)
            else:
                getattr(parent, field)[index] = made
            return ast.fix_missing_locations(tree)
    raise IndexError(number)


def _text(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(node))
    first, *more = text.splitlines()
    return first + (" …" if more else "")


def _node(place: Place) -> ast.AST:
    parent, field, index = place
    value = getattr(parent, field)
    node: ast.AST = value if index is None else value[index]
    return node


def _places(node: ast.AST) -> Iterator[Place]:
    """Walk the tree in the order of its text, leaving out what no mutant changes."""
    for field, value in ast.iter_fields(node):
        if field in SKIPPED_FIELDS:
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _is_skipped(child):
                continue
            yield node, field, index if isinstance(value, list) else None
            yield from _places(child)


def _is_skipped(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.Expr(ast.Constant()) | ast.Expr(ast.Call(ast.Name("assert_never"))):
            return True
        case ast.If(ast.Name("TYPE_CHECKING")):
            return True
        case ast.Subscript(ast.Name("Literal")) | ast.keyword("strict"):
            return True
        case ast.Assign([ast.Name("__all__")]):
            return True
    return False


Change = tuple[Place, str, Callable[[], ast.AST | None]]


def _changes(tree: ast.Module) -> Iterator[Change]:
    for place in _places(tree):
        node = _node(place)
        parent = place[0]
        if isinstance(node, ast.expr):
            for operator, make in _of_expression(node, parent, place[1]):
                yield place, operator, make
        elif isinstance(node, ast.stmt):
            for operator, make in _of_statement(node):
                yield place, operator, make
        elif isinstance(node, ast.comprehension):
            for i in range(len(node.ifs)):
                rest = [*node.ifs[:i], *node.ifs[i + 1 :]]
                yield place, "condition removed", _copied(node, ifs=rest)


def _copied(node: ast.AST, **fields: Any) -> Callable[[], ast.AST]:
    def make() -> ast.AST:
        values = dict(ast.iter_fields(node))
        return (
            ast.copy_location(type(node)(**{**values, **fields}), node)
            if hasattr(node, "lineno")
            else type(node)(**{**values, **fields})
        )

    return make


def _of_expression(node: ast.expr, parent: ast.AST, field: str) -> Iterator[tuple[str, Callable[[], ast.AST | None]]]:
    match node:
        case ast.Compare(_, ops, _):
            for i, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield "comparison", _copied(node, ops=[*ops[:i], other(), *ops[i + 1 :]])
        case ast.BinOp(_, op, _):
            if not _is_type_union(node):
                for swapped in OPERATIONS.get(type(op), ()):
                    yield "arithmetic", _copied(node, op=swapped())
        case ast.BoolOp(op, values):
            yield "and/or", _copied(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for i in range(len(values)):
                rest = [*values[:i], *values[i + 1 :]]
                yield "operand removed", _copied(node, values=rest) if len(rest) > 1 else _copied(rest[0])
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "sign or not removed", lambda: operand
        case ast.IfExp(_, body, orelse):
            yield "branches swapped", _copied(node, body=orelse, orelse=body)
        case ast.Constant(value):
            if field == "value" and isinstance(parent, ast.Return | ast.FormattedValue) and value is None:
                return
            yield from _of_constant(node, value, parent)
        case ast.Call(function, arguments, keywords):
            if isinstance(function, ast.Name) and function.id in CALLS:
                yield "call swapped", _copied(node, func=ast.Name(CALLS[function.id], ast.Load()))
            if isinstance(function, ast.Name) and function.id in ("sorted", "abs", "frozenset") and len(arguments) == 1:
                kept = (
                    ast.Call(ast.Name("list", ast.Load()), arguments, []) if function.id == "sorted" else arguments[0]
                )
                yield "call removed", lambda: kept
            for i, keyword in enumerate(keywords):
                if keyword.arg in FREE_KEYWORDS:
                    yield "keyword removed", _copied(node, keywords=[*keywords[:i], *keywords[i + 1 :]])
        case ast.Lambda():
            yield "value", _copied(node, body=ast.Constant(None))
        case ast.Slice(lower, upper, _):
            if lower is not None:
                yield "bound removed", _copied(node, lower=None)
            if upper is not None:
                yield "bound removed", _copied(node, upper=None)


def _of_constant(
    node: ast.Constant, value: object, parent: ast.AST
) -> Iterator[tuple[str, Callable[[], ast.AST | None]]]:
    if isinstance(value, bool):
        yield "constant", lambda: ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", lambda: ast.Constant(value + 1)
        yield "constant", lambda: ast.Constant(value - 1) if value else ast.UnaryOp(ast.USub(), ast.Constant(1))
    elif (
        isinstance(value, str)
        and value
        and " " not in value.strip()
        # Pieces of an f-string are changed where they are pointers; elsewhere they are sentences.
        and (not isinstance(parent, ast.JoinedStr) or value.startswith(("/", "#")))
    ):
        yield "constant", lambda: ast.Constant(value + "XX")


def _is_type_union(node: ast.BinOp) -> bool:
    """Tell unions of types from unions of sets: the names of types begin with a capital."""
    return isinstance(node.op, ast.BitOr) and all(
        isinstance(side, ast.BinOp) or (isinstance(side, ast.Name) and side.id[:1].isupper()) or _is_none(side)
        for side in (node.left, node.right)
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _of_statement(node: ast.stmt) -> Iterator[tuple[str, Callable[[], ast.AST | None]]]:
    match node:
        case ast.Return(value):
            if value is not None and not _is_none(value):
                yield "value", lambda: ast.Return(ast.Constant(None))
        case ast.Expr():
            yield "statement removed", lambda: None
        case ast.AugAssign(target, op, value):
            yield "statement removed", lambda: None
            for other in OPERATIONS.get(type(op), ()):
                yield "arithmetic", _copied(node, op=other())
            yield "assigned", lambda: ast.Assign([target], value)
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Delete() | ast.Raise():
            yield "statement removed", lambda: None
        case ast.Break():
            yield "break/continue", ast.Continue
        case ast.Continue():
            yield "break/continue", ast.Break
            yield "statement removed", lambda: None
        case ast.If(test, _, _) | ast.While(test, _, _):
            if not isinstance(test, ast.Compare | ast.UnaryOp):
                yield "condition negated", _copied(node, test=ast.UnaryOp(ast.Not(), test))
            if isinstance(node, ast.If):
                yield "condition always", _copied(node, test=ast.Constant(True))
                yield "condition never", _copied(node, test=ast.Constant(False))
