"""Edit Python source inside one symbol. Everything outside of the edit stays as it is, byte for byte."""

import ast
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import TypeGuard, TypeVar

from .edits import Body, Edit, Entry, First, Replace, StaleMutant, Value, Without

NO_ELEMENT = "*()"
"""Replaces an argument or element that is removed: no comma around it has to go."""
NO_ENTRY = "**{}"
"""The same for keyword arguments and entries of dictionaries."""

Found = TypeVar("Found")

_IGNORED_FIELDS = {"ctx", "kind", "type_comment"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Node = ast.expr | ast.stmt | ast.keyword
"""A node with a position."""
_Change = tuple[int, int, str]
"""Begin and end in bytes, and the text between them afterwards."""


def edited(source: str, qualname: str, edit: Edit) -> str:
    """Return the source with the edit made in the symbol. Raises StaleMutant."""
    symbol = find(ast.parse(source), qualname)
    begin, end, new = _change(_Text(source), symbol, edit)
    raw = source.encode()
    return (raw[:begin] + new.encode() + raw[end:]).decode()


def find(tree: ast.Module, qualname: str) -> ast.stmt:
    """Return the definition of a function, class or variable: `Class.method`, `NAME`. Raises StaleMutant."""
    body: list[ast.stmt] = tree.body
    for name in qualname.split("."):
        found = [statement for statement in body if name in _names(statement)]
        if len(found) != 1:
            raise StaleMutant(f"{qualname} is defined {len(found)} times, not once")
        body = getattr(found[0], "body", [])
    return found[0]


def defines(source: str, qualname: str) -> bool:
    """Tell if a module defines a symbol."""
    if not all(name in source for name in qualname.split(".")):  # saves parsing most modules
        return False
    try:
        find(ast.parse(source), qualname)
    except StaleMutant:
        return False
    return True


def matches(pattern: ast.AST, node: ast.AST) -> bool:
    """Compare two syntax trees, of which the first may hold the wildcards `_` and `*_`."""
    if isinstance(pattern, ast.Name) and pattern.id == "_":
        return isinstance(node, ast.expr)
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call) and _takes_any_arguments(pattern):
        count = len(pattern.args) - 1
        return _same([pattern.func, *pattern.args[:count]], [node.func, *node.args[:count]])
    if isinstance(pattern, ast.Raise) and isinstance(node, ast.Raise) and _takes_any_arguments(pattern.exc):
        return _same(pattern.exc, node.exc) or _same(pattern.exc.func, node.exc)
    fields = (field for field in pattern._fields if field not in _IGNORED_FIELDS)
    return all(_same(getattr(pattern, field, None), getattr(node, field, None)) for field in fields)


def _same(pattern: object, value: object) -> bool:
    if isinstance(pattern, ast.AST):
        return isinstance(value, ast.AST) and matches(pattern, value)
    if isinstance(pattern, list) and isinstance(value, list):
        return len(pattern) == len(value) and all(map(_same, pattern, value))
    return type(pattern) is type(value) and pattern == value


def _takes_any_arguments(call: ast.AST | None) -> TypeGuard[ast.Call]:
    last = call.args[-1] if isinstance(call, ast.Call) and call.args else None
    return isinstance(last, ast.Starred) and isinstance(last.value, ast.Name) and last.value.id == "_"


def _names(statement: ast.stmt) -> set[str]:
    if isinstance(statement, _Function | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


class _Text:
    """Source with the positions that nodes of its syntax tree have in it, in bytes."""

    def __init__(self, source: str) -> None:
        self._raw = source.encode()
        self._lines = [0, *accumulate(len(line) + 1 for line in self._raw.split(b"\n"))]

    def __getitem__(self, span: tuple[int, int]) -> str:
        return self._raw[slice(*span)].decode()

    def span(self, first: _Node, last: _Node | None = None) -> tuple[int, int]:
        """Return begin and end of a node, or of all from the first node to the last."""
        last = last or first
        begin = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))])
        end_line, end_column = last.end_lineno or 0, last.end_col_offset or 0
        return self._lines[begin - 1] + first.col_offset, self._lines[end_line - 1] + end_column


def _change(text: _Text, symbol: ast.stmt, edit: Edit) -> _Change:
    match edit:
        case Value(new):
            value = getattr(symbol, "value", None)
            if value is None:
                raise StaleMutant("the symbol has no value")
            return _expression(text, value, new)
        case Body(new) | First(new):
            if not isinstance(symbol, _Function):
                raise StaleMutant("the symbol is not a function")
            if isinstance(edit, Body):
                return _statements(text, symbol.body[0], symbol.body[-1], new)
            first = symbol.body[1 if ast.get_docstring(symbol) is not None and symbol.body[1:] else 0]
            return _statements(text, first, first, f"{new}\nOLD")
        case Entry(name, new):
            key, value = _only(list(_entries(symbol, name)), name)
            if new is not None:
                return _expression(text, value, new)
            return *text.span(key, value), NO_ENTRY
        case Replace(old, new):
            pattern = _pattern(old)
            if isinstance(pattern, ast.expr) and _is_expression(new):
                found = [node for node in ast.walk(symbol) if isinstance(node, ast.expr) and matches(pattern, node)]
                return _expression(text, _only(found, old), new)
            statement = _only(_matching_statements(symbol, pattern), old)
            return _statements(text, statement, statement, new)
        case Without(old):
            pattern = _pattern(old)
            candidates: list[ast.stmt | ast.expr] = [*_matching_statements(symbol, pattern)]
            candidates.extend(node for node in _elements(symbol) if matches(pattern, node))
            removed = _only(candidates, old)
            return *text.span(removed), "pass" if isinstance(removed, ast.stmt) else NO_ELEMENT


def _only(found: list[Found], wanted: str) -> Found:
    if len(found) != 1:
        raise StaleMutant(f"{wanted} is in the symbol {len(found)} times, not once")
    return found[0]


def _expression(text: _Text, node: ast.expr, new: str) -> _Change:
    span = text.span(node)
    return *span, f"({_filled(new, f'({text[span]})')})"


def _statements(text: _Text, first: ast.stmt, last: ast.stmt, new: str) -> _Change:
    span = text.span(first, last)
    return *span, _filled(new.replace("\n", "\n" + " " * first.col_offset), text[span])


def _filled(new: str, old: str) -> str:
    return re.sub(r"\bOLD\b", lambda _: old, new)


def _pattern(code: str) -> ast.expr | ast.stmt:
    (statement,) = ast.parse(code).body
    return statement.value if isinstance(statement, ast.Expr) else statement


def _is_expression(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True


def _matching_statements(symbol: ast.stmt, pattern: ast.expr | ast.stmt) -> list[ast.stmt]:
    return [
        node
        for node in ast.walk(symbol)
        if isinstance(node, ast.stmt) and any(matches(pattern, form) for form in _forms(node))
    ]


def _forms(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the statement, the expression that it consists of, and that without `await`."""
    yield statement
    if isinstance(statement, ast.Expr):
        yield statement.value
        if isinstance(statement.value, ast.Await):
            yield statement.value.value


def _elements(symbol: ast.stmt) -> Iterator[ast.expr]:
    for node in ast.walk(symbol):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield from node.elts
        elif isinstance(node, ast.Call):
            yield from node.args


def _entries(symbol: ast.stmt, name: str) -> Iterator[tuple[ast.expr | ast.keyword, ast.expr]]:
    """Yield where an entry begins, and its value."""
    for node in ast.walk(symbol):
        if isinstance(node, ast.keyword) and node.arg == name:
            yield node, node.value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is not None and _key_name(key) == name:
                    yield key, value


def _key_name(key: ast.expr) -> object:
    match key:
        case ast.Constant(value=name) | ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None
