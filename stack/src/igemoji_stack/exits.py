"""Ends of commands: one sentence on standard error, and an exit code."""

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import typer


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Print a sentence and exit."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def exit_on(error: type[Exception], code: int = 1) -> Iterator[None]:
    """Exit with the sentence of an error that is raised in the block, or in the decorated command."""
    try:
        yield
    except error as raised:
        fail(str(raised), code)
