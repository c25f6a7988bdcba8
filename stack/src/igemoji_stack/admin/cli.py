"""`igemoji admin`: commands for operators, on the data folder of a mesh or, with --server, on a server."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from igemoji_auth.entrypoints.cli import operate as operate_auth
from igemoji_client import AsyncClient, Reported
from igemoji_emoji_catalog.entrypoints.cli import operate as operate_catalog
from igemoji_inference.entrypoints.cli import operate as operate_inference
from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.state import read_state
from igemoji_stack.photo import remote
from igemoji_stack.photo.errors import CannotWork

Data = Annotated[Path, typer.Option(help="Folder of all data of the mesh; without --server.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
TemplateId = Annotated[str, typer.Argument(metavar="ID", help="Id of the template.")]
FOLDER = Path(".igemoji")
OPERATE = {"auth": operate_auth, "emoji-catalog": operate_catalog, "inference": operate_inference}
WITH_OBJECTS = ("emoji-catalog", "inference")
ON_FOLDER_ONLY = "This command works on the data folder only: run it on that machine, without --server."

app = typer.Typer(
    help="Moderate templates; manage operators, passwords, keys and stored objects.", no_args_is_help=True
)


@app.command()
def make_operator(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Make an account an operator, who moderates templates."""
    _on_folder(context, data, "make-operator", email)


@app.command()
def revoke_operator(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Make an operator an ordinary user again."""
    _on_folder(context, data, "revoke-operator", email)


@app.command()
def reset_password(context: typer.Context, email: Email, data: Data = FOLDER) -> None:
    """Print a link with which the user can set a new password once."""
    _on_folder(context, data, "reset-password", email)


@app.command()
def rotate_keys(context: typer.Context, data: Data = FOLDER) -> None:
    """Publish a new signing key for access tokens; it is used ten minutes later."""
    _on_folder(context, data, "rotate-keys")


@app.command()
def reports(
    context: typer.Context,
    decided: Annotated[bool, typer.Option("--decided", help="Reports with a decision.")] = False,
    data: Data = FOLDER,
) -> None:
    """List the reported templates, the oldest report first."""
    if context.obj is None:
        _run_on_folder(data, "emoji-catalog", "reports", *(["--decided"] if decided else []))
        return

    async def print_reports(client: AsyncClient) -> None:
        async for case in client.moderation.reports(decided=decided):
            typer.echo(line(case))

    _on_server(context, print_reports)


@app.command()
def hide(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Hide a template from everyone except its maker and operators."""
    _decide(context, template_id, "hide", data)


@app.command()
def restore(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Show a hidden template again."""
    _decide(context, template_id, "restore", data)


@app.command()
def delete(context: typer.Context, template_id: TemplateId, data: Data = FOLDER) -> None:
    """Delete a template permanently."""
    _decide(context, template_id, "delete", data)


@app.command()
def check_objects(
    context: typer.Context,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Delete objects that no row refers to.")
    ] = False,
    data: Data = FOLDER,
) -> None:
    """Audit all stored objects against their checksums and rows. Exit code 1 if any is missing or damaged."""
    if context.obj is not None:
        _refuse(ON_FOLDER_ONLY)
    options = ["--remove-orphans"] if remove_orphans else []
    passed = [_passes(data, service, "check-objects", *options) for service in WITH_OBJECTS]
    raise typer.Exit(0 if all(passed) else 1)


def line(case: Reported) -> str:
    """Format a reported template like `igemoji-emoji-catalog reports`."""
    reasons = ", ".join(dict.fromkeys(report.reason for report in case.reports))
    since = f"{case.waiting_since:%F %T}" if case.waiting_since else ""
    hidden = "  (hidden)" if case.emoji.hidden else ""
    return f"{case.emoji.id}  {since}  {case.total}  {reasons}  {case.emoji.name}{hidden}"


def _decide(context: typer.Context, template_id: str, decision: Any, data: Path) -> None:
    if context.obj is None:
        _run_on_folder(data, "emoji-catalog", decision, template_id)
        return

    async def decide(client: AsyncClient) -> None:
        await client.moderation.decide(template_id, decision)
        typer.echo(f"{template_id}: {decision} is done.")

    _on_server(context, decide)


def _on_folder(context: typer.Context, data: Path, *arguments: str) -> None:
    if context.obj is not None:
        _refuse(ON_FOLDER_ONLY)
    _run_on_folder(data, "auth", *arguments)


def _run_on_folder(data: Path, service: str, *arguments: str) -> None:
    if not data.is_dir():
        _refuse(f"There is no data folder {data}: name that of the mesh with --data.")
    os.environ["DATA_DIR"] = str(data)
    if (data / "backend").exists() and (data / "backend").read_text().strip() == Backend.REAL:
        state = read_state(data) or {}
        databases = state.get("databases", {})
        if service not in databases:
            _refuse(f"The data of {data} is in a database that runs with the mesh: start the mesh first.")
        os.environ.update({"DATABASE_URL": databases[service], **state["objects"]})
    OPERATE[service](arguments)


def _passes(data: Path, service: str, *arguments: str) -> bool:
    """Run a command; return False if its exit code reports lost objects, which it has printed."""
    try:
        _run_on_folder(data, service, *arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            _refuse(end.code)
        return not end.code
    return True


def _on_server(context: typer.Context, work: Callable[[AsyncClient], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        server = remote.chosen(context)
        if server is None or not server.email:
            raise CannotWork("Operators log in: give --email, and the password in IGEMOJI_PASSWORD or at the prompt.")
        async with remote.logged_in(server) as client:
            await work(client)

    try:
        asyncio.run(run())
    except CannotWork as error:
        _refuse(str(error))


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
