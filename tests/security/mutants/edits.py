"""Edits that a mutant makes inside the symbol that it names.

Patterns and replacements are code. In a pattern, `_` matches any expression, `f(*_)` a call of `f` with any arguments,
and `raise E(*_)` also `raise E` and `raise E(...) from error`. In a replacement, `OLD` stands for the code that is
replaced. A pattern must match exactly once in the symbol. Python is compared as a syntax tree, other languages as
tokens: layout and comments don't matter.
"""

from dataclasses import dataclass


class StaleMutant(Exception):
    """The symbol is gone, or the code in it that an edit changes."""


@dataclass(frozen=True)
class Value:
    """Assign another value to the symbol, which is a variable: `Value("OLD * 1000")`."""

    new: str


@dataclass(frozen=True)
class Body:
    """Give the function another body: `Body("return data")`."""

    new: str


@dataclass(frozen=True)
class First:
    """Run statements before the others of the function: `First("return None")`."""

    new: str


@dataclass(frozen=True)
class Entry:
    """Change a keyword argument or the entry of a dictionary, or remove it: `Entry("secure", "False")`.

    `name` is the keyword, the key if it is a string, or the name of the constant that is the key.
    """

    name: str
    new: str | None = None


@dataclass(frozen=True)
class Replace:
    """Replace an expression or a statement: `Replace("_.owner != _", "False")`.

    If `new` is a statement, the statement that consists of `old` is replaced, awaited or not.
    """

    old: str
    new: str


@dataclass(frozen=True)
class Without:
    """Remove a statement, an argument or an element of a list: `Without("protovalidate.validate(*_)")`."""

    old: str


Edit = Value | Body | First | Entry | Replace | Without
