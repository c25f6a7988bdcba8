"""Edit Lua and Make inside one function or rule, token by token: layout and comments don't matter."""

import re
from dataclasses import dataclass

from .edits import Edit, Replace, StaleMutant, Without

_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Language:
    symbol: str
    """Regular expression for the block of a symbol, with `{name}`."""
    token: str
    comment: str


LUA = Language(
    symbol=r"^(?:local )?function {name}\(.*?^end$",
    token=r"""--[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\*_|\w+|\S""",
    comment="--",
)
MAKE = Language(symbol=r"^{name}:[^\n]*\n(?:\t[^\n]*\n)*", token=r"\S+", comment="#")


def edited(source: str, name: str, edit: Edit, language: Language) -> str:
    """Return the source with the edit made in the function or rule. Raises StaleMutant."""
    blocks = list(re.finditer(language.symbol.replace("{name}", re.escape(name)), source, re.MULTILINE | re.DOTALL))
    if len(blocks) != 1:
        raise StaleMutant(f"{name} is defined {len(blocks)} times, not once")
    if not isinstance(edit, Replace | Without):
        raise StaleMutant(f"{type(edit).__name__} is for Python alone")
    pattern = [token for _, _, token in _tokens(edit.old, language)]
    tokens = _tokens(blocks[0][0], language)
    spans = [(first, end) for first in range(len(tokens)) if (end := _match(pattern, tokens, first)) is not None]
    if len(spans) != 1:
        raise StaleMutant(f"{edit.old} is in {name} {len(spans)} times, not once")
    first, end = spans[0]
    offset = blocks[0].start()
    begin, finish = offset + tokens[first][0], offset + tokens[end - 1][1]
    return source[:begin] + (edit.new if isinstance(edit, Replace) else "") + source[finish:]


def _tokens(text: str, language: Language) -> list[tuple[int, int, str]]:
    found = [(token.start(), token.end(), token[0]) for token in re.finditer(language.token, text)]
    return [token for token in found if not token[2].startswith(language.comment) or language is MAKE]


def _match(pattern: list[str], tokens: list[tuple[int, int, str]], at: int) -> int | None:
    """Return the index after the last token that matches, or None."""
    for number, wanted in enumerate(pattern):
        if wanted == "*_":
            at = _skipped(tokens, at, pattern[number + 1])
        elif at < len(tokens) and wanted in ("_", tokens[at][2]):
            at += 1
        else:
            return None
    return at


def _skipped(tokens: list[tuple[int, int, str]], at: int, until: str) -> int:
    """Return the index of the next token `until` that is not in brackets of its own."""
    closing: list[str] = []
    while at < len(tokens) and (closing or tokens[at][2] != until):
        token = tokens[at][2]
        if closing and token == closing[-1]:
            closing.pop()
        elif token in _CLOSES:
            closing.append(_CLOSES[token])
        at += 1
    return at
